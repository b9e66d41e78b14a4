"""A store with the tables of identity, and the HTTP side in front of a small application."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from rigs.ingest import HandClock

from headroom_collector.config import StoreSettings
from headroom_collector.security.tables import MIGRATIONS
from headroom_collector.store.api import Store
from headroom_collector.store.engine import open_store


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def store(tmp_path: Path, clock: HandClock) -> Iterator[Store]:
    made = open_store(tmp_path / "store", StoreSettings(), MIGRATIONS, clock)
    yield made
    made.close()
