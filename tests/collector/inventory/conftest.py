from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from rigs.samples import QUICK

from headroom_collector.inventory.book import MIGRATIONS
from headroom_collector.store.api import Rows, Store, StoreBatch, Thing
from headroom_collector.store.engine import open_store
from headroom_proto.catalogue import catalogue


@dataclass(slots=True)
class SetClock:
    """A clock that a test sets."""

    time: int = 1_800_000_000_000_000_000

    def now(self) -> int:
        return self.time

    def monotonic(self) -> float:
        return self.time / 1e9


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def store(tmp_path: Path, clock: SetClock) -> Iterator[Store]:
    opened = open_store(tmp_path / "store", QUICK, MIGRATIONS, clock)
    yield opened
    opened.close()


@pytest.fixture
def report(store: Store, clock: SetClock) -> Callable[[str], None]:
    """Let a host of that name report for the first time."""

    def send(host: str) -> None:
        values = [None] * len(catalogue().kind("host").columns)
        rows = (Rows("host", [(clock.now(), Thing(), values)]),)
        store.append(StoreBatch(host, host.encode(), 1, 0, clock.now(), rows)).result(30)

    return send
