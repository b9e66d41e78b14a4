"""Evaluation of a parsed query over all its steps at once."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import numpy as np
import promql_parser as ast

from headroom_collector.promql import aggregate, binary
from headroom_collector.promql.binary import Matching
from headroom_collector.promql.errors import LimitError, PromqlError
from headroom_collector.promql.instant import CALENDAR, INSTANT, on_calendar
from headroom_collector.promql.matching import matchers_of
from headroom_collector.promql.model import (
    LOOKBACK,
    NAME,
    Floats,
    Ints,
    Labels,
    Samples,
    Value,
    Vector,
    dropping,
    empty,
    keeping,
    merged,
    nameless,
)
from headroom_collector.promql.over_time import OVER_TIME
from headroom_collector.promql.relabel import label_join, label_replace
from headroom_collector.promql.source import Hints, Source
from headroom_collector.promql.windows import Windows, present_values, windows

SUBQUERY_STEP = 60_000
"""Step of a subquery that names none, in milliseconds."""
MILLI = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Bounds:
    """The outermost query: first and last moment and step in milliseconds; most cells of a table."""

    start: int
    end: int
    step: int
    cells: int = 30_000_000


@dataclass(frozen=True, slots=True)
class Scope:
    """The moments for which an expression is evaluated, ``step`` apart, in milliseconds."""

    times: Ints
    step: int

    @property
    def steps(self) -> int:
        """How many moments."""
        return len(self.times)


def milliseconds(span: timedelta | None) -> int:
    """Return a span in milliseconds, 0 where there is none."""
    return round(span / MILLI) if span else 0


class Evaluator:
    """Evaluates one query. ``check`` is called now and then and raises to end it."""

    def __init__(self, source: Source, bounds: Bounds, check: Callable[[], None]) -> None:
        self._source = source
        self._bounds = bounds
        self._check = check

    def value(self, node: Any, scope: Scope) -> Value:
        """Return what an expression is worth at each moment; raises PromqlError, StoreError."""
        self._check()
        found: Value
        match node:
            case ast.NumberLiteral():
                found = np.full(scope.steps, node.val, dtype=np.float64)
            case ast.StringLiteral():
                found = str(node.val)
            case ast.ParenExpr():
                found = self.value(node.expr, scope)
            case ast.UnaryExpr():
                found = self._negative(node, scope)
            case ast.VectorSelector():
                found = self._selected(node, scope)[0]
            case ast.AggregateExpr():
                found = self._aggregate(node, scope)
            case ast.BinaryExpr():
                found = self._binary(node, scope)
            case ast.Call():
                found = self._call(node, scope)
            case _:
                raise PromqlError(
                    f"{type(node).__name__} has no value by itself: {node.prettify()}"
                )
        return found

    def vector(self, node: Any, scope: Scope) -> Vector:
        """Return an expression that is a vector."""
        found = self.value(node, scope)
        if not isinstance(found, Vector):
            raise PromqlError(f"expected a vector: {node.prettify()}")
        return found

    def scalar(self, node: Any, scope: Scope) -> Floats:
        """Return an expression that is a scalar, one value a step."""
        found = self.value(node, scope)
        if isinstance(found, Vector | str):
            raise PromqlError(f"expected a scalar: {node.prettify()}")
        return found

    # Selectors

    def _moments(self, node: Any, scope: Scope) -> Ints:
        """Return the moments that a selector or subquery looks at: one where ``@`` fixes it."""
        at, times = node.at, scope.times
        if at is not None:
            times = np.array([self._fixed(at)], dtype=np.int64)
        return times - milliseconds(node.offset)

    def _fixed(self, at: ast.AtModifier) -> int:
        if at.type == ast.AtModifierType.Start:
            return self._bounds.start
        if at.type == ast.AtModifierType.End or at.at is None:
            return self._bounds.end
        return round(at.at.timestamp() * 1000)

    def _samples(
        self, node: ast.VectorSelector, moments: Ints, scope: Scope, window: int, function: str
    ) -> Samples:
        first, last = int(moments[0]), int(moments[-1])
        hints = Hints(first, last, scope.step, window, function, self._bounds.step)
        found = self._source.select(matchers_of(node), hints)
        self._check()
        self._fits(len(found.labels), scope)
        return found

    def _fits(self, series: int, scope: Scope) -> None:
        if series * scope.steps > self._bounds.cells:
            raise LimitError(
                f"{series} series at {scope.steps} steps are more than {self._bounds.cells} values:"
                " choose fewer series, a shorter time or a longer step"
            )

    def _selected(self, node: ast.VectorSelector, scope: Scope) -> tuple[Vector, Floats]:
        """Return the present values and their samples' times in seconds."""
        moments = self._moments(node, scope)
        samples = self._samples(node, moments, scope, LOOKBACK, "")
        found, times = present_values(samples, moments)
        shape = (len(samples.labels), scope.steps)
        spread = Vector(
            found.labels,
            np.broadcast_to(found.values, shape),
            np.broadcast_to(found.present, shape),
        )
        return spread.kept(), np.broadcast_to(times, shape)[spread.present.any(axis=1)] / 1000.0

    def _windows(self, node: Any, scope: Scope, function: str) -> Windows:
        """Return the windows of a range selector or subquery."""
        match node:
            case ast.ParenExpr():
                return self._windows(node.expr, scope, function)
            case ast.MatrixSelector():
                moments = self._moments(node.vector_selector, scope)
                width = milliseconds(node.range)
                samples = self._samples(node.vector_selector, moments, scope, width, function)
            case ast.SubqueryExpr():
                moments = self._moments(node, scope)
                width = milliseconds(node.range)
                samples = self._subquery(node, moments, width)
            case _:
                raise PromqlError(f"expected a range such as x[5m]: {node.prettify()}")
        found = windows(samples, moments - width, moments, scope.times)
        shape = (len(samples.labels), scope.steps)
        return replace(
            found, low=np.broadcast_to(found.low, shape), high=np.broadcast_to(found.high, shape)
        )

    def _subquery(self, node: ast.SubqueryExpr, moments: Ints, width: int) -> Samples:
        step = milliseconds(node.step) or SUBQUERY_STEP
        oldest, newest = int(moments.min()) - width, int(moments.max())
        scope = Scope(np.arange(-(-oldest // step) * step, newest + 1, step, dtype=np.int64), step)
        self._fits(1, scope)
        found = self.vector(node.expr, scope) if scope.steps else empty(0)
        return as_samples(found, scope.times)

    def samples(self, node: Any, scope: Scope) -> Samples | None:
        """Return the samples of a range at one moment; None where the expression is no range."""
        while isinstance(node, ast.ParenExpr):
            node = node.expr
        if not isinstance(node, ast.MatrixSelector | ast.SubqueryExpr):
            return None
        found = self._windows(node, scope, "raw")
        low, high = found.low[:, 0], found.high[:, 0]
        rows = np.flatnonzero(high > low).tolist()
        index = np.concatenate([np.arange(low[row], high[row]) for row in rows] or [low[:0]])
        starts = np.concatenate([[0], np.cumsum((high - low)[rows])]).astype(np.int64)
        labels = [found.samples.labels[row] for row in rows]
        return Samples(labels, starts, found.samples.times[index], found.samples.values[index])

    # Operators

    def _negative(self, node: ast.UnaryExpr, scope: Scope) -> Value:
        found = self.value(node.expr, scope)
        if isinstance(found, Vector):
            labels = [nameless(labels) for labels in found.labels]
            return merged(Vector(labels, -found.values, found.present))
        if isinstance(found, str):
            raise PromqlError(f"expected a number: {node.prettify()}")
        return -found

    def _aggregate(self, node: ast.AggregateExpr, scope: Scope) -> Vector:
        name, modifier = str(node.op), node.modifier
        if name not in aggregate.KNOWN:
            raise PromqlError(f"aggregation '{name}' is not supported")
        grouping: Callable[[Labels], Labels] = keeping(())
        if modifier is not None:
            by = modifier.type == ast.AggModifierType.By
            grouping = keeping(modifier.labels) if by else dropping(modifier.labels)
        vector = self.vector(node.expr, scope)
        parameter = self.value(node.param, scope) if node.param is not None else np.zeros(0)
        if not vector.labels:
            return vector
        if name in aggregate.SIMPLE:
            return aggregate.simple(name, vector, grouping)
        if name in {"topk", "bottomk"} and not isinstance(parameter, Vector | str):
            return aggregate.extremes(vector, grouping, parameter, largest=name == "topk")
        if name == "quantile" and not isinstance(parameter, Vector | str):
            return aggregate.quantile(vector, grouping, parameter)
        if name == "count_values" and isinstance(parameter, str):
            return aggregate.count_values(vector, grouping, parameter)
        raise PromqlError(f"{name}: its parameter is not what it takes: {node.prettify()}")

    def _binary(self, node: ast.BinaryExpr, scope: Scope) -> Value:
        name, modifier = str(node.op), node.modifier
        left, right = self.value(node.lhs, scope), self.value(node.rhs, scope)
        if isinstance(left, str) or isinstance(right, str):
            raise PromqlError(f"expected numbers or vectors: {node.prettify()}")
        as_bool = bool(modifier and modifier.return_bool)
        if isinstance(left, Vector) and isinstance(right, Vector):
            return self._matched(name, left, right, modifier, scope)
        if isinstance(left, Vector) and not isinstance(right, Vector):
            return binary.with_scalar(name, left, right, on_left=False, as_bool=as_bool).kept()
        if isinstance(right, Vector) and not isinstance(left, Vector):
            return binary.with_scalar(name, right, left, on_left=True, as_bool=as_bool).kept()
        assert not isinstance(left, Vector)  # noqa: S101  # for the type checker: both are scalars
        assert not isinstance(right, Vector)  # noqa: S101  # the same
        return binary.scalars(name, left, right)

    def _matched(
        self, name: str, left: Vector, right: Vector, modifier: Any, scope: Scope
    ) -> Value:
        matching = matching_of(modifier)
        self._fits(len(left.labels) + len(right.labels), scope)
        if name in binary.SETS:
            return binary.sets(name, left, right, matching).kept()
        as_bool = bool(modifier and modifier.return_bool)
        return binary.vectors(name, left, right, matching, as_bool=as_bool)

    # Functions

    def _call(self, node: ast.Call, scope: Scope) -> Value:
        name, arguments = node.func.name, node.args
        if name in OVER_TIME:
            return self._over_time(name, arguments, scope)
        if name in INSTANT:
            vector = self.vector(arguments[0], scope)
            others = [self.scalar(each, scope) for each in arguments[1:]]
            return _mapped(vector, INSTANT[name](vector.values, others))
        if name in CALENDAR:
            vector = self.vector(arguments[0], scope) if arguments else _clock(scope)
            return _mapped(vector, on_calendar(name, vector.values))
        special = getattr(self, f"_call_{name}", None)
        if special is None:
            raise PromqlError(f"function '{name}' is not supported")
        found: Value = special(arguments, scope)
        return found

    def _over_time(self, name: str, arguments: list[Any], scope: Scope) -> Vector:
        ranges = {"quantile_over_time": 1}.get(name, 0)
        found = self._windows(arguments[ranges], scope, name)
        others = [self.scalar(each, scope) for n, each in enumerate(arguments) if n != ranges]
        values, present = OVER_TIME[name](found, others)
        labels = list(found.samples.labels)
        if name != "last_over_time":
            labels = [nameless(each) for each in labels]
        kept = Vector(labels, values, present).kept()
        if len(set(kept.labels)) < len(kept.labels):
            raise PromqlError("vector cannot contain metrics with the same labelset")
        return kept

    def _call_time(self, arguments: list[Any], scope: Scope) -> Value:
        del arguments
        return scope.times / 1000.0

    def _call_pi(self, arguments: list[Any], scope: Scope) -> Value:
        del arguments
        return np.full(scope.steps, np.pi)

    def _call_scalar(self, arguments: list[Any], scope: Scope) -> Value:
        vector = self.vector(arguments[0], scope)
        total = np.where(vector.present, vector.values, 0.0).sum(axis=0)
        return np.where(vector.present.sum(axis=0) == 1, total, np.nan)

    def _call_vector(self, arguments: list[Any], scope: Scope) -> Value:
        values = self.scalar(arguments[0], scope)[np.newaxis, :]
        return Vector([()], values, np.ones(values.shape, dtype=np.bool_))

    def _call_timestamp(self, arguments: list[Any], scope: Scope) -> Value:
        node = arguments[0]
        while isinstance(node, ast.ParenExpr):
            node = node.expr
        if isinstance(node, ast.VectorSelector):
            vector, times = self._selected(node, scope)
            return _mapped(vector, times)
        vector = self.vector(node, scope)
        return _mapped(vector, np.broadcast_to(scope.times / 1000.0, vector.values.shape))

    def _call_absent(self, arguments: list[Any], scope: Scope) -> Value:
        vector = self.vector(arguments[0], scope)
        return _absence(arguments[0], ~vector.present.any(axis=0))

    def _call_absent_over_time(self, arguments: list[Any], scope: Scope) -> Value:
        found = self._windows(arguments[0], scope, "present_over_time")
        return _absence(arguments[0], ~(found.count > 0).any(axis=0))

    def _call_sort(self, arguments: list[Any], scope: Scope) -> Value:
        return _sorted(self.vector(arguments[0], scope), largest=False)

    def _call_sort_desc(self, arguments: list[Any], scope: Scope) -> Value:
        return _sorted(self.vector(arguments[0], scope), largest=True)

    def _call_label_replace(self, arguments: list[Any], scope: Scope) -> Value:
        return label_replace(
            self.vector(arguments[0], scope), [each.val for each in arguments[1:]]
        )

    def _call_label_join(self, arguments: list[Any], scope: Scope) -> Value:
        return label_join(self.vector(arguments[0], scope), [each.val for each in arguments[1:]])


def as_samples(vector: Vector, times: Ints) -> Samples:
    """Return a vector's values as samples at these moments."""
    starts = np.concatenate([[0], np.cumsum(vector.present.sum(axis=1))]).astype(np.int64)
    spread = np.broadcast_to(times, vector.present.shape)
    return Samples(vector.labels, starts, spread[vector.present], vector.values[vector.present])


def matching_of(modifier: Any) -> Matching:
    """Return how a binary operator's modifier matches series."""
    if modifier is None:
        return Matching()
    matching = modifier.matching
    many = ""
    if modifier.card == ast.VectorMatchCardinality.ManyToOne:
        many = "left"
    elif modifier.card == ast.VectorMatchCardinality.OneToMany:
        many = "right"
    return Matching(
        on=matching is not None and matching.type == ast.LabelModifierType.Include,
        labels=tuple(matching.labels) if matching is not None else (),
        many=many,
        include=tuple(modifier.group_labels or ()),
    )


def _mapped(vector: Vector, values: Floats) -> Vector:
    """Return other values for the same series, which lose their metric's name."""
    return merged(Vector([nameless(each) for each in vector.labels], values, vector.present))


def _clock(scope: Scope) -> Vector:
    values = (scope.times / 1000.0)[np.newaxis, :]
    return Vector([()], values, np.ones(values.shape, dtype=np.bool_))


def _absence(node: Any, missing: Any) -> Vector:
    """Return 1 where nothing is, with the labels that the selector asks to be equal."""
    while isinstance(node, ast.ParenExpr):
        node = node.expr
    if isinstance(node, ast.MatrixSelector):
        node = node.vector_selector
    matchers = matchers_of(node) if isinstance(node, ast.VectorSelector) else []
    names = [each.name for each in matchers]
    labels = sorted(
        (each.name, each.value)
        for each in matchers
        if each.name != NAME
        and not (each.regex or each.negated)
        and each.value
        and names.count(each.name) == 1
    )
    present = np.asarray(missing)[np.newaxis, :]
    return Vector([tuple(labels)], np.ones(present.shape), present).kept()


def _sorted(vector: Vector, *, largest: bool) -> Vector:
    """Sort the series of an instant by value, NaN last; series over time keep their order."""
    if vector.values.shape[1] != 1:
        return vector
    column = vector.values[:, 0]
    order = np.argsort(-column if largest else column, kind="stable")
    return Vector(
        [vector.labels[row] for row in order], vector.values[order], vector.present[order]
    )
