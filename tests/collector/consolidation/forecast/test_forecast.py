"""Forecast over the real store."""

import pytest
from rigs.samples import NOON

from headroom_collector.consolidation.forecast.daily import read_daily
from headroom_collector.consolidation.forecast.forecast import forecast
from headroom_collector.consolidation.machines import Place
from headroom_core.ceiling import Ceiling
from headroom_core.estate import Member, Placement, Status

GIB = 1 << 30
WEB = Place("paris", "web")


class Places:
    def member(self, host):
        status = Status.RETIRED if host == "gone" else Status.PRESENT
        return Member(host, Placement("paris", "web", assigned=True), status)


@pytest.fixture
def growing(past):
    """Two hosts that grow from 10 to 30 % in 60 days, each with two machines."""
    for host in ("a", "b"):
        past.host(
            host, vms=[f"{host}1", f"{host}2"], domains_running=2,
            memory_used_bytes=8 * GIB, memory_total_bytes=64 * GIB, cpu_utilisation_ratio=0.3,
        )  # fmt: skip
        past.past(
            "host", host, days=60, step=2,
            cpu_utilisation_ratio_mean=(0.1, 0.3), memory_used_bytes_max=8 * GIB,
            memory_total_bytes_max=64 * GIB,
        )  # fmt: skip
        for number in "12":
            past.past(
                "vm", host, f"{host}{number}", days=10, cpu_utilisation_ratio_mean=0.25,
                vcpus_max=4, memory_bytes_max=4 * GIB,
            )  # fmt: skip
    return past


def test_a_cluster_that_grows_passes_its_ceiling_in_a_month(growing):
    (found,) = forecast(growing.store, Places(), Ceiling(), NOON)
    assert (found.site, found.cluster, found.hosts) == ("paris", "web", 2)
    assert found.trend.direction == "rising"
    assert found.trend.slope == pytest.approx(0.2 / 60, rel=0.01)
    # 60 days for 20 points: 30 more for the next 10.
    assert found.crossing is not None
    assert found.crossing.likely == pytest.approx(30, abs=2)
    assert not [note for note in found.notes if "trend" in note]


def test_more_machines_fit_than_without_moving_and_no_more_than_there_is_room_for(growing):
    (found,) = forecast(growing.store, Places(), Ceiling(), NOON)
    assert found.vm is not None
    assert (found.vm.count, found.vm.mean, found.vm.memory) == (4, 1.0, 4 * GIB)
    # 32 logical CPUs a host: 12.8 may be used, 9.6 are.
    assert found.fit is not None
    assert (found.fit.at_least, found.fit.at_most) == (6, 6)


def test_hosts_that_retired_are_part_of_the_past(growing):
    before = read_daily(growing.store, Places(), NOON)[WEB]
    growing.host("gone")
    growing.past("host", "gone", days=60, step=2, cpu_utilisation_ratio_mean=0.5)
    after = read_daily(growing.store, Places(), NOON)[WEB]
    assert after.days.tolist() == before.days.tolist()
    assert after.values == pytest.approx(before.values + 8.0, rel=0.01)


def test_a_host_that_is_not_heard_for_a_while_is_not_taken_for_idle(growing):
    growing.store.change(
        lambda cursor, _: cursor.execute(
            "DELETE FROM host_5m WHERE host_id = 2 AND time % 3600000000000 < 1800000000000"
        )
    ).result(30)
    found = read_daily(growing.store, Places(), NOON)[WEB]
    assert found.values[-1] == pytest.approx(32 * 0.3, rel=0.03)


def test_days_of_which_too_little_is_known_are_left_out(past):
    past.host("a")
    past.past("host", "a", days=40, step=36, cpu_utilisation_ratio_mean=0.2)
    (found,) = forecast(past.store, Places(), Ceiling(), NOON)
    assert (found.trend.direction, found.crossing, found.newest) == ("unknown", None, None)
    assert found.notes[0] == "No trend can be told from 0 complete days; 21 are needed."
    assert "No virtual machine is known here" in found.notes[-1]


def test_logical_cpus_serve_where_one_host_does_not_know_its_cores(growing):
    growing.host("c", facts={"cores": None})
    assert set(read_daily(growing.store, Places(), NOON)[WEB].sizes.values()) == {32.0}


def test_an_empty_estate_has_no_forecast(past):
    assert forecast(past.store, Places(), Ceiling(), NOON) == []
