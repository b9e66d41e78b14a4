"""Drawings as the attributes of SVG shapes; nothing in them needs a style of its own."""

from collections.abc import Sequence
from dataclasses import dataclass

SPARK_SLOTS = 60


def width(ratio: float | None) -> str:
    """Return how far a bar goes, of 100; empty where the ratio is not known."""
    return "" if ratio is None else f"{min(max(ratio, 0.0), 1.0) * 100:.4g}"


def mark(ratio: float | None) -> str:
    """Return the path of the ceiling's mark across a bar 8 high."""
    return "" if ratio is None else f"M{ratio * 100:.4g} 0V8"


def spark(ratios: Sequence[float | None]) -> str:
    """Return the path of a line, 0 at 100 and 1 at 0, broken where a value is not known."""
    path, pen = "", "M"
    for x, ratio in enumerate(ratios):
        if ratio is None:
            pen = "M"
            continue
        y = round((1 - min(max(ratio, 0.0), 1.0)) * 100)
        # A line of no length makes a lone value a dot.
        path += f"{pen}{x} {y}h0" if pen == "M" else f"{pen}{x} {y}"
        pen = "L"
    return path


def level(ratio: float) -> str:
    """Return the path of the ceiling across a sparkline."""
    return f"M0 {round((1 - ratio) * 100)}H{SPARK_SLOTS}"


def heights(counts: Sequence[int]) -> list[str]:
    """Return the height of each column of a histogram, of 100; what is there is never under 2."""
    most = max(counts, default=0)
    return [f"{max(2.0, 100 * count / most):.4g}" if count else "0" for count in counts]


@dataclass(frozen=True, slots=True)
class Axes:
    """The area of a chart: values from ``low`` to ``high``, times from ``start`` to ``end``."""

    start: float
    end: float
    low: float
    high: float

    def x(self, time: float) -> float:
        """Return a time's place, 0 to 1000."""
        span = self.end - self.start
        return 1000 * (time - self.start) / span if span else 0.0

    def y(self, value: float) -> float:
        """Return a value's place, 0 at the top and 200 at the bottom."""
        span = self.high - self.low
        return 200 - 200 * (value - self.low) / span if span else 200.0

    def path(self, points: Sequence[tuple[float, float | None]]) -> str:
        """Return the path of a line, broken where a value is not known."""
        path, pen = "", "M"
        for time, value in points:
            if value is None:
                pen = "M"
                continue
            path += f"{pen}{self.x(time):.4g} {self.y(value):.4g}" + ("h0" if pen == "M" else "")
            pen = "L"
        return path

    def across(self, value: float) -> str:
        """Return the path of a level across the chart."""
        return f"M0 {self.y(value):.4g}H1000"


def nice(high: float) -> float:
    """Return the next round number: 1, 2, 2.5 or 5 times a power of ten."""
    if high <= 0:
        return 1.0
    power = 10.0 ** (len(str(int(high))) - 1 if high >= 1 else -_zeros(high))
    for step in (1, 2, 2.5, 5, 10):
        if step * power >= high:
            return step * power
    return 10 * power


def _zeros(value: float) -> int:
    count = 0
    while value < 1:
        value *= 10
        count += 1
    return count
