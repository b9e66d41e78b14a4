"""
Functions over windows, as Prometheus 2.42 defines them (promql/functions.go).

Each takes the windows and its scalar arguments, (steps,) each, and returns values and where they
are, (series, steps).
"""

from collections.abc import Callable, Mapping

import numpy as np

from headroom_collector.promql.model import Bools, Floats, Ints
from headroom_collector.promql.sorting import quantiles
from headroom_collector.promql.windows import Windows, first_last, reduced, tables

Found = tuple[Floats, Bools]
OverTime = Callable[[Windows, list[Floats]], Found]
MILLI = 1000.0


def _some(found: Windows) -> Bools:
    there: Bools = found.count > 0
    return there


def _reduced(function: np.ufunc) -> OverTime:
    def reduce(found: Windows, arguments: list[Floats]) -> Found:
        del arguments
        return reduced(function, found.samples.values, found.low, found.high), _some(found)

    return reduce


def _average(found: Windows, arguments: list[Floats]) -> Found:
    total, there = _reduced(np.add)(found, arguments)
    mean: Floats = total / np.maximum(found.count, 1)
    # Series that never change have exactly that mean: rounding must not lift it over a ceiling.
    values, starts = found.samples.values, found.samples.starts
    for row in np.flatnonzero(np.diff(starts)).tolist():
        one = values[starts[row] : starts[row + 1]]
        if (one == one[0]).all():
            mean[row] = one[0]
    return mean, there


def _count(found: Windows, arguments: list[Floats]) -> Found:
    del arguments
    return found.count.astype(np.float64), _some(found)


def _present(found: Windows, arguments: list[Floats]) -> Found:
    del arguments
    return np.ones(found.count.shape), _some(found)


def _last(found: Windows, arguments: list[Floats]) -> Found:
    del arguments
    return first_last(found)[1], _some(found)


def _steps(found: Windows, amount: Callable[[Floats, Floats], Floats]) -> Floats:
    """Add up, over each window's pairs of neighbours, an amount of (before, after)."""
    values = found.samples.values
    amounts = np.zeros(len(values))
    if len(values) > 1:
        amounts[1:] = amount(values[:-1], values[1:])
    if not amounts.any():
        return np.zeros(found.count.shape)
    return reduced(np.add, amounts, np.minimum(found.low + 1, found.high), found.high)


def _changed(before: Floats, after: Floats) -> Floats:
    changed: Bools = (before != after) & ~(np.isnan(before) & np.isnan(after))
    return changed.astype(np.float64)


def _fallen(before: Floats, after: Floats) -> Floats:
    return (after < before).astype(np.float64)


def _lost(before: Floats, after: Floats) -> Floats:
    """Return what a counter had when it was reset."""
    return np.where(after < before, before, 0.0)


def _changes(found: Windows, arguments: list[Floats]) -> Found:
    del arguments
    return _steps(found, _changed), _some(found)


def _resets(found: Windows, arguments: list[Floats]) -> Found:
    del arguments
    return _steps(found, _fallen), _some(found)


def _reach(found: Windows, covered: Floats, first: Ints, last: Ints, to_zero: Floats) -> Floats:
    """
    Return the seconds that a growth is extrapolated to.

    Up to each edge of the window, where the first or last sample is no further from it than 1.1
    mean intervals (and no further than where a counter was 0), else by half an interval.
    """
    interval = covered / np.maximum(found.count - 1, 1)
    before = np.minimum((first - found.start) / MILLI, to_zero)
    after = (found.end - last) / MILLI
    limit = interval * 1.1
    reach = covered + np.where(before < limit, before, interval / 2)
    return reach + np.where(after < limit, after, interval / 2)


def _extrapolated(*, counter: bool, rate: bool) -> OverTime:
    def extrapolate(found: Windows, arguments: list[Floats]) -> Found:
        del arguments
        first, last, first_time, last_time = first_last(found)
        grown = last - first
        covered = (last_time - first_time) / MILLI
        to_zero = np.full(grown.shape, np.inf)
        if counter:
            grown = grown + _steps(found, _lost)
            known = (grown > 0) & (first >= 0)
            to_zero[known] = covered[known] * (first[known] / grown[known])
        factor = _reach(found, covered, first_time, last_time, to_zero) / covered
        if rate:
            factor = factor / ((found.end - found.start) / MILLI)
        return grown * factor, found.count > 1

    return extrapolate


