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
SOURCES = ("redfish", "ipmi_lan", "dcmi", "ipmi_sensors", "hwmon", "rapl_regression", "model")
"""Of the server's input, from the one that is taken first."""
ONE_OF = frozenset({"dcmi", "ipmi_sensors", "hwmon", "rapl_regression", "model"})
"""An agent has one of these at a time: the newest tells which, older ones were before it."""
WHOLE = "host"
PARTS = ("package", "dram")
"""Power domains that lie beside each other; others (core, uncore) lie within a package."""


@dataclass(frozen=True, slots=True)
class Reading:
    """
    One power domain now, in watts, by the labels of an EnergySample; ends where it states them.

    ``at``: when it was read, in UTC nanoseconds; only its order counts.
    """

    labels: Mapping[str, str]
    watts: float
    low: float | None = None
    high: float | None = None
    at: int = 0

    @property
    def alone(self) -> bool:
        """Whether its host's agent has no other source of the server's input at that time."""
        return self.labels.get("quantity") == "wall" and self.labels.get("source") in ONE_OF

    def rank(self) -> tuple[int, int, int, str] | None:
        """Return how good it is, the smallest the best; None where it cannot stand for a host."""
        domain = self.labels.get("domain", "")
        quantity, kind = self.labels.get("quantity"), self.labels.get("kind")
        if domain != WHOLE and not domain.startswith(PARTS):
            return None
        if quantity not in QUANTITIES or kind not in KINDS:
            return None
        source = self.labels.get("source", "")
        place = SOURCES.index(source) if source in SOURCES else len(SOURCES)
        return QUANTITIES.index(quantity), KINDS.index(kind), place, source


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
    one source is taken; within it the whole host goes before the sum of packages and memory. What
    an agent's input was known from before it fell silent is no figure of now.
    """
    known = list(readings)
    newest = max((reading.at for reading in known if reading.alone), default=0)
    ranked: dict[tuple[int, int, int, str], list[Reading]] = {}
    for reading in known:
        rank = reading.rank()
        if rank is not None and (not reading.alone or reading.at >= newest):
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
        source=best[3],
    )
