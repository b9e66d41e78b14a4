"""Total cost of ownership: re-derived by hand from its inputs."""

from dataclasses import replace

import numpy as np
import pytest

from headroom_collector.consolidation.money.carbon import carbon, use_kg
from headroom_collector.consolidation.money.figures import Figure
from headroom_collector.consolidation.money.file import prices_of
from headroom_collector.consolidation.money.quantities import Asset
from headroom_collector.consolidation.money.savings import Choice
from headroom_collector.consolidation.money.tco import (
    PRICE,
    bands,
    break_even_price,
    flow,
    outcomes,
    payback,
)

PRICES = prices_of({}, "test")
RATES = {**PRICES.rates(), PRICE: 5000.0}
OLD = [Asset(f"h{number}", watts=200.0, age_years=4.0) for number in range(4)]
NEW = [Asset("new", watts=300.0, age_years=0.0)]
CHANGE = Choice(empty={"h0", "h1"}, replace={"h2", "h3"}, new=NEW, vms=20, refresh_vms=10)


@pytest.fixture
def change():
    return flow(OLD, CHANGE, PRICES)


def test_the_figures_can_be_derived_from_their_inputs(change):
    kwh = 200 * 8.766
    old = kwh * 1.5 * 0.13 + 145 + 46 * 41 + 143
    moved = 2 * 0.27 * kwh * 1.5 * 0.13
    fresh = 300 * 8.766 * 1.5 * 0.13 + 46 * 41 + 143
    spent = (30 * 0.25 + 4 * 4 + 1 * 8) * 41 + 5000
    three, _, seven = outcomes(change, RATES, PRICES)
    today = sum(4 * old / 1.08**year for year in (1, 2, 3))
    after = sum((moved + fresh) / 1.08**year for year in (1, 2, 3))
    left = 5000 * (1 - 3 / 5) / 1.08**3
    assert three.today == pytest.approx(today, rel=1e-9)
    assert three.change == pytest.approx(spent + after - left, rel=1e-9)
    assert three.npv == pytest.approx(today - spent - after + left, rel=1e-9)
    assert three.payback_years == pytest.approx(spent / (4 * old - moved - fresh), rel=1e-9)
    # From its fourth year on the new host needs support; after five it is worth nothing.
    after = sum((moved + fresh + 145 * (year > 3)) / 1.08**year for year in range(1, 8))
    assert seven.change == pytest.approx(spent + after, rel=1e-9)


def test_a_purchase_without_a_price_has_no_outcome(change):
    with pytest.raises(ValueError, match="price of the hosts"):
        outcomes(change, PRICES.rates(), PRICES)


def test_nothing_is_worth_anything_at_the_break_even_price(change):
    price = break_even_price(change, PRICES.rates(), PRICES, 5)
    assert price is not None
    (five,) = outcomes(change, {**RATES, PRICE: price}, PRICES, [5])
    assert five.npv == pytest.approx(0.0, abs=1e-6)
    assert break_even_price(flow(OLD, Choice(empty={"h0"}), PRICES), RATES, PRICES, 5) is None


@pytest.mark.parametrize(
    ("spent", "saved", "years"),
    [
        (0.0, [1.0], 0.0),
        (15.0, [10.0, 10.0], 1.5),
        (30.0, [10.0, 10.0], None),
        (1.0, [-1.0], None),
    ],
)
def test_payback_is_when_the_savings_reach_what_was_spent(spent, saved, years):
    assert payback(spent, saved) == years


def test_bands_come_from_the_seed_alone_and_are_in_order(change):
    price = Figure(PRICE, 5000, 4000, 7000, "money/host", "offer", "", "yours")
    made = [
        bands(change, [*PRICES.stated(), price], PRICES, np.random.default_rng(7), draws=200)
        for _ in range(2)
    ]
    assert made[0] == made[1]
    for band in made[0]:
        assert band.p10 < band.p50 < band.p90
        assert 0 <= band.paying_share <= 1


def test_bands_without_ranges_are_the_outcome_itself(change):
    certain = [replace(one, low=one.value, high=one.value) for one in PRICES.stated()]
    price = replace(certain[0], key=PRICE, value=5000.0, low=5000.0, high=5000.0)
    for band, outcome in zip(
        bands(change, [*certain, price], PRICES, np.random.default_rng(1), draws=3),
        outcomes(change, RATES, PRICES),
        strict=True,
    ):
        assert [band.p10, band.p90] == pytest.approx([outcome.npv] * 2)


def test_carbon_of_making_hosts_is_paid_back_by_use():
    rates = PRICES.rates()
    found = carbon(10_000.0, 2, rates)
    assert found.saved_kg == pytest.approx(10_000 * 1.5 * 0.328) == use_kg(10_000, rates)
    assert found.payback_months == pytest.approx(2 * 1215 / 4920 * 12)
    assert carbon(0.0, 0, rates).payback_months == 0.0
    assert carbon(-5.0, 1, rates).payback_months is None
