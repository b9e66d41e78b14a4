"""Charts of the report as SVG shapes with fixed attributes: right in a browser and on paper."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from headroom_collector.web.draw import heights
from headroom_collector.web.views.plan import Curve, freed_curve, steps


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a histogram: its place, height (of 100) and whether it is over the ceiling."""

    x: float
    y: float
    height: float
    over: bool


def histogram(bins: Sequence[int], ceiling: float) -> list[Column]:
    """Return the columns of hosts by utilisation."""
    found = []
    for at, height in enumerate(heights(bins)):
        high = float(height)
        found.append(Column(at * 10 + 1, 105 - high, high, (at + 0.5) / len(bins) > ceiling))
    return found


def curve(plan: Mapping[str, Any]) -> Curve | None:
    """Return hosts freed against moves made."""
    return freed_curve(plan, steps(plan))


def share(value: float | None, most: float) -> float:
    """Return how long a bar is, of 100; negative values have no bar."""
    return 0.0 if value is None or most <= 0 else round(max(0.0, min(1.0, value / most)) * 100, 2)
