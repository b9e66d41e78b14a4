"""
Columns that queries are evaluated in: ragged samples, and vectors over the steps of a query.

Times are UTC milliseconds, as Prometheus' own; values are float64. A label set is a sorted tuple of
(name, value) without empty values; the metric's name is the label ``__name__``.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from headroom_collector.promql.errors import PromqlError

Labels = tuple[tuple[str, str], ...]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

NAME = "__name__"
LOOKBACK = 300_000
"""How long a sample counts as the present value, in milliseconds."""


@dataclass(frozen=True, slots=True)
class Samples:
    """
    Series of different lengths.

    Series ``i`` has ``times[starts[i]:starts[i + 1]]``, strictly ascending, and the values alike.
    """

    labels: Sequence[Labels]
    starts: Ints
    times: Ints
    values: Floats


@dataclass(frozen=True, slots=True)
class Vector:
    """Series over the steps of a query: (series, steps); what is not ``present`` has no value."""

    labels: Sequence[Labels]
    values: Floats
    present: Bools

    def kept(self) -> "Vector":
        """Return it without the series that have no value at any step."""
        rows: Bools = np.asarray(self.present.any(axis=1))
        if rows.all():
            return self
        labels = [labels for labels, row in zip(self.labels, rows, strict=True) if row]
        return Vector(labels, self.values[rows], self.present[rows])


Value = Vector | Floats | str
"""What an expression is worth: a vector, a scalar a step, or a text."""


def empty(steps: int) -> Vector:
    """Return a vector of no series."""
    return Vector([], np.empty((0, steps)), np.empty((0, steps), dtype=np.bool_))


def nameless(labels: Labels) -> Labels:
    """Return a label set without the metric's name."""
    return tuple(pair for pair in labels if pair[0] != NAME)


def keeping(names: Iterable[str]) -> Callable[[Labels], Labels]:
    """Return a function that leaves a label set only these labels."""
    wanted = frozenset(names)
    return lambda labels: tuple(pair for pair in labels if pair[0] in wanted)


def dropping(names: Iterable[str]) -> Callable[[Labels], Labels]:
    """Return a function that takes these labels and the metric's name from a label set."""
    unwanted = frozenset(names) | {NAME}
    return lambda labels: tuple(pair for pair in labels if pair[0] not in unwanted)


def with_labels(labels: Labels, changes: Iterable[tuple[str, str]]) -> Labels:
    """Return a label set with these labels set, or removed where the value is empty."""
    made = {**dict(labels), **dict(changes)}
    return tuple(sorted((name, value) for name, value in made.items() if value))


def merged(
    vector: Vector, complaint: str = "vector cannot contain metrics with the same labelset"
) -> Vector:
    """Make one series of those with equal labels; PromqlError where two have a value at a step."""
    rows: dict[Labels, int] = {}
    target = [rows.setdefault(labels, len(rows)) for labels in vector.labels]
    if len(rows) == len(vector.labels):
        return vector
    values = np.zeros((len(rows), vector.values.shape[1]))
    present = np.zeros_like(values, dtype=np.bool_)
    for row, to in enumerate(target):
        here = vector.present[row]
        if (present[to] & here).any():
            raise PromqlError(complaint)
        values[to][here] = vector.values[row][here]
        present[to] |= here
    return Vector(list(rows), values, present)


def stacked(parts: Sequence[Vector]) -> Vector:
    """Put vectors of the same steps under each other."""
    return Vector(
        [labels for part in parts for labels in part.labels],
        np.concatenate([part.values for part in parts]),
        np.concatenate([part.present for part in parts]),
    )
