"""Worth of a plan over 3, 5 and 7 years, with its bands, and the carbon of what it saves."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from headroom_collector.consolidation.money.file import Prices
from headroom_collector.consolidation.money.quantities import (
    HOURS_A_YEAR,
    Asset,
    Quantities,
    total,
)
from headroom_collector.consolidation.money.tco import HORIZONS, Flow, Once
from headroom_collector.consolidation.money.worth import worth


def worth_of(
    assets: Sequence[Asset],
    off: Collection[str],
    moved: int,
    found: Mapping[str, Any],
    prices: Prices,
) -> dict[str, Any]:
    """
    Return ``tco``, by horizon, and ``carbon`` of a plan that switches the hosts named ``off`` off.

    ``found`` is the plan's energy: power_watts_before and power_watts_after. Hosts that are owned
    and stay cost nothing new; nothing is bought, so that no carbon is embodied anew.
    """
    kept = [asset for asset in assets if asset.name not in off]
    before, after = float(found["power_watts_before"]), float(found["power_watts_after"])
    flow = Flow(
        once=Once(moved, len(off), 0),
        today=_years(assets, prices, before),
        after=_years(kept, prices, after),
    )
    made = worth(flow, prices)
    bands = {band.years: band for band in made.bands}
    return {
        "tco": [
            asdict(one) | {key: getattr(bands[one.years], key) for key in ("p10", "p50", "p90")}
            for one in made.outcomes
        ],
        "carbon": _carbon(before - after, len(off), prices),
    }


def _years(assets: Sequence[Asset], prices: Prices, watts: float) -> tuple[Quantities, ...]:
    kwh = watts * HOURS_A_YEAR / 1000
    years = range(1, HORIZONS[-1] + 1)
    return tuple(replace(total(assets, prices, year), kwh=kwh) for year in years)


def _carbon(saved_watts: float, off: int, prices: Prices) -> dict[str, Any]:
    """Return use-phase kg a year that are saved, and what was once spent on the hosts that go."""
    rates = prices.rates()
    grid, pue = rates.get("energy.grid_kg_per_kwh"), rates.get("energy.pue")
    kwh = saved_watts * HOURS_A_YEAR / 1000
    embodied = rates.get("host.embodied_kg")
    return {
        "saved_kg_per_year": None if grid is None or pue is None else round(kwh * pue * grid, 1),
        "embodied_kg_bought": 0.0,
        "embodied_kg_of_freed_hosts": None if embodied is None else round(off * embodied, 1),
    }
