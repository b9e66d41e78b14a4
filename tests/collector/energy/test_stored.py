"""Polled power in a real store: with its labels, and an agent's absence stays an absence."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from rigs.ingest import HandClock
from rigs.samples import QUICK

from headroom_collector.energy.reading import PowerReading
from headroom_collector.energy.task import BmcTask
from headroom_collector.store.api import StoreBatch
from headroom_collector.store.engine import DuckStore, open_store

READING = PowerReading(310, "redfish", "Redfish EnvironmentMetrics PowerWatts")
WAIT = 10.0


@pytest.fixture
def store(tmp_path: Path) -> Iterator[DuckStore]:
    opened = open_store(tmp_path / "store", QUICK, (), HandClock())
    yield opened
    opened.close()


def task(store: DuckStore, clock: HandClock, epoch: bytes = b"e") -> BmcTask:
    return BmcTask(store, None, clock, lambda n: epoch * n)


def settle(store: DuckStore) -> None:
    """Wait until everything queued before is durable."""
    store.change(lambda cursor, _: cursor.execute("SELECT 1")).result(WAIT)


def test_a_host_without_an_agent_appears_by_its_controller(store: DuckStore) -> None:
    clock = HandClock()
    task(store, clock).take("db-01", READING)
    settle(store)
    table = store.query("SELECT power_watts AS w, power_high_watts AS h FROM energy_sample")
    assert table.to_pylist() == [{"w": 310.0, "h": pytest.approx(325.5)}]
    (host,) = store.hosts()
    assert (host.name, host.agent_version, host.received) == ("db-01", "", clock.now())


@pytest.mark.parametrize("together", [True, False])
def test_an_agent_that_fell_silent_stays_silent_however_often_its_controller_answers(
    store: DuckStore, together: bool
) -> None:
    clock = HandClock()
    heard = clock.now() - 10**12
    batch = StoreBatch("db-01", b"a" * 16, 1, 0, heard, agent_version="1.0", simulated=True)
    stored = store.append(batch)
    if not together:
        stored.result(WAIT)
    polled = task(store, clock)
    polled.take("db-01", READING)
    settle(store)
    (host,) = store.hosts()
    assert (host.received, host.agent_version, host.simulated) == (heard, "1.0", True)
    store.change(lambda cursor, _: cursor.execute("UPDATE hosts SET goodbye = 5")).result(WAIT)
    polled.take("db-01", READING)
    settle(store)
    assert store.hosts()[0].goodbye == 5
    store.append(replace(batch, seq=2, received=clock.now())).result(WAIT)
    assert (store.hosts()[0].received, store.hosts()[0].goodbye) == (clock.now(), None)


def test_totals_go_on_after_a_restart(store: DuckStore) -> None:
    clock = HandClock()
    first = task(store, clock)
    first.take("db-01", READING)
    clock.time += 60 * 10**9
    first.take("db-01", READING)
    settle(store)
    assert dict(first._totals()) == {"db-01": 310 * 60 * 10**6}
    asyncio.run(first.close())
