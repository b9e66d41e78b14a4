"""Waste over the real store."""

from datetime import date

import pytest
from rigs.samples import NOON

from headroom_collector.consolidation.money.file import prices_of
from headroom_collector.consolidation.waste.waste import find_waste
from headroom_core.estate import Member, Placement

GIB = 1 << 30
PRICES = prices_of({}, "test")


class Places:
    def member(self, host):
        bought = {"old": date(2020, 1, 1)}.get(host)
        return Member(host, Placement("paris", "web", purchase_date=bought, assigned=True))


@pytest.fixture
def estate(past):
    past.host("busy", vms=["u1", "u2"], domains_running=2)
    past.host("still", domains_running=0)
    past.host("old")
    past.past("host", "busy", cpu_utilisation_ratio_mean=0.3)
    past.past("host", "still", cpu_utilisation_ratio_mean=0.01)
    past.past("host", "old", cpu_utilisation_ratio_mean=0.2)
    past.past(
        "vm", "busy", "u1",
        state_mean=1.0, state_max=1, cpu_utilisation_ratio_mean=0.1, vcpus_max=8,
        memory_bytes_max=16 * GIB, memory_resident_bytes_max=15 * GIB,
    )  # fmt: skip
    past.past("vm", "busy", "u2", state_mean=5.0, state_max=5, memory_max_bytes_max=8 * GIB)
    return past


def test_what_is_wasted_is_found_in_the_store(estate):
    found = find_waste(estate.store, Places(), PRICES, NOON)
    shown = {(one.kind, one.name) for one in found.findings}
    assert shown == {
        ("idle host", "still"),
        ("past its age", "old"),
        ("oversized VM", "vm-u1"),
        ("VM switched off", "vm-u2"),
        ("low density", "paris/web"),
    }
    assert (found.hosts, found.vms, found.unknown_age, found.unknown_power) == (3, 2, 2, 3)
    assert found.history_days in {30, 31}


def test_only_what_is_counted_is_in_the_total(estate):
    found = find_waste(estate.store, Places(), PRICES, NOON)
    counted = [one.cost_per_year for one in found.findings if one.counted]
    assert found.total_per_year == pytest.approx(sum(cost or 0 for cost in counted))
    # No power is known: staff and rack of the idle host, an eighth of the busy one, one support.
    host = 46 * 41 + 143
    assert found.total_per_year == pytest.approx(host + host / 8 + 145)


def test_power_of_a_week_is_within_the_cost(estate):
    before = find_waste(estate.store, Places(), PRICES, NOON).total_per_year
    label = '{"domain": "host", "quantity": "wall", "source": "ipmi", "kind": "measured"}'

    def write(cursor, _commit):
        cursor.execute(
            "INSERT INTO things SELECT 900, id, 'energy', 'x', ?, 0, 0 FROM hosts"
            " WHERE name = 'still'",
            [label],
        )
        cursor.execute(
            "INSERT INTO energy_5m (time, host_id, thing_id, samples, power_watts_mean)"
            " SELECT ?, id, 900, 5, 100.0 FROM hosts WHERE name = 'still'",
            [NOON - 3600 * 1_000_000_000],
        )

    estate.store.change(write).result(30)
    after = find_waste(estate.store, Places(), PRICES, NOON)
    assert before is not None
    assert after.total_per_year == pytest.approx(before + 876.6 * 1.5 * 0.13)
    assert after.unknown_power == 2


def test_an_empty_estate_has_no_waste(past):
    found = find_waste(past.store, Places(), PRICES, NOON)
    assert (found.findings, found.total_per_year, found.history_days) == ([], None, 0)
