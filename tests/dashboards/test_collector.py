"""Every query of the dashboard against what a real collector exposes of a simulated fleet."""

import asyncio
import os
import re
import threading
from contextlib import contextmanager

import httpx
import pytest
from rigs.prometheus import prometheus
from rigs.samples import QUICK, values

from headroom_collector.alerts.state import MIGRATIONS as ALERT_TABLES
from headroom_collector.api.app import make_app
from headroom_collector.api.services import Services
from headroom_collector.config import CollectorConfig
from headroom_collector.consolidation.headroom import HeadroomTask
from headroom_collector.http import HttpServer, listen_tcp
from headroom_collector.inventory.book import MIGRATIONS, Book
from headroom_collector.store.api import Rows, StoreBatch, Thing
from headroom_collector.store.engine import open_store
from headroom_collector.store.producer import OwnProducer
from headroom_core.clock import SystemClock

SECOND = 1_000_000_000
GIB = 2**30
LATER = "headroom_(plan|ceiling|waste|cluster_(level|trend|ceiling_in|ceiling_earliest|vms_fit))"
"""What the collector makes in its own time, and this test does not wait for."""
RATIOS = {"web-1": 0.02, "web-2": 0.1, "web-3": 0.5, "db-1": 0.3, "stray": 0.03}
INVENTORY = "host,site,cluster\nweb-*,paris,web\ndb-*,lyon,db\n"

pytestmark = pytest.mark.engine("prometheus")


def sample(kind, at, labels=None, **known):
    labels = labels or {}
    return Rows(kind, [(at, Thing("\x1f".join(labels.values()), labels), values(kind, **known))])


def cycles(now, ratio):
    """Return what an agent sends of 20 minutes, a cycle each 30 s."""
    for at in range(now - 1_200 * SECOND, now, 30 * SECOND):
        memory = {"memory_total_bytes": 64 * GIB, "memory_used_bytes": 4 * GIB}
        cpu = {"cpu_utilisation_ratio": ratio, "cpus": 32}
        yield sample("host", at, domains_running=3, **cpu, **memory)
        yield sample("agent", at, spool_batches=1)
        yield sample("sampler", at, {"sampler": "cpu"}, failures_total=0, up=1)
        power = {"domain": "host", "quantity": "wall", "source": "model", "kind": "modelled"}
        yield sample("energy", at, power, power_watts=200.0)


def fill(store, clock):
    for name, ratio in RATIOS.items():
        batch = StoreBatch(
            host=name,
            epoch=name.encode(),
            seq=1,
            crc32=0,
            received=clock.now(),
            rows=list(cycles(clock.now(), ratio)),
            facts={"cores": 16, "threads": 32},
            simulated=True,
            interval_seconds=30.0,
        )
        store.append(batch).result(30)


def alert(producer, clock):
    labels = {"alertname": "HostAboveCeiling", "host": "web-3", "severity": "warning"}
    producer.append([sample("alert", clock.now(), labels, firing=1, value=0.5)]).result(30)


@contextmanager
def running(app):
    """Serve the application on loopback; yields its URL."""
    socket = listen_tcp("127.0.0.1:0")
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    server = HttpServer(app, socket)
    try:
        asyncio.run_coroutine_threadsafe(server.start(), loop).result(30)
        yield f"http://127.0.0.1:{socket.getsockname()[1]}"
        asyncio.run_coroutine_threadsafe(server.stop(), loop).result(30)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@pytest.fixture(scope="module")
def collector(tmp_path_factory):
    """The URL of a collector whose store has a fleet, its headroom and an alert that fires."""
    folder, clock = tmp_path_factory.mktemp("collector"), SystemClock()
    inventory = folder / "inventory.csv"
    inventory.write_text(INVENTORY)
    store = open_store(folder / "store", QUICK, [*MIGRATIONS, *ALERT_TABLES], clock)
    try:
        fill(store, clock)
        store.maintain(clock.now())
        book = Book(store, inventory, clock)
        config = CollectorConfig(inventory=inventory)
        producer = OwnProducer(store, clock, os.urandom)
        asyncio.run(HeadroomTask(store, producer, book, config.ceiling, clock).once())
        alert(producer, clock)
        with running(make_app(Services(store, book, config, clock, "0"), admin=False)) as url:
            yield url
    finally:
        store.close()


@pytest.fixture(scope="module")
def engine(collector, tmp_path_factory):
    jobs = {"headroom": f"{collector}/metrics", "headroom-fleet": f"{collector}/metrics/fleet"}
    with prometheus(jobs, tmp_path_factory.mktemp("prometheus")) as started:
        started.wait_for("rate(headroom_sampler_failures_total[1m])")
        started.wait_for("headroom_cluster_hosts_present")
        yield started


@pytest.fixture
def answer(engine, queries):
    def ask(title, *labels):
        (query,) = [query for query in queries if query.panel == title]
        return engine.values(query.substituted(), *labels)

    return ask


def test_every_query_has_an_answer(engine, queries):
    for query in queries:
        if not re.search(LATER, query.expr):
            assert engine.query(query.substituted()), query


def test_the_dashboard_says_what_the_report_says(collector, answer):
    total = httpx.get(f"{collector}/api/v1/headroom").json()["total"]
    assert answer("Hosts present") == {(): total["hosts_present"]} == {(): 5}
    assert answer("Hosts needed at least") == {(): total["hosts_needed"]} == {(): 4}
    assert answer("Hosts freeable at most") == {(): total["hosts_freeable"]} == {(): 1}
    power = answer("Power by site", "site")
    assert sum(power.values()) == total["power_watts"] == 1000


def test_hosts_alerts_and_density_are_those_of_the_fleet(answer):
    assert answer("Hosts over the ceiling") == {(): 1}
    assert answer("Silent hosts") == {(): 0}
    assert answer("Alerts firing by host", "host") == {("web-3",): 0.5}
    assert answer("Idle hosts by name", "site", "host") == {
        ("paris", "web-1"): pytest.approx(0.02),
        ("", "stray"): pytest.approx(0.03),
    }
    assert answer("VMs per hypervisor", "site") == {("paris",): 3, ("lyon",): 3, ("",): 3}
