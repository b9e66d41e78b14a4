"""
Savings of retirement, consolidation and refresh: separate lines that add up.

A waterfall: each step starts from what the step before left, so that no host is counted twice and
the lines' sum is exactly the cost of today less the cost of the end.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from headroom_collector.consolidation.money.file import Prices
from headroom_collector.consolidation.money.quantities import (
    HOURS_A_YEAR,
    Asset,
    Quantities,
    Rates,
    costs,
    known_sum,
    total,
)

Step = Literal["retirement", "consolidation", "refresh"]
STEPS: tuple[Step, ...] = ("retirement", "consolidation", "refresh")
"""In the order in which they are taken: what needs no work first, what needs money last."""


@dataclass(frozen=True, slots=True)
class Choice:
    """
    Names of the hosts that each step takes out, and the hosts that refresh brings in.

    A name in several sets counts for the first step alone. ``vms`` move in consolidation,
    ``refresh_vms`` in refresh; ``again``: share of the work moved in consolidation that refresh moves
    once more, onto the new hosts, whose power has it.
    """

    retire: Collection[str] = ()
    empty: Collection[str] = ()
    replace: Collection[str] = ()
    new: Sequence[Asset] = ()
    vms: int = 0
    refresh_vms: int = 0
    again: float = 0.0

    def in_place(self) -> "Choice":
        """Return the part of the choice that needs no purchase."""
        return Choice(retire=self.retire, empty=self.empty, vms=self.vms)

    def step_of(self, name: str) -> Step | None:
        """Return the step that takes that host out."""
        if name in self.retire:
            return "retirement"
        if name in self.empty:
            return "consolidation"
        return "refresh" if name in self.replace else None


@dataclass(frozen=True, slots=True)
class Line:
    """
    One step: hosts out and in, and what it saves a year by cost line.

    ``saved`` has None where a rate is unknown. ``kwh`` at the servers' inputs.
    """

    step: Step
    hosts_out: int
    hosts_in: int
    kwh: float
    saved: Mapping[str, float | None]

    @property
    def money(self) -> float:
        """Known savings a year, in the estate's currency."""
        return known_sum(self.saved)


@dataclass(frozen=True, slots=True)
class Waterfall:
    """What hosts take up today and after each step, in one year."""

    today: Quantities
    after: Mapping[Step, Quantities]
    out: Mapping[Step, int]
    brought: int

    @property
    def end(self) -> Quantities:
        """What is taken up after the last step."""
        return self.after["refresh"]


def split(assets: Sequence[Asset], choice: Choice) -> dict[Step, list[Asset]]:
    """Return the hosts that each step takes out: every host in one list at most."""
    found: dict[Step, list[Asset]] = {step: [] for step in STEPS}
    for asset in assets:
        step = choice.step_of(asset.name)
        if step is not None:
            found[step].append(asset)
    return found


def waterfall(assets: Sequence[Asset], choice: Choice, prices: Prices, year: int = 1) -> Waterfall:
    """
    Return the quantities step by step in the ``year``-th year from now.

    The work of an emptied host goes on elsewhere, so only the idle share of its energy goes.
    """
    taken = split(assets, choice)
    today = total(assets, prices, year)
    retired = today - total(taken["retirement"], prices, year)
    moved = _work_kwh(taken["consolidation"], prices)
    emptied = total(taken["consolidation"], prices, year)
    consolidated = retired - emptied + Quantities(kwh=moved)
    bought = total((_aged(asset, year) for asset in choice.new), prices)
    replaced = total(taken["refresh"], prices, year) + Quantities(kwh=moved * choice.again)
    end = consolidated - replaced + bought
    return Waterfall(
        today=today,
        after={"retirement": retired, "consolidation": consolidated, "refresh": end},
        out={step: len(found) for step, found in taken.items()},
        brought=len(choice.new),
    )


def _work_kwh(emptied: Sequence[Asset], prices: Prices) -> float:
    """Return the energy a year of the work on these hosts: what is drawn above idling."""
    idle = prices.rates()["energy.idle_share"]
    watts = 0.0
    for asset in emptied:
        if asset.watts is not None:
            still = asset.watts * idle if asset.idle_watts is None else asset.idle_watts
            watts += max(0.0, asset.watts - still)
    return watts * HOURS_A_YEAR / 1000


def _aged(asset: Asset, year: int) -> Asset:
    return replace(asset, age_years=float(year - 1))


def _saved(
    before: Quantities, after: Quantities, rates: Rates, prices: Prices
) -> dict[str, float | None]:
    one, other = (costs(used, rates, prices.licences) for used in (before, after))
    return {key: _less(one[key], other[key]) for key in one}


def _less(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one - other


def lines(found: Waterfall, rates: Rates, prices: Prices) -> list[Line]:
    """Return each step's savings a year; their sum is what ``whole`` returns."""
    before, made = found.today, []
    for step in STEPS:
        after = found.after[step]
        made.append(
            Line(
                step=step,
                hosts_out=found.out[step],
                hosts_in=found.brought if step == "refresh" else 0,
                kwh=before.kwh - after.kwh,
                saved=_saved(before, after, rates, prices),
            )
        )
        before = after
    return made


def whole(found: Waterfall, rates: Rates, prices: Prices) -> dict[str, float | None]:
    """Return what all steps together save a year, by cost line."""
    return _saved(found.today, found.end, rates, prices)


def unknown(found: Waterfall, prices: Prices) -> list[str]:
    """Return what is not in the figures, one phrase each."""
    missing = [f"{what} (hosts: {count:d})" for what, count in sorted(found.today.unknown.items())]
    lacking = [one.key for one in prices.licences if prices.figures.get(one.key) is None]
    figures = [key for key, figure in prices.figures.items() if figure is None]
    return missing + sorted({*lacking, *figures})
