"""Work that the store does beside ingest, in small steps: roll-ups and retention."""

import logging
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial

import duckdb
import pyarrow as pa

from headroom_collector.store.api import Change
from headroom_collector.store.database import Database
from headroom_collector.store.memory import Memory
from headroom_collector.store.rollup import (
    FIVE_MINUTES,
    HOUR,
    LAG,
    read_hour,
    roll_up,
    short_lived,
    write_hour,
)
from headroom_collector.store.tables import BUCKET, DAY, day_name, day_tables, floor, oldest_day
from headroom_collector.store.wording import one_line
from headroom_proto.catalogue import Catalogue

LOG = logging.getLogger(__name__)

HOUR_STEPS = 4
"""Most hours of a kind rolled up in one run."""
STEPS = 24
"""Most buckets rolled up, and most day tables dropped, in one run."""

DUE = "SELECT kind, bucket FROM dirty WHERE bucket <= ? ORDER BY bucket DESC, kind LIMIT ?"
HOURS = """
SELECT kind, hour FROM dirty_hours h WHERE hour <= ? AND NOT EXISTS (
    SELECT 1 FROM dirty d WHERE d.kind = h.kind AND d.bucket >= h.hour AND d.bucket < h.hour + ?)
ORDER BY hour DESC, kind LIMIT ?
"""
"""Hours that are over and whose buckets are all rolled up."""
WAITING = """
SELECT DISTINCT kind, bucket // ? FROM dirty UNION SELECT DISTINCT kind, hour // ? FROM dirty_hours
"""

MISSED = """
INSERT INTO sink_gaps SELECT c.name, ?, ?, count(*) FROM "{table}" s
JOIN sink_cursors c ON s.commit_id > c.commit_id GROUP BY c.name
"""
"""What sinks do not have yet when its day goes: a cursor never keeps the day from going."""

Cursor = duckdb.DuckDBPyConnection


@dataclass(frozen=True, slots=True)
class Keep:
    """For how many days what is kept."""

    raw_days: int
    five_minute_days: int
    long_days: int
    """5-minute roll-ups of CPU, memory and energy, and of what the collector makes itself."""
    hour_days: int


@dataclass(frozen=True, slots=True)
class Maintained:
    """What one run did. ``more`` where it stopped at its bound."""

    buckets: int
    days: int
    more: bool


