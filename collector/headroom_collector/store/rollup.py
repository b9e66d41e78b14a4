"""
5-minute roll-ups of the samples.

A bucket ``[start, start + 5 min)`` of a kind has one row for each thing that has a sample in it:
mean and maximum of a gauge, growth of a counter. A counter's growth is the sum over the bucket's
samples of the difference to the sample before; where the counter went down it was reset, and its
new value is what it grew by. The sample before the bucket's first one counts when it is at most
10 minutes older than the bucket's start; without one, the first adds nothing. A column that no
sample knows is NULL. Attributes, which are no metrics, are not rolled up.
"""

from functools import cache

import duckdb

from headroom_collector.store.tables import BUCKET, REACH, ensure_table, listed, sql_type
from headroom_proto.catalogue import Catalogue, Column, Kind

LAG = 30_000_000_000
"""Nanoseconds after a bucket's end at which it is rolled up: time for stragglers."""
BEFORE = REACH * BUCKET
"""How much older than the bucket the sample before its first may be, in nanoseconds."""


def rollup_name(kind: str) -> str:
    """Return the name of a kind's roll-up table: ``host_5m``."""
    return f"{kind}_5m"


def _metrics(kind: Kind) -> list[Column]:
    return [column for column in kind.columns if column.metric is not None]


def rollup_columns(kind: Kind) -> dict[str, str]:
    """Return the columns of a kind's roll-up with their types, in order."""
    columns = {"time": "BIGINT", "host_id": "INTEGER", "thing_id": "INTEGER", "samples": "INTEGER"}
    for column in _metrics(kind):
        if column.type == "counter":
            columns[f"{column.field}_delta"] = sql_type(column)
        else:
            columns[f"{column.field}_mean"] = "DOUBLE"
            columns[f"{column.field}_max"] = sql_type(column)
    return columns


def prepare_rollups(cursor: duckdb.DuckDBPyConnection, catalogue: Catalogue) -> None:
    """Make the roll-up tables, or give them the columns that they lack."""
    for kind in catalogue.kinds:
        if kind.rolled_up:
            ensure_table(cursor, rollup_name(kind.name), rollup_columns(kind))


def _aggregates(column: Column) -> list[str]:
    name = f'"{column.field}"'
    if column.type == "gauge":
        return [f"avg({name})", f"max({name})"]
    before = f'"{column.field}_before"'
    grown = f"CASE WHEN {name} >= {before} THEN {name} - {before} "
    return [f"sum({grown} WHEN {name} < {before} THEN {name} END)"]


@cache
def rollup_sql(kind: Kind) -> str:
    """Return the statement; its parameters are start, first time read, end, start."""
    metrics = _metrics(kind)
    lags = [
        f'lag("{column.field}" IGNORE NULLS) OVER before AS "{column.field}_before"'
        for column in metrics
        if column.type == "counter"
    ]
    read = ", ".join([listed(["time", "host_id", "thing_id"]), _fields(metrics), *lags])
    made = ", ".join(part for column in metrics for part in _aggregates(column))
    return (
        f"INSERT INTO {rollup_name(kind.name)} ({listed(rollup_columns(kind))}) "  # noqa: S608 - names are the catalogue's
        f"SELECT ?::BIGINT, any_value(host_id), thing_id, count(*), {made} "
        f'FROM (SELECT {read} FROM "{kind.name}_sample" WHERE time >= ? AND time < ? '
        "WINDOW before AS (PARTITION BY thing_id ORDER BY time, commit_id)) "
        "WHERE time >= ? GROUP BY thing_id"
    )


def _fields(columns: list[Column]) -> str:
    return listed(column.field for column in columns)


def roll_up(cursor: duckdb.DuckDBPyConnection, kind: Kind, start: int) -> None:
    """Make the rows of one bucket anew, inside the caller's transaction."""
    name = rollup_name(kind.name)
    cursor.execute(f"DELETE FROM {name} WHERE time = ?", [start])  # noqa: S608 - the catalogue's
    cursor.execute(rollup_sql(kind), [start, start - BEFORE, start + BUCKET, start])
