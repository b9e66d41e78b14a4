"""Window of one figure of a host, in the samples' own time."""

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

SECOND = 1_000_000_000


def _median(numbers: Sequence[int]) -> int:
    return sorted(numbers)[len(numbers) // 2]


@dataclass(slots=True)
class Ring:
    """
    Newest samples of one figure of one host: UTC nanoseconds and value, oldest first.

    ``keep_seconds`` is the longest window that will be asked for; what is older than that, seen
    from the newest sample, is let go. Late samples find their place; a second sample of the same
    instant replaces the first.
    """

    keep_seconds: float
    times: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)

    @property
    def newest(self) -> int | None:
        """UTC nanoseconds of the newest sample; None while there is none."""
        return self.times[-1] if self.times else None

    def add(self, time: int, value: float) -> bool:
        """Take a sample in; returns whether it is newer than all before it."""
        at = bisect_right(self.times, time)
        newest = at == len(self.times)
        if at and self.times[at - 1] == time:
            self.values[at - 1] = value
            return False
        self.times.insert(at, time)
        self.values.insert(at, value)
        if newest:
            self._trim(time - round(self.keep_seconds * SECOND))
        return newest

    def _trim(self, edge: int) -> None:
        gone = bisect_right(self.times, edge)
        if gone:
            del self.times[:gone]
            del self.values[:gone]

    def aggregate(
        self, how: str, window_seconds: float, coverage: float, interval_seconds: float | None
    ) -> float | None:
        """
        Return the aggregate of the window that ends at the newest sample, its start left out.

        None where the window holds less than ``coverage`` (0..1) of the samples that a host with
        that interval makes; without a known interval the samples' own median distance stands for
        it.
        """
        if not self.times:
            return None
        first = bisect_right(self.times, self.times[-1] - round(window_seconds * SECOND))
        count = len(self.times) - first
        interval = interval_seconds or self._distance(first)
        if interval is None or count < wanted(window_seconds, coverage, interval):
            return None
        if how == "rate":
            return growth(self.times[first:], self.values[first:])
        return summary(how, self.values[first:])

    def _distance(self, first: int) -> float | None:
        times = self.times[first:]
        if len(times) < 2:
            return None
        gaps = [after - before for before, after in pairwise(times)]
        return _median(gaps) / SECOND


def wanted(window_seconds: float, coverage: float, interval_seconds: float) -> int:
    """Return how many samples a window needs: that share of the expected ones, at least one."""
    expected = math.floor(window_seconds / interval_seconds + 1e-9)
    return max(1, math.ceil(expected * coverage - 1e-9))


def summary(how: str, values: Sequence[float]) -> float:
    """Return the mean, max, min or percentile (nearest rank) of at least one value."""
    if how == "mean":
        return math.fsum(values) / len(values)
    if how == "max":
        return max(values)
    if how == "min":
        return min(values)
    rank = math.ceil(int(how[1:]) / 100 * len(values))
    return sorted(values)[max(rank, 1) - 1]


def growth(times: Sequence[int], values: Sequence[float]) -> float | None:
    """
    Return a counter's growth a second; a counter that fell began anew at 0.

    None where there are not two moments.
    """
    if len(times) < 2:
        return None
    grown = math.fsum(
        after - before if after >= before else after for before, after in pairwise(values)
    )
    return grown / ((times[-1] - times[0]) / SECOND)
