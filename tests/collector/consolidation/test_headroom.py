"""Headroom by cluster, and its way into the store."""

import asyncio
from concurrent.futures import Future

import pytest

from headroom_collector.consolidation.headroom import HeadroomTask, compute, headroom_rows
from headroom_collector.store.api import Outcome, Result, StoreError
from headroom_core.ceiling import Ceiling
from headroom_proto.catalogue import catalogue

BUCKET = 300 * 1_000_000_000
DAY = 86_400 * 1_000_000_000
NOW = 1_790_000_000 * 1_000_000_000 // BUCKET * BUCKET
GIB = 2**30


def busy(readings, row, ratio, **values):
    for number in range(5):
        readings.sample(
            row,
            NOW - BUCKET + number * BUCKET // 5,
            cpu_utilisation_ratio=ratio,
            memory_total_bytes=64 * GIB,
            **values,
        )


def field(cluster, name):
    ((_, _, values),) = headroom_rows([cluster], NOW).rows
    return values[[column.field for column in catalogue().kind("headroom").columns].index(name)]


def test_ten_hosts_at_ten_percent_need_a_quarter_of_themselves(readings, estate):
    for number in range(10):
        busy(readings, readings.host(f"h{number}"), 0.1, memory_used_bytes=GIB)
    (found,) = compute(readings, estate, Ceiling(), NOW)
    assert (found.hosts_present, found.hosts_needed, found.hosts_freeable) == (10, 3, 7)
    assert found.cpu_demand_ratio == pytest.approx(0.1)
    assert found.basis.binding == "cpu"


def test_hosts_that_are_all_at_the_ceiling_are_all_needed_and_no_more(readings, estate):
    for number in range(7):
        busy(readings, readings.host(f"h{number}", cores=12 + number), 0.4)
    (found,) = compute(readings, estate, Ceiling(), NOW)
    assert (found.hosts_needed, found.beyond) == (7, False)


def test_memory_that_is_promised_binds(readings, estate):
    for number in range(4):
        busy(readings, readings.host(f"h{number}"), 0.01, domains_memory_bytes=48 * GIB)
    (found,) = compute(readings, estate, Ceiling(), NOW)
    assert (found.hosts_needed, found.basis.binding) == (3, "memory")
    assert found.memory_demand_bytes == 192 * GIB


def test_each_cluster_is_judged_under_its_own_ceiling(readings, estate):
    estate.places = {"a": ("paris", "web"), "b": ("lyon", "db")}
    estate.classes = {"b": "bursty"}
    for name in "ab":
        busy(readings, readings.host(name), 0.3)
    ceiling = Ceiling(sites={"lyon": 0.5}, classes={"bursty": 0.2})
    lyon, paris = compute(readings, estate, ceiling, NOW)
    assert (lyon.site, lyon.cluster, lyon.ceiling_ratio, lyon.hosts_needed) == (
        "lyon",
        "db",
        0.5,
        2,  # its class may use a fifth only
    )
    assert (paris.ceiling_ratio, paris.hosts_needed) == (0.4, 1)


def test_too_much_demand_frees_nothing_and_says_so(readings, estate):
    for name in "ab":
        busy(readings, readings.host(name), 0.9)
    (found,) = compute(readings, estate, Ceiling(), NOW)
    assert (found.hosts_needed, found.hosts_freeable, found.beyond) == (5, 0, True)
    assert any("more than all hosts" in note for note in found.basis.notes)


def test_the_retired_and_the_long_silent_do_not_count(readings, estate):
    busy(readings, readings.host("here"), 0.1)
    busy(readings, readings.host("retired"), 0.1)
    readings.host("gone", heard=NOW - DAY - 1)
    estate.retired.add("retired")
    (found,) = compute(readings, estate, Ceiling(), NOW)
    assert found.hosts_present == 1


def test_an_estate_without_hosts_has_no_clusters(readings, estate):
    assert compute(readings, estate, Ceiling(), NOW) == []


def test_a_host_that_sent_nothing_yet_has_no_bound(readings, estate):
    readings.host("a")
    (found,) = compute(readings, estate, Ceiling(), NOW)
    assert (found.hosts_present, found.hosts_needed, found.hosts_freeable) == (1, None, None)
    assert found.basis.notes == ("Nothing was measured yet.",)


def test_density_counts_hypervisors_only(readings, estate):
    busy(readings, readings.host("kvm1"), 0.1, domains_running=3)
    busy(readings, readings.host("kvm2"), 0.1, domains_running=0)
    busy(readings, readings.host("bare"), 0.1)
    (found,) = compute(readings, estate, Ceiling(), NOW)
    assert (found.vms_running, found.hypervisors, found.vms_per_host) == (3, 2, 1.5)


def test_no_watt_is_counted_twice(readings, estate):
    both, parts = readings.host("both"), readings.host("parts")
    busy(readings, both, 0.1)
    busy(readings, parts, 0.1)
    readings.power(both, 200.0, source="ipmi", kind="measured")
    readings.power(both, 230.0)
    readings.power(
        both, 90.0, domain="package-0", quantity="component", source="rapl", kind="measured"
    )
    for domain, watts in (
        ("package-0", 50.0),
        ("package-1", 40.0),
        ("dram-0", 5.0),
        ("core-0", 30.0),
    ):
        readings.power(
            parts, watts, domain=domain, quantity="component", source="rapl", kind="derived"
        )
    (found,) = compute(readings, estate, Ceiling(), NOW)
    assert found.power_watts == 295.0
    assert found.power_by_kind == {"measured": 200.0, "derived": 95.0}
    assert found.hosts_with_power == 2


def test_unknown_figures_stay_unknown_in_the_samples(readings, estate):
    busy(readings, readings.host("a", simulated=True), 0.1)
    (found,) = compute(readings, estate, Ceiling(), NOW)
    assert found.simulated
    assert field(found, "power_watts") is None
    assert field(found, "vms_per_host") is None
    assert field(found, "hosts_present") == 1
    assert field(found, "history_seconds") == 300


class Clock:
    def now(self):
        return NOW

    def monotonic(self):
        return 0.0


class Kept:
    """A producer that keeps what it is given, durable at once."""

    def __init__(self):
        self.rows = []

    def append(self, rows):
        self.rows.extend(rows)
        done: Future[Outcome] = Future()
        done.set_result(Outcome(Result.STORED, 1))
        return done


class Broken:
    """A reader that fails once."""

    def __init__(self, reader):
        self._reader = reader
        self.failures = 1

    def query(self, sql, parameters=()):
        return self._reader.query(sql, parameters)

    def hosts(self):
        if self.failures:
            self.failures -= 1
            raise StoreError("the disk is full")
        return self._reader.hosts()


def test_the_task_stores_every_cluster_and_outlives_a_failing_store(readings, estate, caplog):
    busy(readings, readings.host("a"), 0.1)
    kept, slept = Kept(), []

    async def sleep(seconds):
        slept.append(seconds)
        if len(slept) == 3:
            raise asyncio.CancelledError

    task = HeadroomTask(Broken(readings), kept, estate, Ceiling(), Clock(), sleep)
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(task.run())
    assert slept == [5.0, 60.0, 60.0]
    assert "the disk is full" in caplog.text
    ((time, thing, _),) = kept.rows[0].rows
    assert (kept.rows[0].kind, time, thing.key) == ("headroom", NOW, "paris\x1fweb")
