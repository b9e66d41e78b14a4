"""Headroom over the real store: roll-ups, newest samples, and its own samples back out."""

import asyncio
import os

import pytest
from rigs.samples import NOON, QUICK, SECOND, HandClock, values

from headroom_collector.consolidation.headroom import HeadroomTask, gather
from headroom_collector.store.api import Rows, StoreBatch, Thing
from headroom_collector.store.engine import open_store
from headroom_collector.store.producer import OwnProducer
from headroom_core.ceiling import Ceiling

GIB = 2**30
BUCKET = 300 * SECOND
HOSTS = 4
BUCKETS = 6 * 12


@pytest.fixture
def clock():
    return HandClock()


@pytest.fixture
def store(tmp_path, clock):
    """Six hours of four hosts that take turns: one of them at half, the others at a tenth."""
    opened = open_store(tmp_path, QUICK, (), clock)
    for host in range(HOSTS):
        rows = [sample(host, NOON + step * 60 * SECOND) for step in range(BUCKETS * 5)]
        batch = StoreBatch(
            host=f"h{host}",
            epoch=bytes([host] * 16),
            seq=1,
            crc32=0,
            received=NOON + BUCKETS * BUCKET,
            rows=[Rows("host", rows)],
            facts={"cores": 10, "threads": 20},
            interval_seconds=60.0,
        )
        opened.append(batch).result(30)
    clock.time = NOON + BUCKETS * BUCKET
    yield opened
    opened.close()


def sample(host, time):
    busy = (time - NOON) // BUCKET % HOSTS == host
    known = {"memory_total_bytes": 64 * GIB, "memory_used_bytes": (host + 1) * GIB}
    ratio = 0.5 if busy else 0.1
    return time, Thing(), values("host", cpu_utilisation_ratio=ratio, cpus=20, **known)


def roll_up(store, now):
    """Let the store catch up: each run does a bounded part."""
    for _ in range(200):
        store.maintain(now)
        (rolled,) = store.query("SELECT count(*) AS rows FROM host_5m").to_pylist()
        if rolled["rows"] >= HOSTS * (BUCKETS - 1):
            return
    pytest.fail("the store did not roll up")


def test_samples_and_roll_ups_give_the_same_demand(store, estate, clock):
    (before,) = gather(store, estate, clock.now())
    roll_up(store, clock.now())
    (after,) = gather(store, estate, clock.now())
    assert before.demand.cpu.shape == (HOSTS, BUCKETS)
    assert after.demand.times.tolist() == before.demand.times.tolist()
    assert after.demand.cpu == pytest.approx(before.demand.cpu)
    assert after.demand.memory == pytest.approx(before.demand.memory)
    assert after.demand.history_seconds == BUCKETS * 300


def test_no_history_is_lost_while_roll_ups_are_on_their_way(store, estate, clock):
    (before,) = gather(store, estate, clock.now())
    store.maintain(clock.now())
    (rolled,) = store.query("SELECT count(DISTINCT time) AS buckets FROM host_5m").to_pylist()
    assert 0 < rolled["buckets"] < BUCKETS - 1, "the case wants a part of the roll-ups"
    (midway,) = gather(store, estate, clock.now())
    assert midway.demand.history_seconds == before.demand.history_seconds
    assert midway.demand.cpu == pytest.approx(before.demand.cpu)


def test_hosts_that_take_turns_are_added_up_at_the_same_moment(store, estate, clock):
    (measured,) = gather(store, estate, clock.now())
    assert measured.demand.cpu.sum(axis=0) == pytest.approx([8.0] * BUCKETS)
    assert measured.under(Ceiling()).hosts_needed == 2
    assert measured.under(Ceiling(0.2)).hosts_needed == 4
    assert measured.under(Ceiling(1.0)).hosts_needed == 1


def test_what_the_task_stored_can_be_read_back(store, estate, clock):
    task = HeadroomTask(store, OwnProducer(store, clock, os.urandom), estate, Ceiling(), clock)
    asyncio.run(task.once())
    clock.time += 60 * SECOND
    asyncio.run(task.once())
    rows = store.query("SELECT * FROM headroom_sample ORDER BY time").to_pylist()
    assert [row["time"] for row in rows] == [clock.now() - 60 * SECOND, clock.now()]
    last = rows[-1]
    assert (last["hosts_present"], last["hosts_needed"], last["hosts_freeable"]) == (4, 2, 2)
    assert last["cpu_demand_ratio"] == pytest.approx(0.2)
    assert last["memory_demand_bytes"] == 10 * GIB
    assert last["power_watts"] is None
    assert store.query(
        "SELECT count(*) AS things FROM things WHERE kind = 'headroom'"
    ).to_pylist() == [{"things": 1}]
    assert "_collector" not in {host.name for host in store.hosts()}
