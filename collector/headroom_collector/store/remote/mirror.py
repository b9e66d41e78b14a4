"""
The mirror: 5-minute values and newest samples of an engine's hosts, brought up to date in steps.

A gauge's mean and maximum are asked of the engine; a counter's growth is the difference of its last
values of two buckets, where it went down the newer value (a reset in the middle of a bucket hides
what grew before it). CPU, memory and energy have a history; of the rest, what is newest is there.
"""

import json
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import duckdb

from headroom_collector.store.database import Database
from headroom_collector.store.remote.client import Engine, Series
from headroom_collector.store.remote.tables import NAME, Long, Names, make, metrics, wide
from headroom_collector.store.rollup import FIVE_MINUTES, LONG, rollup_columns
from headroom_collector.store.sheet import run
from headroom_collector.store.tables import BUCKET, DAY, REACH
from headroom_proto.catalogue import Catalogue, Column, Kind

BACK = REACH * BUCKET
LAG = 60_000_000_000
"""Nanoseconds behind now up to which buckets are asked for: other collectors send with a delay."""
SETTLING = 6 * BUCKET
"""Nanoseconds for which newest buckets are asked for again: what came late is in them then."""
FRESH = 3_600_000_000_000
"""Nanoseconds for which newest samples are kept."""
MILLISECOND = 1_000_000


def selector(column: Column) -> str:
    """Return the selector of a column's series."""
    fixed = ",".join(f'{name}="{value}"' for name, value in column.labels)
    return f"{column.metric}{{{fixed}}}" if fixed else str(column.metric)


