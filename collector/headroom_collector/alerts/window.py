"""Window of a host's CPU samples, in the samples' own time."""

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
    Newest samples of one host: UTC nanoseconds and ratio, oldest first.

    ``keep_seconds`` is the longest window that will be asked for; what is older than that, seen
    from the newest sample, is let go. Late samples find their place; a second sample of the same
    instant replaces the first.
    """

    keep_seconds: float
    times: list[int] = field(default_factory=list)
    ratios: list[float] = field(default_factory=list)

    @property
    def newest(self) -> int | None:
        """UTC nanoseconds of the newest sample; None while there is none."""
        return self.times[-1] if self.times else None

    def add(self, time: int, ratio: float) -> bool:
        """Take a sample in; returns whether it is newer than all before it."""
        at = bisect_right(self.times, time)
        newest = at == len(self.times)
        if at and self.times[at - 1] == time:
            self.ratios[at - 1] = ratio
            return False
        self.times.insert(at, time)
        self.ratios.insert(at, ratio)
        if newest:
            self._trim(time - round(self.keep_seconds * SECOND))
        return newest

    def _trim(self, edge: int) -> None:
        gone = bisect_right(self.times, edge)
        if gone:
            del self.times[:gone]
            del self.ratios[:gone]

    def mean(
        self, window_seconds: float, coverage: float, interval_seconds: float | None
    ) -> float | None:
        """
        Return the mean ratio of the window that ends at the newest sample, its start left out.

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
        return math.fsum(self.ratios[first:]) / count

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
