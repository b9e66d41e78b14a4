"""Quantities that hosts take up a year, and what these cost: every sum is one times a rate."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from headroom_collector.consolidation.money.file import Prices
from headroom_collector.consolidation.money.schema import Licence

HOURS_A_YEAR = 8766.0
"""365.25 days."""

Rates = Mapping[str, float]
"""Value of each known input by its key."""


@dataclass(frozen=True, slots=True)
class Asset:
    """
    A host as its costs see it; None where unknown.

    ``watts``: mean power at the server's input, ``idle_watts`` the part of it that has nothing to do
    with its work. ``age_years`` since its purchase.
    """

    name: str
    host_class: str = ""
    cores: float | None = None
    sockets: float | None = None
    watts: float | None = None
    age_years: float | None = None
    rack_units: float | None = None
    idle_watts: float | None = None


@dataclass(frozen=True, slots=True)
class Quantities:
    """
    What a set of hosts takes up in one year.

    ``kwh`` at the servers' inputs; ``supported`` hosts out of warranty; ``licences``: units by the
    licence's name, each host's minimum included. ``unknown`` counts, by what is unknown, the hosts
    that are not in the figure.
    """

    hosts: float = 0.0
    kwh: float = 0.0
    supported: float = 0.0
    staff_hours: float = 0.0
    rack_units: float = 0.0
    licences: Mapping[str, float] = field(default_factory=dict)
    unknown: Mapping[str, int] = field(default_factory=dict)

    def __add__(self, other: "Quantities") -> "Quantities":
        return _joined(self, other, 1.0)

    def __sub__(self, other: "Quantities") -> "Quantities":
        return _joined(self, other, -1.0)


def _summed(one: Mapping[str, float], other: Mapping[str, float], sign: float) -> dict[str, float]:
    return {key: one.get(key, 0.0) + sign * other.get(key, 0.0) for key in {**one, **other}}


def _joined(one: Quantities, other: Quantities, sign: float) -> Quantities:
    unknown = _summed(one.unknown, other.unknown, sign)
    return Quantities(
        hosts=one.hosts + sign * other.hosts,
        kwh=one.kwh + sign * other.kwh,
        supported=one.supported + sign * other.supported,
        staff_hours=one.staff_hours + sign * other.staff_hours,
        rack_units=one.rack_units + sign * other.rack_units,
        licences=_summed(one.licences, other.licences, sign),
        unknown={key: int(count) for key, count in unknown.items() if count},
    )


def licence_units(licence: Licence, asset: Asset) -> float | None:
    """Return what a host is charged for, its minimum included; None where its size is unknown."""
    if licence.classes and asset.host_class not in licence.classes:
        return 0.0
    if licence.per == "host":
        return 1.0
    if licence.per == "socket":
        return None if asset.sockets is None else max(asset.sockets, licence.minimum_per_socket)
    if asset.cores is None:
        return None
    if asset.sockets is None:
        return asset.cores if not licence.minimum_per_socket else None
    return max(asset.cores, asset.sockets * licence.minimum_per_socket)


def quantities(asset: Asset, prices: Prices, year: int = 1) -> Quantities:
    """Return what a host takes up in the ``year``-th year from now; 1 is the one that begins."""
    rates = prices.rates()
    warranty = rates["host.warranty_years"]
    unknown: dict[str, int] = {}
    if asset.watts is None:
        unknown["power"] = 1
    if asset.age_years is None:
        unknown["age"] = 1
    old = asset.age_years is not None and asset.age_years + year - 1 >= warranty
    charged: dict[str, float] = {}
    for licence in prices.licences:
        units = licence_units(licence, asset)
        if units is None:
            unknown[licence.key] = 1
        else:
            charged[licence.name] = units
    height = rates["host.rack_units"] if asset.rack_units is None else asset.rack_units
    return Quantities(
        hosts=1.0,
        kwh=(asset.watts or 0.0) * HOURS_A_YEAR / 1000,
        supported=1.0 if old else 0.0,
        staff_hours=rates["staff.hours_per_host_year"],
        rack_units=height,
        licences=charged,
        unknown=unknown,
    )


def total(assets: Iterable[Asset], prices: Prices, year: int = 1) -> Quantities:
    """Add up what hosts take up in that year."""
    return sum((quantities(asset, prices, year) for asset in assets), Quantities())


def _line(amount: float, *factors: float | None) -> float | None:
    for factor in factors:
        if factor is None:
            return None
        amount *= factor
    return amount


def _licence_costs(
    used: Quantities, rates: Rates, licences: Sequence[Licence]
) -> dict[str, float | None]:
    found: dict[str, float | None] = {}
    for licence in licences:
        units = used.licences.get(licence.name, 0.0)
        if units > 0:
            units = max(units, licence.minimum_total)
        found[licence.key] = _line(units, rates.get(licence.key))
    return found


def costs(used: Quantities, rates: Rates, licences: Sequence[Licence]) -> dict[str, float | None]:
    """
    Return the cost a year by line, in the estate's currency; None where a rate is unknown.

    The price of hosts that are owned is in none of them: it is spent.
    """
    return {
        "energy": _line(used.kwh, rates.get("energy.pue"), rates.get("energy.price_per_kwh")),
        "support": _line(used.supported, rates.get("host.support_per_year")),
        "staff": _line(used.staff_hours, rates.get("staff.rate_per_hour")),
        "rack": _line(used.rack_units, rates.get("rack.unit_per_year")),
        **_licence_costs(used, rates, licences),
    }


def known_sum(lines: Mapping[str, float | None]) -> float:
    """Add up the lines that are known."""
    return sum(value for value in lines.values() if value is not None)


def host_costs(asset: Asset, prices: Prices) -> dict[str, float | None]:
    """Return what one host costs a year, by line; the estate's own minimum of a licence left out."""
    alone = [replace(licence, minimum_total=0) for licence in prices.licences]
    return costs(quantities(asset, prices), prices.rates(), alone)


def depreciation(prices: Prices, asset: Asset) -> float | None:
    """
    Return what a present host loses of its price a year, straight-line; None where unknown.

    Shown for the books; no step saves it, since the price is spent.
    """
    rates = prices.rates()
    price, age = rates.get("host.purchase"), asset.age_years
    if price is None or age is None:
        return None
    years = rates["host.depreciation_years"]
    return price * (1 - rates["host.residual_ratio"]) / years if age < years else 0.0
