import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from rigs.overviews import Get, Look, Tell
from rigs.samples import QUICK, HandClock, batch

from headroom_collector.alerts.state import MIGRATIONS as ALERT_TABLES
from headroom_collector.api.app import make_app
from headroom_collector.api.services import Services
from headroom_collector.config import CollectorConfig
from headroom_collector.inventory.book import MIGRATIONS as INVENTORY_TABLES
from headroom_collector.inventory.book import Book
from headroom_collector.store.api import Rows
from headroom_collector.store.engine import DuckStore, open_store
from headroom_collector.web.overview import build


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def store(tmp_path: Path, clock: HandClock) -> Iterator[DuckStore]:
    migrations = (*INVENTORY_TABLES, *ALERT_TABLES)
    opened = open_store(tmp_path / "data", QUICK, migrations, clock)
    yield opened
    opened.close()


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    path = tmp_path / "inventory.toml"
    path.write_text(
        '[hosts.alpha]\nsite = "north"\ncluster = "web"\n'
        '[hosts.beta]\nsite = "north"\ncluster = "web"\n'
    )
    return path


@pytest.fixture
def given(store: DuckStore, clock: HandClock, inventory: Path) -> Services:
    book = Book(store, inventory, clock)
    return Services(store, book, CollectorConfig(), clock, "0.1.0")


@pytest.fixture
def tell(store: DuckStore, clock: HandClock) -> Tell:
    """Stores samples of a host, durable when it returns."""
    told: dict[str, int] = {}

    def tell_(host: str, *rows: Rows, **fields: Any) -> None:
        seq = told[host] = told.get(host, 0) + 1
        clock.seconds += 10  # time passes while samples come in
        known = {"received": clock.time, "interval_seconds": 5.0} | fields
        store.append(batch(host, seq, rows=rows, **known)).result(10)

    return tell_


@pytest.fixture
def look(given: Services, clock: HandClock) -> Look:
    """Builds the overview of this moment."""
    return lambda: build(given.store, given.book, given.config, clock.now(), given.version)


@pytest.fixture
def app(given: Services) -> FastAPI:
    return make_app(given, admin=False)


@pytest.fixture
def get(app: FastAPI) -> Get:
    """Asks the application for a path."""

    def get_(path: str, **headers: str) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://page") as client:
                return await client.get(path, headers=headers)

        return asyncio.run(ask())

    return get_
