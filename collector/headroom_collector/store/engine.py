"""The embedded store: one DuckDB file behind the seam of ``api``."""

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from headroom_collector.config import StoreSettings
from headroom_collector.store import reading
from headroom_collector.store.api import (
    Change,
    Decode,
    HostRow,
    Migration,
    Outcome,
    Snapshot,
    Span,
    StoreBatch,
)
from headroom_collector.store.database import Database, refusal
from headroom_collector.store.durable import Sync
from headroom_collector.store.inbox import Arrival, Aside, Inbox, Task
from headroom_collector.store.maintenance import Keep, Maintained, Maintenance
from headroom_collector.store.memory import UNKNOWN, Memory, remember
from headroom_collector.store.rollup import prepare_rollups
from headroom_collector.store.schema import migrate
from headroom_collector.store.snapshot import snapshot
from headroom_collector.store.writer import Writer
from headroom_core.clock import Clock
from headroom_proto.catalogue import Catalogue, catalogue


class DuckStore:
    """The store on DuckDB; made by ``open_store``."""

    def __init__(
        self, database: Database, inbox: Inbox, writer: Writer, kinds: Catalogue, keep: Keep
    ) -> None:
        self._database = database
        self._inbox = inbox
        self._writer = writer
        self._maintenance = Maintenance(database, self.change, writer.memory, kinds, keep)

    @property
    def database(self) -> Database:
        """The open file, for who reads other tables beside the store's."""
        return self._database

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> pa.Table:
        """Run one SELECT; raises StoreError."""
        return reading.query(self._database, sql, parameters)

    def hosts(self) -> list[HostRow]:
        """Every host that was ever seen, by name, the collector itself left out."""
        return reading.hosts(self._database)

    def append(self, batch: StoreBatch) -> "Future[Outcome]":
        """Queue a batch; the future is done once it is durable. StoreError where it is not."""
        item = Arrival(batch)
        self._inbox.put(item)
        return item.future

    def change(self, change: Change) -> "Future[int]":
        """Queue a change for the next group commit; the future gives its commit id, durable."""
        item = Task(change)
        self._inbox.put(item)
        return item.future

    @property
    def decodes(self) -> bool:
        """Whether batches may be appended as they came, with their ``payload``."""
        return self._writer.decodes

    def high_water(self, host: str, epoch: bytes) -> int:
        """Highest durable seq of that spool; 0 where it is not known."""
        mark = self._writer.durable.get((host, epoch))
        return 0 if mark is None else mark.seq

    def checksum(self, host: str, epoch: bytes) -> int | None:
        """CRC-32 of the batch that is that spool's high water; None where it is not known."""
        mark = self._writer.durable.get((host, epoch))
        return None if mark is None or not mark.seq or mark.crc32 == UNKNOWN else mark.crc32

    def ahead(self, host: str, epoch: bytes) -> tuple[Span, ...]:
        """Return which batches of that spool are durable beyond its high water."""
        mark = self._writer.durable.get((host, epoch))
        return () if mark is None else mark.ahead

    def subscribe(self, listener: Callable[[int], None]) -> None:
        """Have ``listener`` called with each commit id, from the writer's thread, right after."""
        self._writer.subscribe(listener)

    def statistics(self) -> Mapping[str, float]:
        """Return the store's counters by the field names of CollectorSample."""
        return asdict(self._writer.counts) | {"store_bytes": self._database.bytes()}

    def snapshot(self, target: Path) -> Snapshot:
        """
        Write a copy of the database as a new file, while it is in use; raises StoreError.

        The copy was opened and read before this returns.
        """
        return snapshot(self._database.path, target, self._aside)

    def _aside(self, job: Callable[[duckdb.DuckDBPyConnection], object]) -> None:
        item = Aside(job)
        self._inbox.put(item)
        item.future.result()

    def maintain(self, now: int) -> Maintained:
        """
        Roll up what is due at ``now`` (UTC nanoseconds) and drop what is older than it is kept.

        A bounded part of it: call it every few seconds, from one thread that may wait for some
        commits. Raises StoreError where the store cannot be written.
        """
        return self._maintenance.run(now)

    def fault(self) -> str | None:
        """Return what keeps the store from storing, in one line; None while it works."""
        return self._writer.fault or self._writer.crowded

    def close(self) -> None:
        """Commit what is queued and close; idempotent."""
        self._inbox.close()
        self._writer.stop()
        self._database.close()


def _prepare(
    database: Database, kinds: Catalogue, migrations: Sequence[Migration], clock: Clock
) -> Memory:
    try:
        migrate(database.writer, migrations, clock.now())
        memory = remember(database.writer, kinds)
        memory.days.prepare(database.writer)
        prepare_rollups(database.writer, kinds)
        database.sync()
    except (duckdb.Error, OSError) as error:
        raise refusal(database.path, error) from None
    return memory


def open_store(
    folder: Path,
    settings: StoreSettings,
    migrations: Sequence[Migration],
    clock: Clock,
    *,
    contract: Catalogue | None = None,
    sync: Sync = os.fsync,
    decode: Decode | None = None,
) -> DuckStore:
    """
    Open the store in ``folder``, made where it is missing, and bring its tables up to date.

    ``sync`` makes a descriptor durable or raises OSError; ``decode`` decodes batches that come with
    their payload. Raises StoreError, one line that says
    what to do, where the folder or the file cannot be used; a file is never overwritten.
    """
    database = Database(folder, settings, sync)
    kinds = contract or catalogue()
    database.open()
    with ExitStack() as undo:
        undo.callback(database.close)
        memory = _prepare(database, kinds, migrations, clock)
        undo.pop_all()
    inbox = Inbox(clock, settings.group_window_seconds)
    writer = Writer(database, memory, kinds, clock, inbox, settings.raw_days, decode)
    writer.start()
    keep = Keep(
        settings.raw_days, settings.five_minute_days, settings.long_days, settings.hour_days
    )
    return DuckStore(database, inbox, writer, kinds, keep)