class Maintenance:
    """Runs through the writer, one step a change, so ingest goes on between the steps."""

    def __init__(
        self,
        database: Database,
        change: Callable[[Change], "Future[int]"],
        memory: Memory,
        catalogue: Catalogue,
        keep: Keep,
    ) -> None:
        self._database = database
        self._change = change
        self._memory = memory
        self._kinds = {kind.name: kind for kind in catalogue.kinds}
        self._keep = keep
        self._swept = 0

    def run(self, now: int) -> Maintained:
        """Do what is due at ``now``, a bounded part of it; raises StoreError."""
        due, old = self._due(now), self._old(now)
        for kind, bucket in due[:STEPS]:
            self._step(f"roll-up of {kind} at {bucket}", partial(self._roll_up, kind, bucket, now))
        hours = self._due_hours(now)
        for kind, hour in hours[:HOUR_STEPS]:
            self._hour(kind, hour)
        for kind, day in old[:STEPS]:
            self._step(f"retention of {kind}", partial(self._drop, kind, day))
        if now // DAY != self._swept:
            self._step("retention of roll-ups", partial(self._sweep, now))
            self._swept = now // DAY
        more = len(due) > STEPS or len(old) > STEPS or len(hours) > HOUR_STEPS
        return Maintained(len(due[:STEPS]), len(old[:STEPS]), more)

    def _due(self, now: int) -> list[tuple[str, int]]:
        """Return dirty buckets that are over, the newest first: that is what people look at."""
        with self._database.reading() as cursor:
            return cursor.execute(DUE, [now - LAG - BUCKET, STEPS + 1]).fetchall()

    def _due_hours(self, now: int) -> list[tuple[str, int]]:
        with self._database.reading() as cursor:
            parameters = [now - LAG - HOUR.width, HOUR.width, HOUR_STEPS + 1]
            return cursor.execute(HOURS, parameters).fetchall()

    def _hour(self, kind: str, hour: int) -> None:
        """
        Roll up one hour: read beside ingest, for it takes a while, then written in a step.

        What comes late meanwhile makes a bucket dirty, and that its hour, in a later run: this
        thread is the only one that does.
        """
        known = self._kinds.get(kind)
        rows = None
        if known is not None and known.rolled_up:
            with self._database.reading() as cursor:
                rows = read_hour(cursor, known, hour)
        self._step(f"roll-up of {kind} in the hour {hour}", partial(self._write, kind, hour, rows))

    def _write(
        self, kind: str, hour: int, rows: pa.Table | None, cursor: Cursor, _commit_id: int
    ) -> None:
        if rows is not None:
            write_hour(cursor, self._kinds[kind], hour, rows)
        cursor.execute("DELETE FROM dirty_hours WHERE kind = ? AND hour = ?", [kind, hour])

    def _old(self, now: int) -> list[tuple[str, int]]:
        """Return day tables to be dropped; a day that is not all rolled up waits."""
        oldest = oldest_day(now, self._keep.raw_days)
        with self._database.reading() as cursor:
            waiting = set(cursor.execute(WAITING, [DAY, DAY]).fetchall())
            tables = day_tables(cursor)
        return [
            (kind, day)
            for kind, day in tables
            if day < oldest and kind in self._kinds and (kind, day) not in waiting
        ]

    def _step(self, what: str, change: Change) -> None:
        try:
            self._change(change).result()
        except duckdb.Error as error:
            LOG.warning("%s failed and is tried again: %s", what, one_line(error))

    def _roll_up(self, kind: str, bucket: int, now: int, cursor: Cursor, _commit_id: int) -> None:
        known = self._kinds.get(kind)
        if known is not None and known.rolled_up:
            roll_up(cursor, known, bucket)
            hour = bucket // HOUR.width * HOUR.width
            if hour >= floor(now, self._keep.raw_days):  # else raw data of it is gone
                cursor.execute("DELETE FROM dirty_hours WHERE kind = ? AND hour = ?", [kind, hour])
                cursor.execute("INSERT INTO dirty_hours VALUES (?, ?)", [kind, hour])
        cursor.execute("DELETE FROM dirty WHERE kind = ? AND bucket = ?", [kind, bucket])
        self._memory.dirty.discard((kind, bucket))

    def _drop(self, kind: str, day: int, cursor: Cursor, _commit_id: int) -> None:
        cursor.execute(MISSED.format(table=day_name(kind, day)), [kind, day])
        self._memory.days.drop(cursor, kind, day)

    def _sweep(self, now: int, cursor: Cursor, _commit_id: int) -> None:
        keep = self._keep
        early, long, hour = (
            now - days * DAY for days in (keep.five_minute_days, keep.long_days, keep.hour_days)
        )
        for kind in [kind for kind in self._kinds.values() if kind.rolled_up]:
            goes, table = short_lived(kind), FIVE_MINUTES.name(kind.name)
            _delete(cursor, table, early if goes is None else long)
            _delete(cursor, HOUR.name(kind.name), hour)
            if goes:
                nothing = ", ".join(f'"{column}" = NULL' for column in goes)
                some = " OR ".join(f'"{column}" IS NOT NULL' for column in goes)
                sql = f"UPDATE {table} SET {nothing} WHERE time < ? AND ({some})"  # noqa: S608 - our own names
                cursor.execute(sql, [early])
        for table in ("refusals", "gaps", "corrected"):
            _delete(cursor, table, long)


def _delete(cursor: Cursor, table: str, before: int) -> None:
    cursor.execute(f"DELETE FROM {table} WHERE time < ?", [before])  # noqa: S608 - our own names
