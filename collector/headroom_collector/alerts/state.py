"""
Tables of alerting in the store: state, history, outbox and the position read up to.

They change together, in one transaction of the store's writer: a notice is in the outbox exactly
when the state says that on-call was told.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any

import duckdb

from headroom_collector.alerts.evaluate import Phase, State
from headroom_collector.alerts.judge import Changes
from headroom_collector.alerts.payload import body
from headroom_collector.alerts.record import Alert, Key, dedup_key
from headroom_collector.config import Alerts
from headroom_collector.store.api import Change, Migration, Reader

ROOM = "alerts"
DAY = 86_400 * 10**9
HISTORY_DAYS = 400
OUTBOX_DAYS = 30

STATE = {
    "dedup_key": "VARCHAR",
    "rule": "VARCHAR",
    "host": "VARCHAR",
    "state": "VARCHAR",
    "since": "BIGINT",
    "started": "BIGINT",
    "value": "DOUBLE",
    "ceiling": "DOUBLE",
    "updated": "BIGINT",
    "ended": "BIGINT",
    "told": "BIGINT",
    "labels": "VARCHAR",
}
HISTORY = {
    "commit_id": "BIGINT",
    "position": "INTEGER",
    "dedup_key": "VARCHAR",
    "rule": "VARCHAR",
    "host": "VARCHAR",
    "event": "VARCHAR",
    "time": "BIGINT",
    "started": "BIGINT",
    "value": "DOUBLE",
    "ceiling": "DOUBLE",
    "historical": "BOOLEAN",
    "reason": "VARCHAR",
    "recorded": "BIGINT",
}
OUTBOX = {
    "id": "VARCHAR",
    "commit_id": "BIGINT",
    "dedup_key": "VARCHAR",
    "kind": "VARCHAR",
    "payload": "VARCHAR",
    "created": "BIGINT",
    "attempts": "INTEGER",
    "next_try": "BIGINT",
    "sent": "BIGINT",
    "failed": "BIGINT",
    "reason": "VARCHAR",
}


MIGRATIONS: tuple[Migration, ...] = (
    Migration(
        ROOM,
        1,
        """
        CREATE TABLE alert_state (
            dedup_key VARCHAR NOT NULL, rule VARCHAR NOT NULL, host VARCHAR NOT NULL,
            state VARCHAR NOT NULL, since BIGINT, started BIGINT, value DOUBLE, ceiling DOUBLE,
            updated BIGINT NOT NULL, ended BIGINT, told BIGINT, labels VARCHAR NOT NULL);
        CREATE TABLE alert_history (
            commit_id BIGINT NOT NULL, position INTEGER NOT NULL, dedup_key VARCHAR NOT NULL,
            rule VARCHAR NOT NULL, host VARCHAR NOT NULL, event VARCHAR NOT NULL,
            time BIGINT NOT NULL, started BIGINT NOT NULL, value DOUBLE, ceiling DOUBLE,
            historical BOOLEAN NOT NULL, reason VARCHAR NOT NULL, recorded BIGINT NOT NULL);
        CREATE TABLE outbox (
            id VARCHAR NOT NULL, commit_id BIGINT NOT NULL, dedup_key VARCHAR NOT NULL,
            kind VARCHAR NOT NULL, payload VARCHAR NOT NULL, created BIGINT NOT NULL,
            attempts INTEGER NOT NULL, next_try BIGINT NOT NULL, sent BIGINT, failed BIGINT,
            reason VARCHAR NOT NULL);
        CREATE TABLE alert_cursor (commit_id BIGINT NOT NULL);
        """,
    ),
)


def _insert(
    cursor: duckdb.DuckDBPyConnection,
    table: str,
    columns: dict[str, str],
    rows: Sequence[Sequence[Any]],
) -> None:
    if not rows:
        return
    # One statement for all rows: a statement a row would hold the writer up in a storm.
    wanted = ", ".join(f"unnest(?::{kind}[])" for kind in columns.values())
    cursor.execute(
        f"INSERT INTO {table} ({', '.join(columns)}) SELECT {wanted}",  # own names
        [list(column) for column in zip(*rows, strict=True)],
    )


def _state_row(alert: Alert) -> tuple[Any, ...]:
    state = alert.state
    return (
        dedup_key(alert.rule, alert.host),
        alert.rule,
        alert.host,
        state.phase.value,
        state.since,
        state.started,
        alert.value,
        alert.ceiling,
        alert.updated,
        alert.ended,
        alert.told,
        json.dumps(dict(alert.labels)),
    )


def _write_states(cursor: duckdb.DuckDBPyConnection, alerts: Iterable[Alert]) -> None:
    known = list(alerts)
    if not known:
        return
    keys = [dedup_key(alert.rule, alert.host) for alert in known]
    cursor.execute("DELETE FROM alert_state WHERE list_contains(?::VARCHAR[], dedup_key)", [keys])
    _insert(cursor, "alert_state", STATE, [_state_row(alert) for alert in known if alert.open])


def _history_rows(changes: Changes, commit_id: int, now: int) -> list[tuple[Any, ...]]:
    return [
        (
            commit_id,
            position,
            dedup_key(entry.rule, entry.host),
            entry.rule,
            entry.host,
            entry.event.value,
            entry.time,
            entry.started,
            entry.value,
            entry.ceiling,
            entry.historical,
            entry.reason,
            now,
        )
        for position, entry in enumerate(changes.history)
    ]


def writing(changes: Changes, position: int, config: Alerts, now: int) -> Change:
    """
    Return the change that keeps all of ``changes`` and that commits were read up to ``position``.

    ``now`` in UTC nanoseconds.
    """
    bodies = [
        (
            notice.id,
            dedup_key(notice.alert.rule, notice.alert.host),
            notice.kind.value,
            json.dumps(body(notice, config), ensure_ascii=False),
        )
        for notice in changes.notices
    ]

    def write(cursor: duckdb.DuckDBPyConnection, commit_id: int) -> None:
        _write_states(cursor, changes.alerts.values())
        history = _history_rows(changes, commit_id, now)
        _insert(cursor, "alert_history", HISTORY, history)
        outbox = [
            (id_, commit_id, key, kind, text, now, 0, now, None, None, "")
            for id_, key, kind, text in bodies
        ]
        _insert(cursor, "outbox", OUTBOX, outbox)
        cursor.execute("DELETE FROM alert_cursor")
        cursor.execute("INSERT INTO alert_cursor VALUES (?)", [position])

    return write


def tidying(now: int) -> Change:
    """
    Return the change that lets go of old lines of the history and of letters that are done.

    Letters of an alert that is still open stay: they say whether its firing was accepted.
    """

    def tidy(cursor: duckdb.DuckDBPyConnection, commit_id: int) -> None:  # noqa: ARG001  # the seam's
        cursor.execute("DELETE FROM alert_history WHERE recorded < ?", [now - HISTORY_DAYS * DAY])
        cursor.execute(
            "DELETE FROM outbox WHERE coalesce(sent, failed) < ?"
            " AND dedup_key NOT IN (SELECT dedup_key FROM alert_state)",
            [now - OUTBOX_DAYS * DAY],
        )

    return tidy


def read_cursor(reader: Reader) -> int | None:
    """Return the commit that was read up to; None before the first look. Raises StoreError."""
    rows = reader.query("SELECT commit_id FROM alert_cursor").to_pylist()
    return int(rows[0]["commit_id"]) if rows else None


def read_alerts(reader: Reader) -> dict[Key, Alert]:
    """Return every open alert. Raises StoreError."""
    rows = reader.query(f"SELECT {', '.join(STATE)} FROM alert_state").to_pylist()  # noqa: S608  # own names
    alerts = (
        Alert(
            rule=row["rule"],
            host=row["host"],
            state=State(Phase(row["state"]), row["since"], row["started"]),
            value=row["value"],
            ceiling=row["ceiling"],
            updated=row["updated"],
            ended=row["ended"],
            told=row["told"],
            labels=json.loads(row["labels"]),
        )
        for row in rows
    )
    return {alert.key: alert for alert in alerts}
