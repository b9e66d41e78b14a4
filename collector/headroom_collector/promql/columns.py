"""Rows as they come from the store, turned into series."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from headroom_collector.promql.model import Floats, Ints, Labels, Samples

RADIX = 1 << 16


@dataclass(frozen=True, slots=True)
class Rows:
    """Samples in any order: number of the series, milliseconds, value, one each a row."""

    series: Ints
    times: Ints
    values: Floats


def _stable_order(series: Ints, count: int) -> npt.NDArray[np.intp]:
    """Return the order by series, rows of one as they came; by radix, 16 bits at a time."""
    order = np.argsort((series % RADIX).astype(np.uint16), kind="stable")
    if count > RADIX:
        order = order[np.argsort((series[order] // RADIX).astype(np.uint16), kind="stable")]
    return order


def together(parts: Sequence[Rows]) -> Rows:
    """Put rows behind each other."""
    if len(parts) == 1:
        return parts[0]
    nothing = np.empty(0, dtype=np.int64)
    return Rows(
        np.concatenate([nothing, *(part.series for part in parts)]),
        np.concatenate([nothing, *(part.times for part in parts)]),
        np.concatenate([np.empty(0), *(part.values for part in parts)]),
    )


def as_series(labels: Sequence[Labels], rows: Rows) -> Samples:
    """
    Sort rows into series; of two samples at the same time the later row counts.

    Series without any sample are left out.
    """
    order = _stable_order(rows.series, len(labels))
    series, times = rows.series[order], rows.times[order]
    same = series[1:] == series[:-1]
    if (same & (times[1:] < times[:-1])).any():
        # Samples of the past came in later: sort by time as well.
        order = np.lexsort((rows.times, rows.series))
        series, times = rows.series[order], rows.times[order]
        same = series[1:] == series[:-1]
    last = np.ones(len(series), dtype=np.bool_)
    last[:-1] = ~(same & (times[1:] == times[:-1]))
    if not last.all():
        order, series, times = order[last], series[last], times[last]
    found, sizes = np.unique(series, return_counts=True)
    starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    return Samples([labels[row] for row in found], starts, times, rows.values[order])


def summed_up(samples: Samples, interval: int) -> Samples:
    """
    Return counters made of what they grew by in the ``interval`` milliseconds up to each sample.

    They end at 0 and are below before, so that nobody takes their first value for a beginning.
    """
    sizes = np.diff(samples.starts)
    starts = samples.starts + np.arange(len(samples.starts))
    times = np.insert(samples.times, samples.starts[:-1], samples.times[samples.starts[:-1]])
    times[starts[:-1]] -= interval
    values = np.zeros(len(times))
    for row in range(len(sizes)):
        part = slice(int(samples.starts[row]), int(samples.starts[row + 1]))
        grown = np.cumsum(samples.values[part])
        values[starts[row] : starts[row + 1]] = np.concatenate([[0.0], grown]) - grown[-1]
    return Samples(samples.labels, starts, times, values)
