"""Reading what is committed, from any thread."""

import json
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import duckdb
import pyarrow as pa

from headroom_collector.store.api import COLLECTOR_HOST, HostRow, StoreError
from headroom_collector.store.database import Database

HOSTS = """
SELECT id, name, simulated, first_seen, last_seen, received, goodbye, agent_version,
    interval_seconds, facts
FROM hosts WHERE name <> ? ORDER BY name
"""


def select(cursor: duckdb.DuckDBPyConnection, sql: str, parameters: Sequence[Any]) -> pa.Table:
    """Run one SELECT on a cursor that nobody else has; raises StoreError."""
    cursor.execute("BEGIN TRANSACTION READ ONLY")
    relation = cursor.sql(sql, params=list(parameters))
    if relation is None:
        raise StoreError(f"a reader runs SELECT only, not: {sql.strip()[:80]}")
    return relation.to_arrow_table()


def query(database: Database, sql: str, parameters: Sequence[Any]) -> pa.Table:
    """Run one SELECT on a cursor of its own; raises StoreError."""
    with database.reading() as cursor:
        return select(cursor, sql, parameters)


def hosts_of(ask: Callable[[str, Sequence[Any]], pa.Table]) -> list[HostRow]:
    """Every host that was ever seen, by name, the collector itself left out."""
    rows = ask(HOSTS, [COLLECTOR_HOST]).to_pylist()
    return [HostRow(**row | {"facts": json.loads(row["facts"] or "{}")}) for row in rows]


def hosts(database: Database) -> list[HostRow]:
    """Every host that was ever seen, by name, the collector itself left out."""
    return hosts_of(partial(query, database))
