"""Rows of one kind and day on their way into a table."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import duckdb
import pyarrow as pa

from headroom_collector.store.api import Value
from headroom_collector.store.tables import IDENTITY, listed
from headroom_proto.catalogue import Kind

INCOMING = "incoming"
"""Name under which a statement sees the Arrow table that it writes."""


@dataclass(slots=True)
class Sheet:
    """Rows as they came, until ``table`` turns them into columns."""

    kind: Kind
    day: int
    times: list[int] = field(default_factory=list)
    hosts: list[int] = field(default_factory=list)
    things: list[int] = field(default_factory=list)
    values: list[Sequence[Value]] = field(default_factory=list)

    def table(self, commit_id: int) -> pa.Table:
        """
        Return the rows as columns in the order of the kind's table.

        Raises ValueError or TypeError where a row has too few values, too many, or odd ones.
        """
        columns = zip(*self.values, strict=True)
        arrays = {
            "time": pa.array(self.times, pa.int64()),
            "host_id": pa.array(self.hosts, pa.int32()),
            "thing_id": pa.array(self.things, pa.int32()),
            "commit_id": pa.array([commit_id] * len(self.times), pa.int64()),
        }
        for column, values in zip(self.kind.columns, columns, strict=True):
            type_ = pa.int64() if column.integer else pa.float64()
            arrays[column.field] = pa.array(values, type_)
        return pa.table(arrays)


def known(rows: pa.Table) -> int:
    """Return how many values of a sheet's table are not NULL."""
    values = rows.columns[len(IDENTITY) :]
    return sum(len(column) - int(column.null_count) for column in values)


def insert(cursor: duckdb.DuckDBPyConnection, table: str, rows: pa.Table) -> None:
    """Insert columns by their names."""
    names = listed(rows.column_names)
    sql = f'INSERT INTO "{table}" ({names}) SELECT {names} FROM {INCOMING}'  # noqa: S608 - names are the catalogue's
    run(cursor, sql, rows)


def run(cursor: duckdb.DuckDBPyConnection, sql: str, rows: pa.Table) -> None:
    """Run a statement that reads these rows as the table ``incoming``."""
    cursor.register(INCOMING, rows)
    try:
        cursor.execute(sql)
    finally:
        cursor.unregister(INCOMING)
