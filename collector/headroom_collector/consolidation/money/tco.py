"""
Total cost of ownership over years: what it costs to go on, and what it costs to change.

Money that is spent at once stands in year 0; what is spent in the course of year y is discounted by
(1 + r) ** y. No equipment is bought a second time within the horizon.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from headroom_collector.consolidation.money.figures import Figure
from headroom_collector.consolidation.money.file import Prices
from headroom_collector.consolidation.money.quantities import (
    Asset,
    Quantities,
    Rates,
    costs,
    known_sum,
)
from headroom_collector.consolidation.money.savings import Choice, split, waterfall

HORIZONS = (3, 5, 7)
"""Years."""
DRAWS = 2000
PERCENTILES = (10.0, 50.0, 90.0)
PRICE = "model.price"
"""Key of the price of a host to buy, in money a host."""


@dataclass(frozen=True, slots=True)
class Once:
    """What a change takes once: virtual machines moved, hosts taken out, hosts bought."""

    vms_moved: int
    hosts_out: int
    hosts_in: int


@dataclass(frozen=True, slots=True)
class Flow:
    """Quantities of each year from the first on: going on as today, and after the change."""

    once: Once
    today: tuple[Quantities, ...]
    after: tuple[Quantities, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """
    Money over one horizon, in the estate's currency.

    ``npv`` is ``today`` less ``change``: what the change is worth now. ``payback_years`` is None
    where the savings never reach what was spent, within the longest horizon.
    """

    years: int
    today: float
    change: float
    npv: float
    payback_years: float | None


@dataclass(frozen=True, slots=True)
class Band:
    """10th, 50th and 90th percentile of the net present value over the stated ranges."""

    years: int
    p10: float
    p50: float
    p90: float
    paying_share: float
    """Share of the draws in which the change is worth more than it costs."""


def flow(
    assets: Sequence[Asset], choice: Choice, prices: Prices, years: int = HORIZONS[-1]
) -> Flow:
    """Return the quantities of each of ``years`` years, without and with the change."""
    taken = split(assets, choice)
    steps = [waterfall(assets, choice, prices, year) for year in range(1, years + 1)]
    return Flow(
        once=Once(
            vms_moved=choice.vms + choice.refresh_vms,
            hosts_out=sum(len(out) for out in taken.values()),
            hosts_in=len(choice.new),
        ),
        today=tuple(step.today for step in steps),
        after=tuple(step.end for step in steps),
    )


def staged(
    assets: Sequence[Asset], choice: Choice, prices: Prices, years: int = HORIZONS[-1]
) -> tuple[Flow, Flow]:
    """
    Return the change in two parts: what needs no purchase, and then the refresh upon it.

    What the parts are worth adds up to what ``flow`` is worth.
    """
    everything = flow(assets, choice, prices, years)
    first = flow(assets, choice.in_place(), prices, years)
    rest = Once(
        vms_moved=choice.refresh_vms,
        hosts_out=everything.once.hosts_out - first.once.hosts_out,
        hosts_in=everything.once.hosts_in,
    )
    return first, Flow(once=rest, today=first.after, after=everything.after)


def once_cost(once: Once, rates: Rates) -> dict[str, float | None]:
    """Return what a change costs at once, by line; None where a rate is unknown."""
    hours = (
        once.vms_moved * rates["work.migration_hours_per_vm"]
        + once.hosts_out * rates["work.decommission_hours_per_host"]
        + once.hosts_in * rates["work.install_hours_per_host"]
    )
    rate, price = rates.get("staff.rate_per_hour"), rates.get(PRICE)
    disposal = rates.get("work.decommission_cost_per_host")
    return {
        "work": None if rate is None else hours * rate,
        "disposal": None if disposal is None else once.hosts_out * disposal,
        "purchase": _purchase(once.hosts_in, price),
    }


def _purchase(hosts: int, price: float | None) -> float | None:
    if not hosts:
        return 0.0
    return None if price is None else hosts * price


def _yearly(used: Sequence[Quantities], rates: Rates, prices: Prices) -> list[float]:
    return [known_sum(costs(one, rates, prices.licences)) for one in used]


def _residual(once: Once, rates: Rates, years: int) -> float:
    """Return what bought hosts are worth after ``years``, written off straight-line."""
    price = rates.get(PRICE)
    if price is None:
        return 0.0
    left = rates["host.residual_ratio"]
    written = min(1.0, years / rates["host.depreciation_years"])
    return once.hosts_in * price * (1 - (1 - left) * written)


def payback(spent: float, saved: Sequence[float]) -> float | None:
    """Return after how many years the savings of each year reach ``spent``, undiscounted; None: never."""
    if spent <= 0:
        return 0.0
    left = spent
    for year, amount in enumerate(saved):
        if 0 < left <= amount:
            return year + left / amount
        left -= amount
    return None


def priced(once: Once, rates: Rates) -> bool:
    """Say whether what the change takes once has its greatest price: that of the hosts to buy."""
    return not once.hosts_in or PRICE in rates


def outcomes(
    found: Flow, rates: Rates, prices: Prices, horizons: Sequence[int] = HORIZONS
) -> list[Outcome]:
    """
    Return the money over each horizon, none of which is longer than the flow.

    Raises ValueError where hosts are bought whose price is unknown; see ``priced``.
    """
    if not priced(found.once, rates):
        raise ValueError("the price of the hosts to buy is not known")
    interest = 1 + rates["finance.discount_ratio"]
    today = _yearly(found.today, rates, prices)
    after = _yearly(found.after, rates, prices)
    spent = known_sum(once_cost(found.once, rates))
    back = payback(spent, [one - other for one, other in zip(today, after, strict=True)])
    made = []
    for years in horizons:
        stay = _present(today[:years], interest)
        worth = _residual(found.once, rates, years) / interest**years
        change = spent + _present(after[:years], interest) - worth
        made.append(Outcome(years, stay, change, stay - change, back))
    return made


def _present(amounts: Sequence[float], interest: float) -> float:
    return sum(amount / interest**year for year, amount in enumerate(amounts, start=1))


def draw(figures: Sequence[Figure], rng: np.random.Generator) -> dict[str, float]:
    """Draw each figure from a triangle over its range with its value at the top."""
    return {
        one.key: float(rng.triangular(one.low, one.value, one.high))
        if one.high > one.low
        else one.value
        for one in figures
    }


def bands(
    found: Flow,
    figures: Sequence[Figure],
    prices: Prices,
    rng: np.random.Generator,
    *,
    horizons: Sequence[int] = HORIZONS,
    draws: int = DRAWS,
) -> list[Band]:
    """
    Return how the net present value spreads when each input lies anywhere in its stated range.

    The inputs are drawn independently; today and the change share each draw. Years whose costs are
    drawn share one draw, too: a price that is high stays high.
    """
    worth = np.array(
        [
            [one.npv for one in outcomes(found, draw(figures, rng), prices, horizons)]
            for _ in range(draws)
        ]
    )
    low, middle, high = np.percentile(worth, PERCENTILES, axis=0)
    return [
        Band(
            years, float(low[i]), float(middle[i]), float(high[i]), float((worth[:, i] > 0).mean())
        )
        for i, years in enumerate(horizons)
    ]


def break_even_price(
    found: Flow, rates: Mapping[str, float], prices: Prices, years: int
) -> float | None:
    """
    Return the price of a bought host at which the change is worth nothing over ``years``.

    None where nothing is bought, or where it is not worth it even for nothing.
    """
    if not found.once.hosts_in:
        return None
    free, one = (
        outcomes(found, {**rates, PRICE: price}, prices, [years])[0].npv for price in (0.0, 1.0)
    )
    # The net present value falls by the same amount with each unit of the price.
    slope = free - one
    return free / slope if free > 0 and slope > 0 else None
