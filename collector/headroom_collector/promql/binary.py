"""Operators between scalars and vectors, with matching of series, as Prometheus 2.42 has them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from headroom_collector.promql.errors import PromqlError
from headroom_collector.promql.model import (
    NAME,
    Bools,
    Floats,
    Ints,
    Labels,
    Vector,
    dropping,
    empty,
    keeping,
    merged,
    nameless,
    stacked,
    with_labels,
)

ARITHMETIC: Mapping[str, Callable[[Floats, Floats], Floats]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "%": np.fmod,
    "^": np.power,
    "atan2": np.arctan2,
}
COMPARISONS: Mapping[str, Callable[[Floats, Floats], Bools]] = {
    "==": np.equal,
    "!=": np.not_equal,
    ">": np.greater,
    "<": np.less,
    ">=": np.greater_equal,
    "<=": np.less_equal,
}
SETS = frozenset({"and", "or", "unless"})


@dataclass(frozen=True, slots=True)
class Matching:
    """
    How series of both sides find each other.

    ``on``: by ``labels`` alone, else by all but these; ``many``: the side that may have several
    series ("left", "right" or neither); ``include``: labels to take over from the other side.
    """

    on: bool = False
    labels: Sequence[str] = ()
    many: str = ""
    include: Sequence[str] = ()

    def signature(self) -> Callable[[Labels], Labels]:
        """Return the function that gives what two series must have in common."""
        return keeping(self.labels) if self.on else dropping(self.labels)


def scalars(name: str, left: Floats, right: Floats) -> Floats:
    """Combine two scalars, comparisons giving 0 or 1."""
    if name in ARITHMETIC:
        return ARITHMETIC[name](left, right)
    return COMPARISONS[name](left, right).astype(np.float64)


def with_scalar(
    name: str, vector: Vector, scalar: Floats, *, on_left: bool, as_bool: bool
) -> Vector:
    """Combine each series with a scalar, which stands on the left where ``on_left``."""
    left, right = (scalar, vector.values) if on_left else (vector.values, scalar)
    if name in COMPARISONS and not as_bool:
        kept = vector.present & COMPARISONS[name](left, right)
        return Vector(vector.labels, vector.values, kept)
    labels = [nameless(labels) for labels in vector.labels]
    return merged(Vector(labels, scalars(name, left, right), vector.present))


def sets(name: str, left: Vector, right: Vector, matching: Matching) -> Vector:
    """Return ``and``, ``or``, ``unless`` of two vectors."""
    signature = matching.signature()
    if name == "or":
        missing = right.present & ~_there(left, right, signature)
        return merged(stacked([left, Vector(right.labels, right.values, missing)]))
    there = _there(right, left, signature)
    kept = left.present & (there if name == "and" else ~there)
    return Vector(left.labels, left.values, kept)


def _there(known: Vector, asked: Vector, signature: Callable[[Labels], Labels]) -> Bools:
    """Return for the series of ``asked`` at which steps ``known`` has one of that signature."""
    rows: dict[Labels, Bools] = {}
    for labels, present in zip(known.labels, known.present, strict=True):
        key = signature(labels)
        rows[key] = rows[key] | present if key in rows else present
    nothing = np.zeros(asked.present.shape[1], dtype=np.bool_)
    found = [rows.get(signature(labels), nothing) for labels in asked.labels]
    return np.array(found, dtype=np.bool_).reshape(asked.present.shape)


def vectors(
    name: str, left: Vector, right: Vector, matching: Matching, *, as_bool: bool
) -> Vector:
    """
    Combine the series of two vectors that match.

    Raises PromqlError where several series match and the operator does not allow for it.
    """
    if matching.many == "right":
        many, one = right, left
    else:
        many, one = left, right
    pairs = _pairs(many, one, matching)
    if not len(pairs):
        return empty(left.values.shape[1])
    several, single = pairs[:, 0], pairs[:, 1]
    rows, others = (single, several) if matching.many == "right" else (several, single)
    found, present = _combined(name, left, right, (rows, others), as_bool=as_bool)
    plain = name in ARITHMETIC or as_bool
    labels = [
        _label(many.labels[a], one.labels[b], matching, plain=plain) for a, b in pairs.tolist()
    ]
    complaint = (
        "multiple matches for labels: grouping labels must ensure unique matches"
        if matching.many
        else "multiple matches for labels: many-to-one matching must be explicit"
        " (group_left/group_right)"
    )
    return merged(Vector(labels, found, present), complaint).kept()


def _combined(
    name: str, left: Vector, right: Vector, rows: tuple[Ints, Ints], *, as_bool: bool
) -> tuple[Floats, Bools]:
    a, b = left.values[rows[0]], right.values[rows[1]]
    both: Bools = left.present[rows[0]] & right.present[rows[1]]
    if name in ARITHMETIC:
        return ARITHMETIC[name](a, b), both
    holds = COMPARISONS[name](a, b)
    if as_bool:
        return holds.astype(np.float64), both
    return a, both & holds


def _pairs(many: Vector, one: Vector, matching: Matching) -> Ints:
    """Return the rows (of ``many``, of ``one``) that match; PromqlError where one has two."""
    signature = matching.signature()
    single: dict[Labels, list[int]] = {}
    for row, labels in enumerate(one.labels):
        single.setdefault(signature(labels), []).append(row)
    anything = many.present.any(axis=0)
    for key, rows in single.items():
        if len(rows) > 1 and ((one.present[rows].sum(axis=0) > 1) & anything).any():
            side = "left" if matching.many == "right" else "right"
            raise PromqlError(
                f"found duplicate series for the match group {_shown(key)} on the {side} hand-side"
                " of the operation; many-to-many matching not allowed: matching labels must be"
                " unique on one side"
            )
    found = [
        (row, other)
        for row, labels in enumerate(many.labels)
        for other in single.get(signature(labels), ())
    ]
    return np.array(found, dtype=np.int64).reshape(len(found), 2)


def _label(many: Labels, one: Labels, matching: Matching, *, plain: bool) -> Labels:
    labels = nameless(many) if plain else many
    if matching.many:
        taken = dict(one)
        changes = [(name, taken.get(name, "")) for name in matching.include]
        return with_labels(labels, changes) if changes else labels
    if matching.on:
        return keeping(matching.labels)(labels)
    if not matching.labels:
        return labels
    unwanted = frozenset(matching.labels)
    return tuple(pair for pair in labels if pair[0] not in unwanted)


def _shown(labels: Labels) -> str:
    return "{" + ", ".join(_quoted(labels)) + "}"


def _quoted(labels: Labels) -> Iterator[str]:
    return (f'{name}="{value}"' for name, value in labels if name != NAME)
