"""Figure that a sum of money or carbon rests on, with its unit, source and range."""

from dataclasses import dataclass
from typing import Literal

Origin = Literal["default", "yours"]


@dataclass(frozen=True, slots=True)
class Figure:
    """
    One input.

    ``value`` in ``unit``, where ``money`` stands for the estate's currency; ``low`` and ``high`` are
    the range that it is thought to lie in, equal to ``value`` where none is stated. ``date``: when
    the source said so. ``method``: how the source reckons, where methods differ (a grid's factor: an
    average by location or by contract, direct or over the life cycle); empty where it does not matter.
    """

    key: str
    value: float
    low: float
    high: float
    unit: str
    source: str
    date: str
    origin: Origin
    method: str = ""


@dataclass(frozen=True, slots=True)
class Given:
    """A figure as the file gives it; a plain number stands for one with ``value`` alone."""

    value: float
    low: float | None = None
    high: float | None = None
    source: str = ""
    date: str = ""
    method: str = ""

    def __post_init__(self) -> None:
        """Refuse what is no amount or no range; raises ValueError."""
        low = self.value if self.low is None else self.low
        high = self.value if self.high is None else self.high
        if low < 0:
            raise ValueError(f"{low:g}: expected 0 or more")
        if not low <= self.value <= high:
            raise ValueError(
                f"low = {low:g}, value = {self.value:g}, high = {high:g}: "
                "expected low <= value <= high"
            )

    def figure(self, key: str, unit: str) -> Figure:
        """Return it as a figure of that key, one that is the user's."""
        return Figure(
            key=key,
            value=self.value,
            low=self.value if self.low is None else self.low,
            high=self.value if self.high is None else self.high,
            unit=unit,
            source=self.source or "estate.toml",
            date=self.date,
            origin="yours",
            method=self.method,
        )
