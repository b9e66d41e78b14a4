"""Forecast and waste as samples of the collector's own, over the real store."""

import asyncio
import os
from types import SimpleNamespace
from typing import Any

import pytest
from prometheus_client import generate_latest
from rigs import past as rig
from rigs.samples import NOON, SECOND, HandClock

from headroom_collector.api.metrics import own_registry
from headroom_collector.consolidation.money.file import prices_of
from headroom_collector.consolidation.outlook import OutlookTask
from headroom_collector.store.producer import OwnProducer
from headroom_core.ceiling import Ceiling
from headroom_core.estate import Member, Placement
from headroom_core.settings import SettingsError

GIB = 1 << 30
HOUR = 3600 * SECOND


class Places:
    def member(self, host):
        return Member(host, Placement("paris", "web", assigned=True))


@pytest.fixture
def past(tmp_path):
    with rig.opened(tmp_path, HandClock()) as found:
        found.host("busy", vms=["v"], domains_running=1)
        found.host("still")
        for host, load in (("busy", (0.2, 0.5)), ("still", 0.01)):
            found.past(
                "host", host, step=2, cpu_utilisation_ratio_mean=load,
                memory_used_bytes_max=8 * GIB, memory_total_bytes_max=64 * GIB,
            )  # fmt: skip
        found.past(
            "vm", "busy", "v", days=10, cpu_utilisation_ratio_mean=0.25, vcpus_max=4,
            state_mean=1.0, state_max=1, memory_bytes_max=4 * GIB,
        )  # fmt: skip
        yield found


def task(past, prices=lambda: prices_of({}, "test"), sleep=asyncio.sleep):
    producer = OwnProducer(past.store, past.clock, os.urandom)
    return OutlookTask(past.store, producer, Places(), Ceiling(), prices, past.clock, sleep=sleep)


def rows(past, kind):
    return past.store.query(f"SELECT * FROM {kind}_sample ORDER BY time").to_pylist()


def test_a_clusters_trend_its_crossing_and_what_fits_are_stored(past):
    asyncio.run(task(past).once())
    (row,) = rows(past, "forecast")
    # Both hosts together: from 10 to 25 % in 30 days, 15 more to the ceiling.
    assert row["trend_per_day_ratio"] == pytest.approx(0.005, rel=0.05)
    assert row["trend_low_per_day_ratio"] <= row["trend_per_day_ratio"]
    assert row["ceiling_in_seconds"] == pytest.approx(29 * 86_400, rel=0.1)
    assert row["ceiling_earliest_seconds"] <= row["ceiling_in_seconds"]
    assert row["vms_fit_least"] <= row["vms_fit_most"]


def test_waste_is_counted_by_kind_and_cluster(past):
    asyncio.run(task(past).once())
    things = past.store.query(
        "SELECT t.key, w.findings, w.cost_per_year FROM waste_sample w JOIN things t"
        " ON t.id = w.thing_id ORDER BY t.key"
    ).to_pylist()
    assert [thing["key"].split("\x1f") for thing in things] == [["paris", "web", "idle host"]]
    assert things[0]["findings"] == 1
    assert things[0]["cost_per_year"] == pytest.approx(46 * 41 + 143)


def test_between_two_computations_the_last_one_is_stored_anew(past):
    asked = []

    def prices():
        asked.append(past.clock.time)
        return prices_of({}, "test")

    running = task(past, prices)
    for minute in range(3):
        past.clock.time = NOON + minute * 60 * SECOND
        past.clock.seconds = minute * 60.0
        asyncio.run(running.once())
    assert (len(rows(past, "forecast")), asked) == (3, [NOON])
    past.clock.seconds = 3600.0
    asyncio.run(running.once())
    assert len(asked) == 2


def test_prices_that_cannot_be_read_cost_one_line_an_hour_and_nothing_else(past, caplog):
    waits = []

    async def sleep(seconds):
        waits.append(seconds)
        if len(waits) > 3:
            raise asyncio.CancelledError

    def broken():
        raise SettingsError(["estate.toml: one", "estate.toml: two"])

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(task(past, broken, sleep).run())
    (line,) = caplog.messages
    assert line.endswith("were not computed or stored: estate.toml: one; estate.toml: two")
    assert rows(past, "forecast") == []


class Book(Places):
    def unassigned(self):
        return []


def test_they_stand_on_the_page_of_metrics(past):
    asyncio.run(task(past).once())
    services: Any = SimpleNamespace(
        store=past.store, clock=past.clock, book=Book(), statistics=dict, sinks=dict, version="1"
    )
    page = generate_latest(own_registry(services)).decode()
    assert 'headroom_waste_findings{cluster="web",finding="idle host",site="paris"} 1.0' in page
    assert 'headroom_cluster_vms_fit{bound="least",cluster="web",site="paris"}' in page


def test_an_estate_that_was_never_heard_of_stores_nothing(tmp_path):
    with rig.opened(tmp_path, HandClock()) as empty:
        asyncio.run(task(empty).once())
        assert rows(empty, "forecast") == rows(empty, "waste") == []
