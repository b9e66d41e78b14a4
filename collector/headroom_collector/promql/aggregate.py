"""Aggregations of a vector's series into groups, step by step, as Prometheus 2.42 defines them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from headroom_collector.promql.errors import BadDataError, PromqlError
from headroom_collector.promql.model import (
    Bools,
    Floats,
    Ints,
    Labels,
    Vector,
    empty,
    merged,
    stacked,
    with_labels,
)
from headroom_collector.promql.sorting import quantiles, ranks
from headroom_collector.promql.text import plain_number

Grouping = Callable[[Labels], Labels]


@dataclass(frozen=True, slots=True)
class Groups:
    """
    A vector sorted by group.

    ``starts`` is the first row of each group, ``vector`` has the rows in that order.
    """

    labels: Sequence[Labels]
    starts: Ints
    vector: Vector

    def add(self, table: Floats | Bools) -> Floats:
        """Return the sum of a table's rows by group."""
        return np.add.reduceat(table.astype(np.float64), self.starts, axis=0)

    def slices(self) -> list[tuple[Labels, slice]]:
        """Return each group's labels and rows."""
        ends = [*self.starts[1:], len(self.vector.labels)]
        return [
            (labels, slice(int(start), int(end)))
            for labels, start, end in zip(self.labels, self.starts, ends, strict=True)
        ]


def grouped(vector: Vector, grouping: Grouping) -> Groups:
    """Sort the series of a vector that is not empty by group, groups in order of appearance."""
    numbers: dict[Labels, int] = {}
    group = np.array([numbers.setdefault(grouping(one), len(numbers)) for one in vector.labels])
    if len(numbers) == 1:
        return Groups(list(numbers), np.zeros(1, dtype=np.int64), vector)
    order = np.argsort(group, kind="stable")
    starts = np.searchsorted(group[order], np.arange(len(numbers))).astype(np.int64)
    labels = [vector.labels[row] for row in order]
    return Groups(
        list(numbers), starts, Vector(labels, vector.values[order], vector.present[order])
    )


def _known(groups: Groups) -> Floats:
    """Return the values, 0 where there is none."""
    return np.where(groups.vector.present, groups.vector.values, 0.0)


def _sum(groups: Groups, count: Floats) -> Floats:
    del count
    return groups.add(_known(groups))


def _avg(groups: Groups, count: Floats) -> Floats:
    low, high = _extreme(np.fmin)(groups, count), _extreme(np.fmax)(groups, count)
    mean = groups.add(_known(groups)) / np.maximum(count, 1)
    # Equal values have exactly that mean: rounding must not lift it over a ceiling.
    odd = groups.add(np.isnan(_known(groups))) > 0
    return np.where((low == high) & ~odd, low, mean)


def _count(groups: Groups, count: Floats) -> Floats:
    del groups
    return count


def _one(groups: Groups, count: Floats) -> Floats:
    del groups
    return np.ones_like(count)


def _extreme(function: np.ufunc) -> Callable[[Groups, Floats], Floats]:
    def find(groups: Groups, count: Floats) -> Floats:
        del count
        known = np.where(groups.vector.present, groups.vector.values, np.nan)
        found: Floats = function.reduceat(known, groups.starts, axis=0)
        return found

    return find


def _variance(groups: Groups, count: Floats) -> Floats:
    mean = _avg(groups, count)
    sizes = np.diff(np.append(groups.starts, len(groups.vector.labels)))
    off = groups.vector.values - np.repeat(mean, sizes, axis=0)
    squares = groups.add(np.where(groups.vector.present, off**2, 0.0))
    # One value deviates by nothing, an infinite one and NaN included.
    return np.where(count > 1, squares / np.maximum(count, 1), 0.0)


def _deviation(groups: Groups, count: Floats) -> Floats:
    return np.sqrt(_variance(groups, count))


SIMPLE: Mapping[str, Callable[[Groups, Floats], Floats]] = {
    "avg": _avg,
    "count": _count,
    "group": _one,
    "max": _extreme(np.fmax),
    "min": _extreme(np.fmin),
    "stddev": _deviation,
    "stdvar": _variance,
    "sum": _sum,
}
KNOWN = frozenset({*SIMPLE, "bottomk", "count_values", "quantile", "topk"})


def simple(name: str, vector: Vector, grouping: Grouping) -> Vector:
    """Aggregate without a parameter."""
    groups = grouped(vector, grouping)
    count = groups.add(groups.vector.present)
    return Vector(groups.labels, SIMPLE[name](groups, count), count > 0)


def extremes(vector: Vector, grouping: Grouping, wanted: Floats, *, largest: bool) -> Vector:
    """Keep the ``wanted`` largest or smallest series of each group at each step."""
    groups = grouped(vector, grouping)
    if not np.isfinite(wanted).all():
        raise PromqlError("topk, bottomk: expected a whole number of series")
    rows = groups.vector
    place = np.empty(rows.values.shape, dtype=np.int64)
    for _, part in groups.slices():
        place[part] = ranks(rows.values[part], rows.present[part], largest=largest)
    found = Vector(rows.labels, rows.values, rows.present & (place < np.trunc(wanted)))
    if rows.values.shape[1] != 1:
        return found.kept()
    order = np.concatenate(
        [part.start + np.argsort(place[part, 0]) for _, part in groups.slices()]
    )
    labels = [rows.labels[row] for row in order]
    return Vector(labels, found.values[order], found.present[order]).kept()


def quantile(vector: Vector, grouping: Grouping, wanted: Floats) -> Vector:
    """Return the quantile of each group at each step."""
    groups = grouped(vector, grouping)
    rows = groups.vector
    values = [
        quantiles(rows.values[part], rows.present[part], wanted) for _, part in groups.slices()
    ]
    return Vector(groups.labels, np.stack(values), groups.add(rows.present) > 0)


def count_values(vector: Vector, grouping: Grouping, label: str) -> Vector:
    """Count how often each value occurs in each group; the value becomes a label."""
    if not label.isidentifier():
        raise BadDataError(f"count_values: {label!r} is not a name of a label")
    groups = grouped(vector, grouping)
    parts = [_counted(groups.vector, labels, part, label) for labels, part in groups.slices()]
    return merged(stacked(parts)) if parts else empty(vector.values.shape[1])


def _counted(rows: Vector, group: Labels, part: slice, label: str) -> Vector:
    values, present = rows.values[part], rows.present[part]
    distinct = np.unique(values[present])
    counts = np.stack(
        [
            (((values == one) | (np.isnan(one) & np.isnan(values))) & present).sum(axis=0)
            for one in distinct
        ]
        or [np.zeros(values.shape[1])]
    ).astype(np.float64)
    labels = [with_labels(group, [(label, plain_number(one))]) for one in distinct] or [group]
    return Vector(labels, counts, counts > 0)
