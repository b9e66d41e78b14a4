"""
5-minute and 1-hour roll-ups of the samples.

A bucket ``[start, start + 5 min)`` of a kind has one row for each thing that has a sample in it:
mean and maximum of a gauge, growth of a counter. A counter's growth is the sum over the bucket's
samples of the difference to the sample before; where the counter went down it was reset, and its
new value is what it grew by. The sample before the bucket's first one counts when it is at most
10 minutes older than the bucket's start; without one, the first adds nothing. A column that no
sample knows is NULL. Attributes, which are no metrics, are not rolled up.

An hour is made of the raw samples as well, once its buckets are: beside mean and maximum it has
the 95th percentile (interpolated, as ``quantile_cont``), which no mean of buckets could give.
"""

import re
from dataclasses import dataclass
from functools import cache

import duckdb
import pyarrow as pa

from headroom_collector.store.sheet import insert
from headroom_collector.store.tables import BUCKET, REACH, ensure_table, listed, sql_type
from headroom_proto.catalogue import Catalogue, Column, Kind

LAG = 30_000_000_000
"""Nanoseconds after a bucket's end at which it is rolled up: time for stragglers."""
BEFORE = REACH * BUCKET
"""How much older than the bucket the sample before its first may be, in nanoseconds."""


LONG = re.compile("cpu|memory|watts|joules")
"""Metrics that people compare with last year: CPU, memory and energy."""


@dataclass(frozen=True, slots=True)
class Tier:
    """Roll-ups of one width, in nanoseconds."""

    suffix: str
    width: int
    quantile: bool

    def name(self, kind: str) -> str:
        """Return the name of a kind's table: ``host_5m``."""
        return f"{kind}_{self.suffix}"


FIVE_MINUTES = Tier("5m", BUCKET, quantile=False)
HOUR = Tier("1h", 12 * BUCKET, quantile=True)


def rollup_name(kind: str) -> str:
    """Return the name of a kind's roll-up table: ``host_5m``."""
    return FIVE_MINUTES.name(kind)


def short_lived(kind: Kind) -> list[str] | None:
    """
    Return which 5-minute columns of a kind go first; None where its rows go whole.

    What the collector makes itself is little, and kept; of what agents send, CPU, memory and
    energy of hosts and machines.
    """
    if kind.producer == "collector":
        return []
    kept = [column for column in _metrics(kind) if LONG.search(column.metric or "")]
    if not kept or kind.name not in {"host", "vm", "energy", "vm_energy"}:
        return None
    goes = {column.field for column in _metrics(kind)} - {column.field for column in kept}
    return [name for name in rollup_columns(kind) if name.rsplit("_", 1)[0] in goes]


def _metrics(kind: Kind) -> list[Column]:
    return [column for column in kind.columns if column.metric is not None]


def rollup_columns(kind: Kind, tier: Tier = FIVE_MINUTES) -> dict[str, str]:
    """Return the columns of a kind's roll-up with their types, in order."""
    columns = {"time": "BIGINT", "host_id": "INTEGER", "thing_id": "INTEGER", "samples": "INTEGER"}
    for column in _metrics(kind):
        if column.type == "counter":
            columns[f"{column.field}_delta"] = sql_type(column)
        else:
            columns[f"{column.field}_mean"] = "DOUBLE"
            columns[f"{column.field}_max"] = sql_type(column)
            if tier.quantile:
                columns[f"{column.field}_p95"] = "DOUBLE"
    return columns


def prepare_rollups(cursor: duckdb.DuckDBPyConnection, catalogue: Catalogue) -> None:
    """Make the roll-up tables, or give them the columns that they lack."""
    for kind in catalogue.kinds:
        if kind.rolled_up:
            for tier in (FIVE_MINUTES, HOUR):
                ensure_table(cursor, tier.name(kind.name), rollup_columns(kind, tier))


def _aggregates(column: Column, tier: Tier) -> list[str]:
    name = f'"{column.field}"'
    if column.type == "gauge":
        p95 = [f"quantile_cont({name}, 0.95)"] if tier.quantile else []
        return [f"avg({name})", f"max({name})", *p95]
    before = f'"{column.field}_before"'
    grown = f"CASE WHEN {name} >= {before} THEN {name} - {before} "
    return [f"sum({grown} WHEN {name} < {before} THEN {name} END)"]


@cache
def rollup_sql(kind: Kind, tier: Tier = FIVE_MINUTES) -> str:
    """Return the query; its parameters are start, first time read, end, and start again."""
    metrics = _metrics(kind)
    lags = [
        f'lag("{column.field}" IGNORE NULLS) OVER before AS "{column.field}_before"'
        for column in metrics
        if column.type == "counter"
    ]
    read = ", ".join([listed(["time", "host_id", "thing_id"]), _fields(metrics), *lags])
    made = [part for column in metrics for part in _aggregates(column, tier)]
    values = ["?::BIGINT", "any_value(host_id)", "thing_id", "count(*)", *made]
    names = [
        f'{value} AS "{name}"'
        for value, name in zip(values, rollup_columns(kind, tier), strict=True)
    ]
    return (
        f"SELECT {', '.join(names)} "  # noqa: S608 - names are the catalogue's
        f'FROM (SELECT {read} FROM "{kind.name}_sample" WHERE time >= ? AND time < ? '
        "WINDOW before AS (PARTITION BY thing_id ORDER BY time, commit_id)) "
        "WHERE time >= ? GROUP BY thing_id"
    )


def _fields(columns: list[Column]) -> str:
    return listed(column.field for column in columns)


def roll_up(cursor: duckdb.DuckDBPyConnection, kind: Kind, start: int) -> None:
    """Make the rows of one 5-minute bucket anew, inside the caller's transaction."""
    name = rollup_name(kind.name)
    cursor.execute(f"DELETE FROM {name} WHERE time = ?", [start])  # noqa: S608 - the catalogue's
    cursor.execute(
        f"INSERT INTO {name} ({listed(rollup_columns(kind))}) {rollup_sql(kind)}",
        [start, start - BEFORE, start + BUCKET, start],
    )


def read_hour(reader: duckdb.DuckDBPyConnection, kind: Kind, start: int) -> pa.Table:
    """Return the rows of one hour, made of the raw samples."""
    parameters = [start, start - BEFORE, start + HOUR.width, start]
    return reader.sql(rollup_sql(kind, HOUR), params=parameters).to_arrow_table()


def write_hour(cursor: duckdb.DuckDBPyConnection, kind: Kind, start: int, rows: pa.Table) -> None:
    """Put the rows of one hour in the place of older ones, inside the caller's transaction."""
    name = HOUR.name(kind.name)
    cursor.execute(f"DELETE FROM {name} WHERE time = ?", [start])  # noqa: S608 - the catalogue's
    insert(cursor, name, rows)
