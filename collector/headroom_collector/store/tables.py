"""Day tables of the samples, and the views that make one of them."""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta

import duckdb

from headroom_proto.catalogue import Catalogue, Column, Kind

SECOND = 1_000_000_000
DAY = 86_400 * SECOND
"""A UTC day in nanoseconds: time // DAY is the day's number since 1970."""
BUCKET = 300 * SECOND
"""A roll-up's bucket in nanoseconds."""
REACH = 2
"""Buckets after its own in which a sample may be the one before the first."""

EPOCH = date(1970, 1, 1)
IDENTITY = {
    "time": "BIGINT",
    "host_id": "INTEGER",
    "thing_id": "INTEGER",
    "commit_id": "BIGINT",
}
NAME = re.compile(r"(?P<kind>[a-z_]+)_(?P<date>\d{8})")


def oldest_day(now: int, raw_days: int) -> int:
    """Return the oldest day, counted since 1970, whose samples are kept."""
    return now // DAY - raw_days


def floor(now: int, raw_days: int) -> int:
    """Return the start of the oldest bucket for which everything that it rests on is kept."""
    return oldest_day(now, raw_days) * DAY + REACH * BUCKET


def sql_type(column: Column) -> str:
    """Return the type that a column has in the store."""
    return "BIGINT" if column.integer else "DOUBLE"


def sample_columns(kind: Kind) -> dict[str, str]:
    """Return the columns of a kind's day tables and view with their types, in order."""
    return IDENTITY | {column.field: sql_type(column) for column in kind.columns}


def listed(names: Iterable[str]) -> str:
    """Return names as a quoted list for SQL."""
    return ", ".join(f'"{name}"' for name in names)


def day_name(kind: str, day: int) -> str:
    """Return the name of a kind's table for a day since 1970: ``host_20261124``."""
    return f"{kind}_{EPOCH + timedelta(days=day):%Y%m%d}"


def day_number(text: str) -> int:
    """Return the number since 1970 of a day written YYYYMMDD; raises ValueError."""
    return (datetime.strptime(text, "%Y%m%d").replace(tzinfo=UTC).date() - EPOCH).days


def ensure_table(cursor: duckdb.DuckDBPyConnection, name: str, columns: Mapping[str, str]) -> None:
    """Create a table, or give an existing one the columns that it lacks."""
    found = cursor.execute(
        "SELECT column_name FROM duckdb_columns() WHERE table_name = ? AND NOT internal", [name]
    ).fetchall()
    there = {row[0] for row in found}
    if not there:
        body = ", ".join(f'"{column}" {type_}' for column, type_ in columns.items())
        cursor.execute(f'CREATE TABLE "{name}" ({body})')
    for column in [column for column in columns if there and column not in there]:
        cursor.execute(f'ALTER TABLE "{name}" ADD COLUMN "{column}" {columns[column]}')


def make_view(cursor: duckdb.DuckDBPyConnection, kind: Kind, tables: Iterable[str]) -> None:
    """Make ``<kind>_sample`` the union of these tables; empty where there are none."""
    columns = sample_columns(kind)
    names = listed(columns)
    nothing = ", ".join(f'NULL::{type_} AS "{column}"' for column, type_ in columns.items())
    parts = [f"SELECT {names} FROM {listed([table])}" for table in tables]  # noqa: S608 - names are the catalogue's
    body = " UNION ALL ".join(parts) or f"SELECT {nothing} WHERE false"
    cursor.execute(f'CREATE OR REPLACE VIEW "{kind.name}_sample" AS {body}')


def day_tables(cursor: duckdb.DuckDBPyConnection) -> list[tuple[str, int]]:
    """Return (kind, day since 1970) of every day's table, oldest first."""
    rows = cursor.execute("SELECT table_name FROM duckdb_tables() WHERE NOT internal").fetchall()
    matches = [match for (name,) in rows if (match := NAME.fullmatch(name))]
    found = [(match["kind"], day_number(match["date"])) for match in matches]
    return sorted(found, key=lambda pair: pair[1])


class Days:
    """
    Which kind has a table for which day, by the day's number since 1970.

    Belongs to the writer's thread: what it remembers is part of the transaction in progress, so
    ``load`` it again after a rollback.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self._kinds = {kind.name: kind for kind in catalogue.kinds}
        self._names: dict[str, dict[int, str]] = {}

    def load(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Read from the database which tables there are."""
        self._names = {name: {} for name in self._kinds}
        for kind, day in day_tables(cursor):
            if kind in self._kinds:
                self._names[kind][day] = day_name(kind, day)

    def prepare(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Give every table the catalogue's columns and make every view."""
        for name, kind in self._kinds.items():
            for table in self._names[name].values():
                ensure_table(cursor, table, sample_columns(kind))
            self._view(cursor, name)

    def table(self, cursor: duckdb.DuckDBPyConnection, kind: str, day: int) -> str:
        """Return the name of the table for that day, which is made where it is missing."""
        names = self._names[kind]
        if day not in names:
            name = day_name(kind, day)
            ensure_table(cursor, name, sample_columns(self._kinds[kind]))
            names[day] = name
            self._view(cursor, kind)
        return names[day]

    def drop(self, cursor: duckdb.DuckDBPyConnection, kind: str, day: int) -> None:
        """Drop a day's table and take it out of the view; nothing where there is none."""
        name = self._names[kind].pop(day, None)
        if name is not None:
            self._view(cursor, kind)
            cursor.execute(f"DROP TABLE {listed([name])}")

    def _view(self, cursor: duckdb.DuckDBPyConnection, kind: str) -> None:
        days = self._names[kind]
        make_view(cursor, self._kinds[kind], [days[day] for day in sorted(days)])
