"""
Tables of alerting in the store: state, history, outbox and the position read up to.

They change together, in one transaction of the store's writer: a notice is in the outbox exactly
when the state says that on-call was told.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from headroom_collector.alerts.evaluate import Phase, State
from headroom_collector.alerts.judge import Changes
from headroom_collector.alerts.letters import Letter, Member
from headroom_collector.alerts.record import Alert, Key, dedup_key
from headroom_collector.store.api import Change, Migration, Reader

ROOM = "alerts"
DAY = 86_400 * 10**9
HISTORY_DAYS = 400
OUTBOX_DAYS = 30
REPLACED = "a newer one says what is true now"

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
    "judged_by": "VARCHAR",
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
    "receiver": "VARCHAR",
    "labels": "VARCHAR",
    "dropped": "BOOLEAN",
}
MEMBER = {
    "letter_id": "VARCHAR",
    "dedup_key": "VARCHAR",
    "rule": "VARCHAR",
    "host": "VARCHAR",
    "started": "BIGINT",
    "ended": "BIGINT",
    "value": "DOUBLE",
    "level": "DOUBLE",
    "labels": "VARCHAR",
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
    Migration(
        ROOM,
        2,
        """
        ALTER TABLE alert_state ADD COLUMN judged_by VARCHAR DEFAULT '';
        ALTER TABLE outbox ADD COLUMN receiver VARCHAR DEFAULT '';
        ALTER TABLE outbox ADD COLUMN labels VARCHAR DEFAULT '{}';
        ALTER TABLE outbox ADD COLUMN dropped BOOLEAN DEFAULT false;
        UPDATE outbox SET failed = created, reason = 'written by an earlier version'
            WHERE sent IS NULL AND failed IS NULL;
        CREATE TABLE letter_member (
            letter_id VARCHAR NOT NULL, dedup_key VARCHAR NOT NULL, rule VARCHAR NOT NULL,
            host VARCHAR NOT NULL, started BIGINT NOT NULL, ended BIGINT, value DOUBLE,
            level DOUBLE, labels VARCHAR NOT NULL);
        CREATE TABLE alert_silence (
            id VARCHAR NOT NULL, matchers VARCHAR NOT NULL, starts BIGINT NOT NULL,
            ends BIGINT NOT NULL, author VARCHAR NOT NULL, reason VARCHAR NOT NULL,
            created BIGINT NOT NULL);
        CREATE TABLE alert_ack (
            dedup_key VARCHAR NOT NULL, started BIGINT NOT NULL, author VARCHAR NOT NULL,
            reason VARCHAR NOT NULL, time BIGINT NOT NULL);
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
        alert.judged_by,
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


@dataclass(frozen=True, slots=True)
class Written:
    """A letter with its body, ready for the outbox."""

    letter: Letter
    body: str


def _member_row(letter_id: str, member: Member) -> tuple[Any, ...]:
    labels = json.dumps(dict(member.labels), ensure_ascii=False)
    told = (member.key, member.rule, member.host, member.started, member.ended)
    return (letter_id, *told, member.value, member.level, labels)


def _write_letters(
    cursor: duckdb.DuckDBPyConnection, letters: Sequence[Written], commit_id: int, now: int
) -> None:
    rows, members = [], []
    for written in letters:
        letter = written.letter
        id_, labels = letter.id, json.dumps(dict(letter.labels), ensure_ascii=False)
        fate = (0, now, None, None, "")
        where = (letter.receiver, labels, False)
        what = (id_, commit_id, letter.group, letter.kind.value, written.body, now)
        rows.append((*what, *fate, *where))
        members += [_member_row(id_, member) for member in letter.members]
    _insert(cursor, "outbox", OUTBOX, rows)
    _insert(cursor, "letter_member", MEMBER, members)


def writing(
    changes: Changes,
    letters: Sequence[Written],
    dropped: Sequence[str],
    position: int,
    now: int,
) -> Change:
    """
    Return the change that keeps what a look brought about, and that commits were read that far.

    ``dropped`` are the ids of letters that need not be sent any more; ``now`` in UTC nanoseconds.
    """

    def write(cursor: duckdb.DuckDBPyConnection, commit_id: int) -> None:
        _write_states(cursor, changes.alerts.values())
        history = _history_rows(changes, commit_id, now)
        _insert(cursor, "alert_history", HISTORY, history)
        if dropped:
            cursor.execute(
                "UPDATE outbox SET failed = ?, dropped = true, reason = ?"
                " WHERE list_contains(?::VARCHAR[], id) AND sent IS NULL",
                [now, REPLACED, list(dropped)],
            )
        _write_letters(cursor, letters, commit_id, now)
        cursor.execute("DELETE FROM alert_cursor")
        cursor.execute("INSERT INTO alert_cursor VALUES (?)", [position])

    return write


def tidying(now: int) -> Change:
    """
    Return the change that lets go of old lines of the history and of letters that are done.

    The newest letter of each group stays, and the newest that was accepted: they say what its
    receiver knows.
    """

    def tidy(cursor: duckdb.DuckDBPyConnection, commit_id: int) -> None:  # noqa: ARG001  # the seam's
        cursor.execute("DELETE FROM alert_history WHERE recorded < ?", [now - HISTORY_DAYS * DAY])
        cursor.execute(
            "DELETE FROM outbox WHERE coalesce(sent, failed) < ? AND id NOT IN"
            " (SELECT arg_max(id, commit_id) FROM outbox WHERE NOT dropped GROUP BY dedup_key)"
            " AND id NOT IN (SELECT arg_max(id, commit_id) FROM outbox WHERE sent IS NOT NULL"
            " GROUP BY dedup_key)",
            [now - OUTBOX_DAYS * DAY],
        )
        cursor.execute("DELETE FROM letter_member WHERE letter_id NOT IN (SELECT id FROM outbox)")
        cursor.execute("DELETE FROM alert_silence WHERE ends < ?", [now - HISTORY_DAYS * DAY])
        cursor.execute("DELETE FROM alert_ack WHERE time < ?", [now - HISTORY_DAYS * DAY])

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
            judged_by=row["judged_by"] or "",
        )
        for row in rows
    )
    return {alert.key: alert for alert in alerts}


def read_fires(reader: Reader, since: int) -> list[tuple[Key, int]]:
    """Return which alerts fired when, from that moment on (UTC nanoseconds). Raises StoreError."""
    rows = reader.query(
        "SELECT rule, host, time FROM alert_history WHERE event = 'fired' AND time > ?"
        " ORDER BY time",
        [since],
    ).to_pylist()
    return [((row["rule"], row["host"]), row["time"]) for row in rows]


def read_ends(
    reader: Reader, members: Sequence[Member]
) -> dict[tuple[str, int], tuple[int, float | None]]:
    """Return when these episodes ended and the value then, of those that did. Raises StoreError."""
    rows = reader.query(
        "SELECT dedup_key, started, time, value FROM alert_history"
        " WHERE event = 'resolved' AND list_contains(?::VARCHAR[], dedup_key)",
        [[member.key for member in members]],
    ).to_pylist()
    return {(row["dedup_key"], row["started"]): (row["time"], row["value"]) for row in rows}