def _newest_pair(*, counter: bool, rate: bool) -> OverTime:
    def compare(found: Windows, arguments: list[Floats]) -> Found:
        del arguments
        two = found.count > 1
        if not two.any():
            return np.zeros(two.shape), two
        at = np.where(two, found.high - 1, 1)
        values, times = found.samples.values, found.samples.times
        grown = values[at] - values[at - 1]
        if counter:
            grown = np.where(grown < 0, values[at], grown)
        return (grown / ((times[at] - times[at - 1]) / MILLI) if rate else grown), two

    return compare


def _deviation(*, root: bool) -> OverTime:
    def deviate(found: Windows, arguments: list[Floats]) -> Found:
        del arguments
        result = np.zeros(found.count.shape)
        for mask, index, counts in tables(found, 1):
            values = np.where(counts, found.samples.values[index], 0.0)
            size = counts.sum(axis=1)
            # From the first value on, so that equal ones deviate by exactly nothing.
            off = np.where(counts, values - values[:, :1], 0.0)
            mean = off.sum(axis=1) / size
            squares = np.where(counts, (off - mean[:, np.newaxis]) ** 2, 0.0).sum(axis=1) / size
            result[mask] = np.sqrt(squares) if root else squares
        return result, _some(found)

    return deviate


def _quantile(found: Windows, arguments: list[Floats]) -> Found:
    result = np.zeros(found.count.shape)
    wanted = np.broadcast_to(arguments[0], result.shape)
    for mask, index, counts in tables(found, 1):
        table = found.samples.values[index]
        result[mask] = quantiles(table.T, counts.T, wanted[mask])
    return result, _some(found)


def _line(values: Floats, seconds: Floats, counts: Bools) -> tuple[Floats, Floats]:
    """Fit a line through each row by least squares; returns slope a second and value at 0 s."""
    size = counts.sum(axis=1).astype(np.float64)
    x, y = np.where(counts, seconds, 0.0), np.where(counts, values, 0.0)
    # About the mean: the sums of squares of far-away times would eat the digits.
    mean_x, mean_y = x.sum(axis=1) / size, y.sum(axis=1) / size
    off_x = np.where(counts, x - mean_x[:, np.newaxis], 0.0)
    off_y = np.where(counts, y - mean_y[:, np.newaxis], 0.0)
    slope = (off_x * off_y).sum(axis=1) / (off_x**2).sum(axis=1)
    first = values[:, 0]
    level = np.where(counts, values == first[:, np.newaxis], True).all(axis=1)
    flat = np.where(np.isinf(first), np.nan, 0.0)
    slope = np.where(level, flat, slope)
    return slope, np.where(level, first + flat, mean_y - slope * mean_x)


def _fitted(*, predict: bool) -> OverTime:
    def fit(found: Windows, arguments: list[Floats]) -> Found:
        result = np.zeros(found.count.shape)
        steps = np.broadcast_to(found.at, result.shape)
        for mask, index, counts in tables(found, 2):
            times = found.samples.times[index]
            origin = steps[mask] if predict else times[:, 0]
            seconds = (times - origin[:, np.newaxis]) / MILLI
            slope, level = _line(found.samples.values[index], seconds, counts)
            ahead = np.broadcast_to(arguments[0], result.shape)[mask] if predict else slope
            result[mask] = slope * ahead + level if predict else slope
        return result, found.count > 1

    return fit


OVER_TIME: Mapping[str, OverTime] = {
    "avg_over_time": _average,
    "changes": _changes,
    "count_over_time": _count,
    "delta": _extrapolated(counter=False, rate=False),
    "deriv": _fitted(predict=False),
    "idelta": _newest_pair(counter=False, rate=False),
    "increase": _extrapolated(counter=True, rate=False),
    "irate": _newest_pair(counter=True, rate=True),
    "last_over_time": _last,
    "max_over_time": _reduced(np.fmax),
    "min_over_time": _reduced(np.fmin),
    "predict_linear": _fitted(predict=True),
    "present_over_time": _present,
    "quantile_over_time": _quantile,
    "rate": _extrapolated(counter=True, rate=True),
    "resets": _resets,
    "stddev_over_time": _deviation(root=True),
    "stdvar_over_time": _deviation(root=False),
    "sum_over_time": _reduced(np.add),
}
