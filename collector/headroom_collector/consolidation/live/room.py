"""The room of live plans, put together for a collector."""

import os
import secrets
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from headroom_collector.consolidation.live.book import PlanBook
from headroom_collector.consolidation.live.runner import FOLDER, PlanRunner, Surroundings
from headroom_collector.consolidation.live.samples import PlanSamples
from headroom_collector.consolidation.money.file import Prices
from headroom_collector.store.api import Store
from headroom_collector.store.producer import OwnProducer
from headroom_core.ceiling import Ceiling
from headroom_core.clock import Clock
from headroom_core.estate import Estate

ID_BYTES = 6


@dataclass(frozen=True, slots=True)
class PlanRoom:
    """The runner of plans, and what stores them as samples."""

    runner: PlanRunner
    samples: PlanSamples

    async def run(self) -> None:
        """Store plans as samples until cancelled."""
        await self.samples.run()


def plan_room(
    store: Store,
    estate: Estate,
    ceiling: Ceiling,
    data: Path,
    prices: Callable[[], Prices],
    clock: Clock,
) -> PlanRoom:
    """Return the room; what an earlier collector was about is removed, or noted as cut off."""
    shutil.rmtree(data / FOLDER, ignore_errors=True)
    book = PlanBook(store)
    book.interrupt(clock.now())
    around = Surroundings(store, estate, ceiling, prices, data)
    runner = PlanRunner(around, book, clock, lambda: secrets.token_hex(ID_BYTES))
    producer = OwnProducer(store, clock, os.urandom)
    return PlanRoom(runner, PlanSamples(store, book, producer, estate, clock))
