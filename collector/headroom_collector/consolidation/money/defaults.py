"""Figures that stand in until the user states their own, each with its source."""

from dataclasses import dataclass

from headroom_collector.consolidation.money.figures import Figure

ASSUMED = "assumption without a source: replace it"
CURRENCY = "USD"
"""Currency of the defaults. They are never converted: another currency leaves them unknown."""


@dataclass(frozen=True, slots=True)
class Input:
    """
    An input that there is: ``table.name`` in the file, its unit and what it is.

    ``value`` is None where no source is good enough for a default: what needs it is then not
    counted. ``most`` is the greatest value that makes sense;
    ``method``: see ``Figure``.
    """

    key: str
    unit: str
    help: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    source: str = ""
    date: str = ""
    most: float | None = None
    method: str = ""

    @property
    def money(self) -> bool:
        """Whether it is a sum of money."""
        return self.unit.startswith("money")

    def default(self, currency: str) -> Figure | None:
        """Return the default; None where there is none, or none in that currency."""
        if self.value is None or (self.money and currency != CURRENCY):
            return None
        return Figure(
            key=self.key,
            value=self.value,
            low=self.value if self.low is None else self.low,
            high=self.value if self.high is None else self.high,
            unit=self.unit,
            source=self.source,
            date=self.date,
            origin="default",
            method=self.method,
        )


_ENERGY = (
    Input(
        "energy.price_per_kwh", "money/kWh", "Price of electricity",
        0.13, 0.08, 0.30, "ASG white paper on virtualisation TCO (a vendor's)", "2016",
    ),
    Input(
        "energy.pue", "ratio", "Energy of the data centre per energy of its servers",
        1.5, 1.2, 1.8, "Uptime Institute surveys, about 1.5 to 1.6; not verified", "2023",
    ),
    Input(
        "energy.grid_kg_per_kwh", "kg CO2e/kWh", "Carbon of the grid",
        0.328, 0.02, 0.7, "techcarbonstandard.org, Europe", "2022",
        method="location-based yearly average; direct or life cycle: not verified",
    ),
    Input(
        "energy.idle_share", "ratio",
        "Part of a lightly used host's power that goes when its work moves elsewhere",
        0.73, 0.6, 0.8,
        "SPECpower medians of 2021: 119 W idle of 164 W at a tenth of full load", "2026-03", 1.0,
    ),
)  # fmt: skip
_HOST = (
    Input(
        "host.support_per_year", "money/host-year", "Maintenance of a host out of warranty",
        145.0, 145.0, 1500.0,
        "Barclays: 0.8 M$ a year for 5,515 servers (2012); high: Uptime server roundup", "2012",
    ),
    Input("host.warranty_years", "years", "Years without support costs", 3.0, 3.0, 5.0, ASSUMED),
    Input(
        "host.life_years", "years", "Age from which a host is due for retirement",
        5.0, 3.0, 7.0, "Uptime Institute: 5 years the most common refresh interval", "2020",
    ),
    Input("host.rack_units", "U", "Height of a host that no model describes", 1.0, 1.0, 2.0, ASSUMED),
    Input(
        "host.embodied_kg", "kg CO2e/host", "Carbon of making a host",
        1215.0, 1146.0, 4283.0,
        "Boavizta, median of 48 servers; high: life-cycle assessment of an R740", "2024",
    ),
    Input("host.purchase", "money/host", "What a present host cost"),
    Input("host.depreciation_years", "years", "Years over which the price is written off", 5.0, 3.0, 7.0, ASSUMED),
    Input("host.residual_ratio", "ratio", "Part of the price that is left after that", 0.0, 0.0, 0.1, ASSUMED, most=1.0),
)  # fmt: skip
_WORK = (
    Input(
        "staff.hours_per_host_year", "hours/host-year", "Work on one physical host",
        46.0, 5.0, 46.0,
        "45 hosts an administrator of 2,080 hours (ASG, a vendor's); low: assumed", "2016",
    ),
    Input(
        "staff.rate_per_hour", "money/hour", "An hour of an administrator",
        41.0, 30.0, 80.0, "85,000 $ a year over 2,080 hours (ASG, a vendor's)", "2016",
    ),
    Input(
        "rack.unit_per_year", "money/U-year", "One rack unit, power not included",
        143.0, 143.0, 571.0, "dpdatacenters.com: 500 to 2,000 $ a month for 42 U, some power included",
        "2025",
    ),
    Input("work.migration_hours_per_vm", "hours/VM", "Moving one virtual machine", 0.25, 0.05, 1.0, ASSUMED),
    Input("work.decommission_hours_per_host", "hours/host", "Taking a host out", 4.0, 2.0, 8.0, ASSUMED),
    Input("work.decommission_cost_per_host", "money/host", "Disposal, wiping of disks"),
    Input("work.install_hours_per_host", "hours/host", "Putting a new host in", 8.0, 4.0, 16.0, ASSUMED),
    Input("finance.discount_ratio", "ratio/year", "Interest on money spent now", 0.08, 0.04, 0.12, ASSUMED, most=1.0),
)  # fmt: skip

INPUTS: tuple[Input, ...] = (*_ENERGY, *_HOST, *_WORK)
"""Every input but licences and models, which only the user can state."""
