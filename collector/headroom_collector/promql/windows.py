"""Windows over samples: for each series and step the samples between two moments, both included."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from headroom_collector.promql.model import LOOKBACK, Bools, Floats, Ints, Samples, Vector

CHUNK = 2_000_000
"""Most cells of a table of windows at a time."""


@dataclass(frozen=True, slots=True)
class Windows:
    """
    ``low`` up to but without ``high`` are indices into the samples, (series, steps).

    ``start`` and ``end`` of the windows and ``at``, the moment each is evaluated for, are (steps,).
    """

    samples: Samples
    low: Ints
    high: Ints
    start: Ints
    end: Ints
    at: Ints

    @property
    def count(self) -> Ints:
        """Samples in each window."""
        return self.high - self.low


def _position(samples: Samples, moments: Ints, *, after: bool) -> Ints:
    """Return for (series, moments) the index of the first sample at (``after``: past) it."""
    series = np.arange(len(samples.labels), dtype=np.int64)
    if not len(samples.times):
        return np.zeros((len(series), len(moments)), dtype=np.int64)
    oldest = int(samples.times.min())
    width = int(samples.times.max()) - oldest + 3
    # One ascending key over all series: which series first, then when.
    keys = np.repeat(series * width, np.diff(samples.starts)) + (samples.times - oldest + 1)
    wanted = np.clip(moments - oldest + 1, 0, width - 1)
    needles = (series * width)[:, np.newaxis] + wanted
    return np.searchsorted(keys, needles, side="right" if after else "left").astype(np.int64)


def windows(samples: Samples, start: Ints, end: Ints, at: Ints) -> Windows:
    """Find the samples between ``start`` and ``end`` of each step."""
    low = _position(samples, start, after=False)
    high = _position(samples, end, after=True)
    return Windows(samples, low, np.maximum(low, high), start, end, at)


def present_values(samples: Samples, moments: Ints) -> tuple[Vector, Ints]:
    """Return the newest value at each moment, if not older than the look-back, and its time."""
    found = windows(samples, moments - LOOKBACK, moments, moments)
    there = found.count > 0
    newest = np.where(there, found.high - 1, 0)
    if not len(samples.times):
        return Vector(samples.labels, np.zeros(there.shape), there), newest
    return Vector(samples.labels, samples.values[newest], there), samples.times[newest]


def reduced(function: np.ufunc, values: npt.NDArray[np.generic], low: Ints, high: Ints) -> Floats:
    """Return ``function`` over values[low:high] for each pair; 0 where a window is empty."""
    result = np.zeros(low.shape)
    some = high > low
    if some.any():
        # reduceat takes pairs; what lies between two windows is reduced for nothing and left out.
        pairs = np.stack([low[some], high[some]], axis=1).ravel()
        padded = np.append(values, np.zeros(1, dtype=values.dtype))
        result[some] = function.reduceat(padded, pairs)[::2]
    return result


def first_last(found: Windows) -> tuple[Floats, Floats, Ints, Ints]:
    """Return first and last value and first and last time; anything where a window is empty."""
    samples, some = found.samples, found.count > 0
    if not len(samples.times):
        return np.zeros(some.shape), np.zeros(some.shape), found.low, found.low
    first, last = np.where(some, found.low, 0), np.where(some, found.high - 1, 0)
    return samples.values[first], samples.values[last], samples.times[first], samples.times[last]


def tables(found: Windows, least: int) -> Iterator[tuple[Bools, Ints, Bools]]:
    """
    Lay windows with at least so many samples out as tables, some rows at a time.

    Yields which windows (series, steps) they are, indices into the samples (rows, longest window),
    and which of these cells count.
    """
    count = found.count.ravel()
    wanted = np.flatnonzero(count >= least)
    wanted = wanted[np.argsort(count[wanted], kind="stable")]
    at = 0
    while at < len(wanted):
        rows = _rows(count[wanted[at:]])
        chosen = wanted[at : at + rows]
        at += rows
        length = int(count[chosen].max())
        # In the windows' own order, so that results can be put back by a mask.
        chosen = np.sort(chosen)
        cells = np.arange(length)
        index = found.low.ravel()[chosen][:, np.newaxis] + cells
        counts = cells < count[chosen][:, np.newaxis]
        mask = np.zeros(found.count.size, dtype=np.bool_)
        mask[chosen] = True
        yield mask.reshape(found.count.shape), np.where(counts, index, 0), counts


def _rows(counts: Ints) -> int:
    """Return how many windows of these ascending lengths fit into a table."""
    cells = np.arange(1, len(counts) + 1) * counts
    return max(1, int(np.searchsorted(cells, CHUNK, side="right")))
