"""Window of one figure of a host, in the samples' own time."""

import math
from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence
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
    from the newest sample, ``trim`` lets go. Late samples find their place; a second sample of the same
    instant replaces the first.
    """

    keep_seconds: float
    times: "array[int]" = field(default_factory=lambda: array("q"))
    values: "array[float]" = field(default_factory=lambda: array("d"))

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
        return newest

    def trim(self) -> None:
        """Let go of what is too old, once the windows that the newest sample closes are judged."""
        edge = (self.newest or 0) - round(self.keep_seconds * SECOND)
        if self.times and self.times[0] <= edge:
            gone = bisect_right(self.times, edge)
            del self.times[:gone]
            del self.values[:gone]

    def aggregate(
        self,
        how: str,
        window_seconds: float,
        coverage: float,
        interval_seconds: float | None,
        end: int | None = None,
    ) -> float | None:
        """
        Return the aggregate of the window that ends at ``end``, its start left out.

        ``end`` in UTC nanoseconds, None for the newest sample. None where the window holds less than ``coverage`` (0..1) of the samples that a host with
        that interval makes; without a known interval the samples' own median distance stands for
        it.
        """
        if not self.times:
            return None
        last = self.times[-1] if end is None else end
        first = bisect_right(self.times, last - round(window_seconds * SECOND))
        stop = len(self.times) if end is None else bisect_right(self.times, end)
        interval = interval_seconds or self._distance(first, stop)
        if interval is None or stop - first < wanted(window_seconds, coverage, interval):
            return None
        if how == "rate":
            return growth(self.times[first:stop], self.values[first:stop])
        return summary(how, self.values[first:stop])

    def _distance(self, first: int, stop: int) -> float | None:
        times = self.times[first:stop]
        if len(times) < 2:
            return None
        gaps = [after - before for before, after in pairwise(times)]
        return _median(gaps) / SECOND


MOST_ENDS = 3
"""Windows that one sample closes at most: what a gap left empty needs no verdict each."""


def window_ends(
    before: int | None, newest: int, step_seconds: float, interval_seconds: float | None
) -> Iterator[int]:
    """
    Yield the ends of the windows that the newest sample closes, in UTC nanoseconds.

    Without a step that is the sample itself. With one, windows end on its multiples, and one is
    closed by the last sample that is expected in it: the next comes an interval later. ``before``
    is the sample before. Of windows that a gap left empty only the first two and the last come.
    """
    if not step_seconds:
        yield newest
        return
    step, slack = round(step_seconds * SECOND), max(round((interval_seconds or 0) * SECOND) - 1, 0)
    last = (newest + slack) // step
    first = last if before is None else (before + slack) // step + 1
    ends = range(first, last + 1)
    for end in ends if len(ends) <= MOST_ENDS else [first, first + 1, last]:
        yield end * step


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
