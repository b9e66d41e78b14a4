"""Carbon of use and of making: kilograms of CO2 equivalent."""

from dataclasses import dataclass

from headroom_collector.consolidation.money.quantities import Rates


@dataclass(frozen=True, slots=True)
class Carbon:
    """
    ``saved_kg``: use phase, a year; ``embodied_kg``: making the hosts that are bought, once.

    ``payback_months`` until the first makes up for the second; None where it never does.
    """

    saved_kg: float
    embodied_kg: float
    payback_months: float | None


def use_kg(kwh: float, rates: Rates) -> float:
    """Return the carbon of ``kwh`` at the servers' inputs, the data centre's overhead included."""
    return kwh * rates["energy.pue"] * rates["energy.grid_kg_per_kwh"]


def carbon(saved_kwh: float, bought: int, rates: Rates) -> Carbon:
    """Return the carbon of saving ``saved_kwh`` a year by means of ``bought`` new hosts."""
    saved = use_kg(saved_kwh, rates)
    embodied = bought * rates["host.embodied_kg"]
    months = embodied / saved * 12 if saved > 0 else (0.0 if embodied == 0 else None)
    return Carbon(saved, embodied, months)
