"""Power of a host: one figure out of its power domains, with nothing counted twice."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

Quantity = Literal["wall", "component"]
"""Server input, or CPU packages plus memory: never added to each other."""
Kind = Literal["measured", "derived", "modelled"]

QUANTITIES: tuple[Quantity, ...] = ("wall", "component")
KINDS: tuple[Kind, ...] = ("measured", "derived", "modelled")
"""From the best to the weakest."""
WHOLE = "host"
PARTS = ("package", "dram")
"""Power domains that lie beside each other; others (core, uncore) lie within a package."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One power domain now, in watts, by the labels of an EnergySample; ends where it states them."""

    labels: Mapping[str, str]
    watts: float
    low: float | None = None
    high: float | None = None

    def rank(self) -> tuple[int, int, str] | None:
        """Return how good it is, the smallest the best; None where it cannot stand for a host."""
        domain = self.labels.get("domain", "")
        quantity, kind = self.labels.get("quantity"), self.labels.get("kind")
        if domain != WHOLE and not domain.startswith(PARTS):
            return None
        if quantity not in QUANTITIES or kind not in KINDS:
            return None
        return QUANTITIES.index(quantity), KINDS.index(kind), self.labels.get("source", "")


@dataclass(frozen=True, slots=True)
class Power:
    """Power of one host, in watts; ``low`` and ``high`` None where a part does not state them."""

    watts: float
    low: float | None
    high: float | None
    quantity: Quantity
    kind: Kind
    source: str


def power_of(readings: Iterable[Reading]) -> Power | None:
    """
    Choose one figure for a host; None where no reading can stand for it.

    The server's input goes before its components, measured before derived before modelled, and only
    one source is taken; within it the whole host goes before the sum of packages and memory.
    """
    ranked: dict[tuple[int, int, str], list[Reading]] = {}
    for reading in readings:
        rank = reading.rank()
        if rank is not None:
            ranked.setdefault(rank, []).append(reading)
    if not ranked:
        return None
    best = min(ranked)
    found = ranked[best]
    parts = [reading for reading in found if reading.labels.get("domain") == WHOLE] or found
    lows = [part.low for part in parts if part.low is not None]
    highs = [part.high for part in parts if part.high is not None]
    stated = len(lows) == len(highs) == len(parts)
    return Power(
        watts=sum(part.watts for part in parts),
        low=sum(lows) if stated else None,
        high=sum(highs) if stated else None,
        quantity=QUANTITIES[best[0]],
        kind=KINDS[best[1]],
        source=best[2],
    )