@dataclass(slots=True)
class Mirror:
    """Fills tables of a database in memory that is attached to the store's own; one thread's."""

    database: Database
    engine: Engine
    kinds: Catalogue
    days: int
    names: Names = field(default_factory=Names)
    _from: int = 0
    _upto: int = 0

    def step(self, now: int) -> bool:
        """Bring the newest up to date, or a day of the past; true where more is to be had."""
        oldest = now // DAY * DAY - self.days * DAY
        newest = (now - LAG) // BUCKET * BUCKET
        with self.database.reading() as cursor:
            make(cursor, self.kinds.kinds)
            start = max(oldest, self._upto - SETTLING) if self._upto else newest - DAY
            self._buckets(cursor, start, newest)
            if self._from == 0:
                self._from = start
            elif self._from > oldest:
                start = max(oldest, self._from - DAY)
                self._buckets(cursor, start, self._from)
                self._from = start
            self._upto = newest
            self._newest(cursor, now)
            self._write_names(cursor, now)
            self._forget(cursor, oldest, now)
        return self._from > oldest

    def _kinds(self) -> list[Kind]:
        return [kind for kind in self.kinds.kinds if kind.producer != "collector"]

    def _buckets(self, cursor: duckdb.DuckDBPyConnection, start: int, end: int) -> None:
        if end <= start:
            return
        for kind in self._kinds():
            columns = [c for c in metrics(kind) if c.metric and LONG.search(c.metric)]
            if kind.rolled_up and columns and kind.name != "cpu":
                self._roll(cursor, kind, columns, start, end)

    def _roll(
        self,
        cursor: duckdb.DuckDBPyConnection,
        kind: Kind,
        columns: list[Column],
        start: int,
        end: int,
    ) -> None:
        """Ask for the buckets from ``start`` up to ``end``, and put them in the place of older ones."""
        fields = [
            name for name in rollup_columns(kind) if name not in {"time", "host_id", "thing_id"}
        ]
        long = Long(self.names, kind)
        first = fields.index("samples")
        for number, column in enumerate(columns):
            if number == 0:
                self._ask(long, first, f"count_over_time({selector(column)}[5m])", start, end)
            if column.type == "counter":
                self._growth(long, fields.index(f"{column.field}_delta"), column, start, end)
                continue
            for function, suffix in (("avg", "mean"), ("max", "max")):
                place = fields.index(f"{column.field}_{suffix}")
                query = f"{function}_over_time({selector(column)}[5m])"
                self._ask(long, place, query, start, end, column.scale)
        table = FIVE_MINUTES.name(kind.name)
        cursor.execute(f"DELETE FROM {NAME}.{table} WHERE time >= ? AND time < ?", [start, end])  # noqa: S608 - our own
        keys = {name: name for name in ("time", "host_id", "thing_id")}
        run(cursor, wide(fields, table, keys), long.table())

    def _ask(
        self, long: Long, place: int, query: str, start: int, end: int, scale: float = 1.0
    ) -> None:
        # A window ends with its last millisecond: the bucket's end itself is of the next one.
        shift = BUCKET - MILLISECOND
        for series in self.engine.range(query, start + shift, end - MILLISECOND, 300):
            long.add(place, series, scale, shift)

    def _growth(self, long: Long, place: int, column: Column, start: int, end: int) -> None:
        shift = BUCKET - MILLISECOND
        query = f"last_over_time({selector(column)}[5m])"
        for series in self.engine.range(query, start - BACK + shift, end - MILLISECOND, 300):
            long.add(place, _grown(series, start + shift), column.scale, shift)

    def _newest(self, cursor: duckdb.DuckDBPyConnection, now: int) -> None:
        for kind in self._kinds():
            long, columns = Long(self.names, kind), metrics(kind)
            for place, column in enumerate(columns):
                for series in self.engine.instant(selector(column), now):
                    long.add(place, series, column.scale)
            keys = {name: name for name in ("time", "host_id", "thing_id")}
            keys["commit_id"] = "0"
            sql = wide([column.field for column in columns], f"{kind.name}_sample", keys)
            run(cursor, sql, long.table())

    def _write_names(self, cursor: duckdb.DuckDBPyConnection, now: int) -> None:
        """Write hosts and things; of a host's facts, what its newest sample tells."""
        for table in ("hosts_found", "things_found"):
            cursor.execute(f"DELETE FROM {NAME}.{table}")  # noqa: S608 - our own
        names = self.names
        hosts = [
            (number, name, False, *names.seen[number], min(now, names.seen[number][1]))
            for name, number in names.hosts.items()
        ]
        things = [
            (number, host, kind, key, json.dumps(dict(names.labels[number])), *names.seen[number])
            for (host, kind, key), number in names.things.items()
        ]
        _insert(cursor, "hosts_found", "?, ?, ?, ?, ?, ?, NULL, '', NULL, '{}'::JSON", hosts)
        _insert(cursor, "things_found", "?, ?, ?, ?, ?::JSON, ?, ?", things)
        cursor.execute(FACTS)

    def _forget(self, cursor: duckdb.DuckDBPyConnection, oldest: int, now: int) -> None:
        for kind in self._kinds():
            cursor.execute(f"DELETE FROM {NAME}.{kind.name}_sample WHERE time < ?", [now - FRESH])  # noqa: S608 - our own
            if kind.rolled_up:
                table = FIVE_MINUTES.name(kind.name)
                cursor.execute(f"DELETE FROM {NAME}.{table} WHERE time < ?", [oldest])  # noqa: S608 - our own


FACTS = """
UPDATE engine.hosts_found h SET facts = json_object(
    'threads', s.threads, 'memory_bytes', s.memory)
FROM (SELECT host_id, arg_max(cpus, time) AS threads, arg_max(memory_total_bytes, time) AS memory
      FROM engine.host_sample GROUP BY host_id) s WHERE s.host_id = h.id
"""


def _insert(cursor: duckdb.DuckDBPyConnection, table: str, row: str, rows: list[Any]) -> None:
    if rows:
        cursor.executemany(f"INSERT INTO {NAME}.{table} VALUES ({row})", rows)  # noqa: S608 - our own


def _grown(series: Series, first: int) -> Series:
    """Return the growth of a counter from each bucket that is near before; from ``first`` on."""
    times, values = [], []
    points = list(zip(series.times, series.values, strict=True))
    for (before, old), (time, new) in pairwise(points):
        if time >= first and time - before <= BACK:
            times.append(time)
            values.append(new - old if new >= old else new)
    return Series(series.labels, times, values)
