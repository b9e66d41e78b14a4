from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from playwright.sync_api import Browser
from rigs.browser import serving
from rigs.estate import Filled
from rigs.journey import chromium
from rigs.overviews import Get, Look, Tell
from rigs.pages import getter
from rigs.samples import QUICK, HandClock, batch

from headroom_collector.alerts.state import MIGRATIONS as ALERT_TABLES
from headroom_collector.api.app import make_app
from headroom_collector.api.services import Services
from headroom_collector.config import CollectorConfig
from headroom_collector.consolidation.live.book import MIGRATIONS as PLAN_TABLES
from headroom_collector.inventory.book import MIGRATIONS as INVENTORY_TABLES
from headroom_collector.inventory.book import Book
from headroom_collector.prefix import Prefix
from headroom_collector.store.api import Rows
from headroom_collector.store.engine import DuckStore, open_store
from headroom_collector.web.overview import build, survey
from headroom_collector.web_settings import Web

MIGRATIONS = (*INVENTORY_TABLES, *ALERT_TABLES, *PLAN_TABLES)
Serve = Callable[..., str]


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def store(tmp_path: Path, clock: HandClock) -> Iterator[DuckStore]:
    opened = open_store(tmp_path / "data", QUICK, MIGRATIONS, clock)
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
def given(store: DuckStore, clock: HandClock, inventory: Path, tmp_path: Path) -> Services:
    book = Book(store, inventory, clock)
    return Services(store, book, CollectorConfig(data=tmp_path), clock, "0.1.0")


@pytest.fixture
def tell(store: DuckStore, clock: HandClock) -> Tell:
    """Stores samples of a host, durable when it returns."""
    told: dict[str, int] = {}

    def tell_(host: str, *rows: Rows, **fields: Any) -> None:
        seq = told[host] = told.get(host, 0) + 1
        clock.seconds += 100  # time passes while samples come in
        known = {"received": clock.time, "interval_seconds": 5.0} | fields
        store.append(batch(host, seq, rows=rows, **known)).result(10)

    return tell_


@pytest.fixture
def look(given: Services, clock: HandClock) -> Look:
    """Builds the overview of this moment."""

    def look_() -> Any:
        found = survey(given.store, given.book, given.config, clock.now())
        return build(given.store, given.config, found, given.version)

    return look_


@pytest.fixture
def app(given: Services) -> FastAPI:
    return make_app(given, admin=False)


@pytest.fixture
def get(app: FastAPI) -> Get:
    """Asks the application for a path."""
    return getter(app)


@pytest.fixture
def behind(given: Services) -> Get:
    """Asks an application that is reached through a proxy with a prefix."""
    web = Web("https://ops.example.com/headroom/", "https://ops.example.com/grafana")
    app = make_app(replace(given, config=replace(given.config, web=web)), admin=False)
    return getter(Prefix(app, "/headroom"))


@pytest.fixture(
    scope="module"
)  # while it runs, its thread runs an event loop: nobody else's tests
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="session")
def estate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Filled, Services]]:
    """Sixty simulated hosts with a past; nobody changes them."""
    folder, clock = tmp_path_factory.mktemp("estate"), HandClock()
    store = open_store(folder / "data", QUICK, MIGRATIONS, clock)
    filled = Filled(store, clock)
    filled.hosts(60)
    filled.past()
    filled.gap("sim-00003", 7)
    path = folder / "inventory.toml"
    path.write_text(filled.inventory())
    config = CollectorConfig(data=folder, inventory=path)
    yield filled, Services(store, Book(store, path, clock), config, clock, "0.1.0")
    store.close()


@pytest.fixture(scope="session")
def site(estate: tuple[Filled, Services]) -> Iterator[str]:
    """The page of that estate, on loopback."""
    with serving(make_app(estate[1], admin=False)) as url:
        yield url.rstrip("/")


@pytest.fixture
def serve() -> Iterator[Callable[[FastAPI], str]]:
    """Serves an application until the test ends."""
    opened = []

    def serve_(app: FastAPI) -> str:
        context = serving(app)
        opened.append(context)
        return context.__enter__().rstrip("/")

    yield serve_
    for context in opened:
        context.__exit__(None, None, None)
