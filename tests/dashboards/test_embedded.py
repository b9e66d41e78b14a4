"""Queries of the dashboards over the embedded store, against a Prometheus with the same samples."""

import pytest
from rigs.answers import difference
from rigs.asgi import Client
from rigs.everything import INVENTORY, SECOND, Estate, around
from rigs.promdata import loaded
from rigs.samples import NOON, QUICK, HandClock
from rigs.storedata import series_of

from headroom_collector.alerts.state import MIGRATIONS as ALERT_TABLES
from headroom_collector.api.app import make_app
from headroom_collector.api.services import Services
from headroom_collector.config import CollectorConfig
from headroom_collector.inventory.book import MIGRATIONS, Book
from headroom_collector.store.engine import open_store

ROOT = "/prometheus/api/v1"
ROLLED_UP = 0.03
"""How far a mean of 5-minute means may be from that of the samples, relative."""

pytestmark = pytest.mark.engine("prometheus")


@pytest.fixture(scope="module")
def batches():
    return list(Estate(NOON).batches())


@pytest.fixture(scope="module")
def ours(batches, tmp_path_factory):
    """A collector whose store has the estate."""
    folder, clock = tmp_path_factory.mktemp("collector"), HandClock()
    inventory = folder / "inventory.csv"
    inventory.write_text(INVENTORY)
    store = open_store(folder / "store", QUICK, [*MIGRATIONS, *ALERT_TABLES], clock)
    try:
        for batch in batches:
            store.append(batch).result(60)
        services = Services(store, Book(store, inventory, clock), CollectorConfig(), clock, "0")
        yield Client(make_app(services, admin=False))
    finally:
        store.close()


@pytest.fixture(scope="module")
def theirs(batches, tmp_path_factory):
    series = series_of(batches, around)
    with loaded(series, tmp_path_factory.mktemp("prometheus")) as running:
        yield running


def compared(ours, theirs, path, query, **more):
    text = query.substituted()
    mine = ours.get(f"{ROOT}/{path}", query=text, **more).json()
    real = theirs.ask(path, query=text, **more)
    assert real["data"]["result"], f"nothing to compare: {query}"
    line = difference(mine, real, relative=ROLLED_UP if "infos" in mine else 1e-9)
    return f"{query.panel}: {text}\n    {line}" if line else ""


def test_at_one_moment_every_answer_is_that_of_prometheus(ours, theirs, every_query):
    found = [compared(ours, theirs, "query", query, time=NOON / SECOND) for query in every_query]
    assert not any(found), "\n".join(line for line in found if line)


def test_over_time_every_answer_is_that_of_prometheus(ours, theirs, every_query):
    end = NOON // SECOND
    span = {"start": end - 1800, "end": end, "step": 60}
    asked = [query for query in every_query if not query.instant]
    found = [compared(ours, theirs, "query_range", query, **span) for query in asked]
    assert not any(found), "\n".join(line for line in found if line)
