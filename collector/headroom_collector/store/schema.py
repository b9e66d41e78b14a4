"""Tables that the store keeps beside the samples, and the forward steps that lead to them."""

from collections.abc import Iterable, Sequence
from itertools import groupby

import duckdb

from headroom_collector.store.api import Migration, StoreError
from headroom_collector.store.wording import one_line

STEPS = """
CREATE TABLE IF NOT EXISTS migrations(
    room VARCHAR NOT NULL, number INTEGER NOT NULL, applied BIGINT NOT NULL);
"""

OWN = (
    Migration(
        "store",
        1,
        """
        CREATE TABLE commits(last BIGINT NOT NULL);
        INSERT INTO commits VALUES (0);
        CREATE TABLE hosts(
            id INTEGER NOT NULL, name VARCHAR NOT NULL, simulated BOOLEAN NOT NULL,
            first_seen BIGINT NOT NULL, last_seen BIGINT NOT NULL, received BIGINT NOT NULL,
            goodbye BIGINT, agent_version VARCHAR NOT NULL, interval_seconds DOUBLE, facts JSON);
        CREATE TABLE things(
            id INTEGER NOT NULL, host_id INTEGER NOT NULL, kind VARCHAR NOT NULL,
            key VARCHAR NOT NULL, labels JSON NOT NULL,
            first_seen BIGINT NOT NULL, last_seen BIGINT NOT NULL);
        CREATE TABLE high_water(
            host_id INTEGER NOT NULL, epoch BLOB NOT NULL, seq BIGINT NOT NULL,
            crc32 BIGINT NOT NULL, baseline BIGINT NOT NULL, updated BIGINT NOT NULL);
        CREATE TABLE gaps(
            host_id INTEGER NOT NULL, epoch BLOB NOT NULL, from_seq BIGINT NOT NULL,
            to_seq BIGINT NOT NULL, time BIGINT NOT NULL);
        CREATE TABLE refusals(
            host_id INTEGER NOT NULL, time BIGINT NOT NULL, reason VARCHAR NOT NULL,
            detail VARCHAR NOT NULL, count BIGINT NOT NULL);
        CREATE TABLE dirty(kind VARCHAR NOT NULL, bucket BIGINT NOT NULL);
        """,
    ),
    Migration(
        "store",
        2,
        """
        CREATE TABLE sink_cursors(
            name VARCHAR NOT NULL, commit_id BIGINT NOT NULL, updated BIGINT NOT NULL);
        CREATE TABLE sink_gaps(
            name VARCHAR NOT NULL, kind VARCHAR NOT NULL, day BIGINT NOT NULL,
            samples BIGINT NOT NULL);
        """,
    ),
    Migration(
        "store",
        3,
        """
        CREATE TABLE ahead(
            host_id INTEGER NOT NULL, epoch BLOB NOT NULL, from_seq BIGINT NOT NULL,
            to_seq BIGINT NOT NULL, crc32 BIGINT NOT NULL);
        CREATE TABLE corrected(
            host_id INTEGER NOT NULL, epoch BLOB NOT NULL, seq BIGINT NOT NULL,
            time BIGINT NOT NULL, raw_time BIGINT NOT NULL, received BIGINT NOT NULL);
        """,
    ),
    Migration(
        "store", 4, "CREATE TABLE dirty_hours(kind VARCHAR NOT NULL, hour BIGINT NOT NULL);"
    ),
)


def _newest(cursor: duckdb.DuckDBPyConnection) -> dict[str, int]:
    rows = cursor.execute("SELECT room, max(number) FROM migrations GROUP BY room").fetchall()
    return dict(rows)


def _room(migration: Migration) -> str:
    return migration.room


def _check(steps: Iterable[Migration], newest: dict[str, int]) -> None:
    for room, group in groupby(steps, _room):
        known = max(step.number for step in group)
        if newest.get(room, 0) > known:
            raise StoreError(
                f"the store's tables of '{room}' are at step {newest[room]}, this version knows "
                f"{known}: it was written by a newer version; start that one, or restore a backup"
            )


def _step(cursor: duckdb.DuckDBPyConnection, step: Migration, now: int) -> None:
    cursor.begin()
    try:
        cursor.execute(step.sql)
        cursor.execute("INSERT INTO migrations VALUES (?, ?, ?)", [step.room, step.number, now])
        cursor.commit()
    except duckdb.Error as error:
        cursor.rollback()
        raise StoreError(
            f"step {step.number} of the tables of '{step.room}' failed, nothing was changed: "
            f"{one_line(error)}"
        ) from error


def migrate(cursor: duckdb.DuckDBPyConnection, steps: Sequence[Migration], now: int) -> None:
    """
    Bring every room's tables to its newest step, each step in a transaction of its own.

    Raises StoreError where a step fails, or where the file is already further than ``steps``.
    """
    cursor.execute(STEPS)
    newest = _newest(cursor)
    ordered = sorted(
        (*OWN, *steps), key=lambda step: (step.room != "store", step.room, step.number)
    )
    _check(ordered, newest)
    for step in ordered:
        if step.number > newest.get(step.room, 0):
            _step(cursor, step, now)
