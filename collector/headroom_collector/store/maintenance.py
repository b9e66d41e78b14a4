"""Work that the store does beside ingest, in small steps: roll-ups and retention."""

import logging
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial

import duckdb

from headroom_collector.store.api import Change
from headroom_collector.store.database import Database
from headroom_collector.store.memory import Memory
from headroom_collector.store.rollup import LAG, roll_up, rollup_name
from headroom_collector.store.tables import BUCKET, DAY, day_name, day_tables, oldest_day
from headroom_collector.store.wording import one_line
from headroom_proto.catalogue import Catalogue

LOG = logging.getLogger(__name__)

STEPS = 24
"""Most buckets rolled up, and most day tables dropped, in one run."""

DUE = "SELECT kind, bucket FROM dirty WHERE bucket <= ? ORDER BY bucket DESC, kind LIMIT ?"
WAITING = "SELECT DISTINCT kind, bucket // ? FROM dirty"

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
            self._step(f"roll-up of {kind} at {bucket}", partial(self._roll_up, kind, bucket))
        for kind, day in old[:STEPS]:
            self._step(f"retention of {kind}", partial(self._drop, kind, day))
        if now // DAY != self._swept:
            self._step("retention of roll-ups", partial(self._sweep, now))
            self._swept = now // DAY
        return Maintained(len(due[:STEPS]), len(old[:STEPS]), len(due) > STEPS or len(old) > STEPS)

    def _due(self, now: int) -> list[tuple[str, int]]:
        """Return dirty buckets that are over, the newest first: that is what people look at."""
        with self._database.reading() as cursor:
            return cursor.execute(DUE, [now - LAG - BUCKET, STEPS + 1]).fetchall()

    def _old(self, now: int) -> list[tuple[str, int]]:
        """Return day tables to be dropped; a day that is not all rolled up waits."""
        oldest = oldest_day(now, self._keep.raw_days)
        with self._database.reading() as cursor:
            waiting = set(cursor.execute(WAITING, [DAY]).fetchall())
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

    def _roll_up(self, kind: str, bucket: int, cursor: Cursor, _commit_id: int) -> None:
        known = self._kinds.get(kind)
        if known is not None and known.rolled_up:
            roll_up(cursor, known, bucket)
        cursor.execute("DELETE FROM dirty WHERE kind = ? AND bucket = ?", [kind, bucket])
        self._memory.dirty.discard((kind, bucket))

    def _drop(self, kind: str, day: int, cursor: Cursor, _commit_id: int) -> None:
        cursor.execute(MISSED.format(table=day_name(kind, day)), [kind, day])
        self._memory.days.drop(cursor, kind, day)

    def _sweep(self, now: int, cursor: Cursor, _commit_id: int) -> None:
        before = now - self._keep.five_minute_days * DAY
        tables = [rollup_name(kind.name) for kind in self._kinds.values() if kind.rolled_up]
        for table in (*tables, "refusals", "gaps", "corrected"):
            cursor.execute(f"DELETE FROM {table} WHERE time < ?", [before])  # noqa: S608 - our own names
