"""Savings: lines that add up, and no host counted twice, whatever the choice."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom_collector.consolidation.money.file import prices_of
from headroom_collector.consolidation.money.quantities import (
    Asset,
    costs,
    depreciation,
    known_sum,
    quantities,
    total,
)
from headroom_collector.consolidation.money.savings import (
    Choice,
    lines,
    split,
    unknown,
    waterfall,
    whole,
)

HYPERVISOR = {"name": "hypervisor", "price_per_year": 350, "minimum_per_socket": 16}
PRICES = prices_of({"licences": [{**HYPERVISOR, "minimum_total": 72}]}, "test")
NAMES = [f"h{number}" for number in range(12)]
NEW = Asset("new", cores=64, sockets=2, watts=400, age_years=0.0)

maybe = lambda values: st.none() | values  # noqa: E731 -- a short name for the strategies below
assets = st.lists(
    st.builds(
        Asset,
        name=st.sampled_from(NAMES),
        cores=maybe(st.integers(1, 128).map(float)),
        sockets=maybe(st.integers(1, 4).map(float)),
        watts=maybe(st.floats(10, 1000)),
        age_years=maybe(st.floats(0, 12)),
    ),
    unique_by=lambda asset: asset.name,
    max_size=12,
)
some = st.sets(st.sampled_from(NAMES))
choices = st.builds(
    Choice,
    retire=some,
    empty=some,
    replace=some,
    new=st.integers(0, 3).map(lambda count: [NEW] * count),
)


@settings(max_examples=150, deadline=None)
@given(assets, choices, st.integers(1, 7))
def test_the_lines_add_up_to_today_less_the_end(hosts, choice, year):
    found = waterfall(hosts, choice, PRICES, year)
    rates = PRICES.rates()
    all_lines = lines(found, rates, PRICES)
    today, end = (
        known_sum(costs(used, rates, PRICES.licences)) for used in (found.today, found.end)
    )
    assert sum(line.money for line in all_lines) == pytest.approx(today - end, abs=1e-6)
    assert known_sum(whole(found, rates, PRICES)) == pytest.approx(today - end, abs=1e-6)
    assert sum(line.kwh for line in all_lines) == pytest.approx(
        found.today.kwh - found.end.kwh, abs=1e-6
    )


@settings(max_examples=150, deadline=None)
@given(assets, choices)
def test_no_host_is_in_two_lines(hosts, choice):
    taken = [asset.name for out in split(hosts, choice).values() for asset in out]
    assert len(taken) == len(set(taken))
    named = {*choice.retire, *choice.empty, *choice.replace}
    assert set(taken) == {asset.name for asset in hosts} & named
    found = waterfall(hosts, choice, PRICES)
    assert found.end.hosts == len(hosts) - len(taken) + len(choice.new)


def test_a_host_in_two_sets_is_saved_once():
    host = Asset("h0", cores=16, sockets=1, watts=100, age_years=6)
    once = waterfall([host], Choice(retire={"h0"}), PRICES)
    twice = waterfall([host], Choice(retire={"h0"}, empty={"h0"}, replace={"h0"}), PRICES)
    assert once == twice
    assert twice.out == {"retirement": 1, "consolidation": 0, "refresh": 0}


def test_a_host_costs_what_its_quantities_times_the_rates_are():
    host = Asset("h0", cores=8, sockets=2, watts=200, age_years=4)
    used = quantities(host, PRICES)
    assert used.kwh == pytest.approx(200 * 8.766)
    assert used.licences == {"hypervisor": 32}  # two sockets at 16 cores each at least
    assert costs(used, PRICES.rates(), PRICES.licences) == {
        "energy": pytest.approx(200 * 8.766 * 1.5 * 0.13),
        "support": 145.0,
        "staff": 46.0 * 41.0,
        "rack": 143.0,
        "licence.hypervisor": 72 * 350.0,  # the estate's minimum
    }


def test_work_that_moved_still_needs_its_energy():
    host = Asset("h0", watts=100, age_years=1)
    (_, consolidation, _) = lines(
        waterfall([host], Choice(empty={"h0"}), PRICES), PRICES.rates(), PRICES
    )
    assert consolidation.kwh == pytest.approx(0.73 * 876.6)
    (retirement, _, _) = lines(
        waterfall([host], Choice(retire={"h0"}), PRICES), PRICES.rates(), PRICES
    )
    assert retirement.kwh == pytest.approx(876.6)


def test_what_is_unknown_is_named_and_never_counted_as_free():
    hosts = [Asset("a", cores=8), Asset("b", cores=8, sockets=1, watts=50, age_years=9)]
    found = waterfall(hosts, Choice(), PRICES)
    assert unknown(found, PRICES)[:3] == [
        "age (hosts: 1)",
        "licence.hypervisor (hosts: 1)",
        "power (hosts: 1)",
    ]
    assert total(hosts, PRICES).licences == {"hypervisor": 16}


def test_a_cost_without_a_rate_is_unknown():
    prices = prices_of({"currency": "EUR"}, "test")
    used = quantities(Asset("a", watts=50), prices)
    assert set(costs(used, prices.rates(), ()).values()) == {None}


def test_a_licence_of_a_class_is_charged_to_that_class_alone():
    licence = {"name": "db", "price_per_year": 1, "per": "socket", "classes": ["db"]}
    prices = prices_of({"licences": [licence]}, "test")
    hosts = [Asset("a", "db", sockets=2), Asset("b", "web", sockets=2)]
    assert total(hosts, prices).licences == {"db": 2}


def test_a_host_that_grows_old_needs_support_later():
    host = Asset("a", age_years=1)
    assert [quantities(host, PRICES, year).supported for year in (1, 2, 3)] == [0, 0, 1]


def test_depreciation_ends_and_is_unknown_without_a_price_or_an_age():
    prices = prices_of({"host": {"purchase": 10_000, "residual_ratio": 0.1}}, "test")
    ages = (2.0, 5.0, None)
    found = [depreciation(prices, Asset("a", age_years=age)) for age in ages]
    assert found == [pytest.approx(1800.0), 0.0, None]
    assert depreciation(PRICES, Asset("a", age_years=1)) is None
