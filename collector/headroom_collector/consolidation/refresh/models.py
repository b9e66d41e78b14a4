"""Server to buy: one of the user's models, or the median of a generation."""

import difflib
from dataclasses import dataclass, replace

from headroom_collector.consolidation.money.figures import Given
from headroom_collector.consolidation.money.file import Prices
from headroom_collector.consolidation.money.quantities import Asset
from headroom_collector.consolidation.money.schema import Model
from headroom_collector.consolidation.refresh.generations import (
    GENERATIONS,
    Generation,
    ops_per_core,
)

MEDIAN = "median-"
GIB = float(1 << 30)


class ModelError(ValueError):
    """A model that is not known; the text says which there are."""


@dataclass(frozen=True, slots=True)
class Server:
    """
    A server that could be bought; None where unknown.

    ``ops``: ssj_ops at full load; ``memory`` in bytes; watts at the server's input.
    """

    name: str
    ops: float
    cores: int
    sockets: int
    memory: float | None
    idle_watts: float | None
    full_watts: float | None
    price: Given | None
    rack_units: float | None
    speed_source: str

    def watts(self, utilisation: float) -> float | None:
        """Return the power at that utilisation, a ratio; None where it is unknown."""
        if self.idle_watts is None or self.full_watts is None:
            return None
        return self.idle_watts + (self.full_watts - self.idle_watts) * min(1.0, utilisation)

    def at(self, price: Given) -> "Server":
        """Return the same server at that price."""
        return replace(self, price=price)

    def asset(self, utilisation: float, host_class: str) -> Asset:
        """Return one that was just bought and is used so much."""
        return Asset(
            name=self.name,
            host_class=host_class,
            cores=float(self.cores),
            sockets=float(self.sockets),
            watts=self.watts(utilisation),
            age_years=0.0,
            rack_units=self.rack_units,
            idle_watts=self.idle_watts,
        )


def _median(one: Generation) -> Server:
    return Server(
        name=f"{MEDIAN}{one.year}",
        ops=one.ops,
        cores=one.cores,
        sockets=2,
        memory=None,
        idle_watts=one.idle_watts,
        full_watts=one.full_watts,
        price=None,
        rack_units=None,
        speed_source=f"median two-socket server of {one.year} (SPECpower)",
    )


def _stated(name: str, model: Model) -> Server:
    if model.throughput is not None:
        ops, source = model.throughput, "throughput stated in estate.toml"
    else:
        year = model.generation or GENERATIONS[-1].year
        ops = model.cores * ops_per_core(year)
        source = f"{model.cores} cores at the median speed of {year} (SPECpower)"
    return Server(
        name=name,
        ops=ops,
        cores=model.cores,
        sockets=model.sockets,
        memory=None if model.memory_gib is None else model.memory_gib * GIB,
        idle_watts=model.idle_watts,
        full_watts=model.full_watts,
        price=model.price,
        rack_units=model.rack_units,
        speed_source=source,
    )


def names(prices: Prices) -> list[str]:
    """Return the models that there are, the user's first."""
    return [*prices.models, *(f"{MEDIAN}{one.year}" for one in reversed(GENERATIONS))]


def server(name: str, prices: Prices) -> Server:
    """Return a model by its name; raises ModelError with the nearest one."""
    if name in prices.models:
        return _stated(name, prices.models[name])
    for one in GENERATIONS:
        if name == f"{MEDIAN}{one.year}":
            return _median(one)
    known = names(prices)
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean '{near[0]}'?" if near else f"expected one of {', '.join(known)}"
    raise ModelError(f"no model '{name}': {hint}; state it as [models.{name}] in estate.toml")
