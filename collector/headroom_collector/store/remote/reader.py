"""The store as readers see it where the data lives in another engine."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa

from headroom_collector.config import EngineSettings
from headroom_collector.store.api import (
    Change,
    HostRow,
    Outcome,
    Snapshot,
    Span,
    Store,
    StoreBatch,
    StoreError,
)
from headroom_collector.store.engine import DuckStore
from headroom_collector.store.reading import hosts_of, select
from headroom_collector.store.remote.client import Engine
from headroom_collector.store.remote.mirror import Mirror
from headroom_collector.store.remote.tables import NAME, make
from headroom_core.clock import Clock
from headroom_proto.catalogue import catalogue

log = logging.getLogger(__name__)


def engine_seen(store: DuckStore, settings: EngineSettings, clock: Clock) -> Store:
    """Return what planner, page and API read: the engine of the settings, or the store itself."""
    if not settings.url:
        return store
    engine = Engine(
        settings.url, httpx.Client(), settings.bearer_token_file, settings.timeout_seconds
    )
    mirror = Mirror(store.database, engine, catalogue(), settings.days)
    found: Store = EngineStore(store, mirror, clock, settings.every_seconds)
    return found


@dataclass(slots=True)
class EngineStore:
    """
    A store whose samples, hosts and things are an engine's, and everything else its own.

    What is written goes to its own store. ``run`` keeps it up to date.
    """

    own: DuckStore
    mirror: Mirror
    clock: Clock
    every_seconds: float = 30.0

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> pa.Table:
        """Run one SELECT; raises StoreError."""
        with self.mirror.database.reading() as cursor:
            make(cursor, self.mirror.kinds.kinds)
            cursor.execute(f"SET search_path = '{NAME}.main,headroom.main'")
            return select(cursor, sql, parameters)

    def hosts(self) -> list[HostRow]:
        """Every host that the engine has series of, by name."""
        return hosts_of(self.query)

    def append(self, batch: StoreBatch) -> "Future[Outcome]":
        """Queue a batch for the own store."""
        return self.own.append(batch)

    def change(self, change: Change) -> "Future[int]":
        """Queue a change of the own store."""
        return self.own.change(change)

    @property
    def decodes(self) -> bool:
        """Whether the own store takes batches with their payload."""
        return self.own.decodes

    def high_water(self, host: str, epoch: bytes) -> int:
        """Highest durable seq of that spool in the own store."""
        return self.own.high_water(host, epoch)

    def checksum(self, host: str, epoch: bytes) -> int | None:
        """CRC-32 of the batch that is that spool's high water in the own store."""
        return self.own.checksum(host, epoch)

    def ahead(self, host: str, epoch: bytes) -> tuple[Span, ...]:
        """Return which batches of that spool are durable beyond its high water."""
        return self.own.ahead(host, epoch)

    def snapshot(self, target: Path) -> Snapshot:
        """Copy the own store: what is an engine's is the engine's to back up."""
        return self.own.snapshot(target)

    def subscribe(self, listener: Callable[[int], None]) -> None:
        """Have ``listener`` called with each commit of the own store."""
        self.own.subscribe(listener)

    def statistics(self) -> Mapping[str, float]:
        """Return the own store's counters."""
        return self.own.statistics()

    def fault(self) -> str | None:
        """Return what keeps the own store from storing."""
        return self.own.fault()

    def close(self) -> None:
        """Close the own store, and the connections to the engine."""
        self.mirror.engine.client.close()
        self.own.close()

    async def run(self) -> None:
        """Bring the mirror up to date, for ever; an engine that does not answer is said and asked again."""
        fault = ""
        while True:
            more = False
            try:
                more = await asyncio.to_thread(self.mirror.step, self.clock.now())
                if fault:
                    log.warning("the engine answers again")
                fault = ""
            except StoreError as error:
                if str(error) != fault:
                    log.error("%s; what was read before is shown", error)  # noqa: TRY400 - one line
                fault = str(error)
            await asyncio.sleep(1.0 if more else self.every_seconds)
