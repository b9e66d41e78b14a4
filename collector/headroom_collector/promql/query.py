"""A query from its text to its answer, under limits."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import promql_parser as ast

from headroom_collector.promql.errors import BadDataError, LateError, PromqlError
from headroom_collector.promql.evaluate import Bounds, Evaluator, Scope
from headroom_collector.promql.model import Ints, Samples, Value, Vector
from headroom_collector.promql.source import Source

POINTS = 11_000
"""Most points of a series, as in Prometheus."""
LENGTH = 20_000
"""Most characters of a query."""
DEPTH = 100
"""Most brackets inside each other."""
OPERATORS = 500
"""Most operators and matchers; the parser's stack is no deeper than some thousands."""
OPERATOR = re.compile(r"[-+*/%^<>=!]|\b(?:and|or|unless|atan2)\b")


@dataclass(frozen=True, slots=True)
class Span:
    """First and last moment and step of a query, in milliseconds; step 0 for one moment."""

    start: int
    end: int
    step: int = 0

    def __post_init__(self) -> None:
        """Refuse what has no points or too many; raises BadDataError."""
        if self.end < self.start:
            raise BadDataError("end timestamp must not be before start time")
        if self.step < 0 or (self.step == 0 and self.end != self.start):
            raise BadDataError(
                "zero or negative query resolution step widths are not accepted."
                " Try a positive integer"
            )
        if self.step and (self.end - self.start) // self.step >= POINTS:
            raise BadDataError(
                "exceeded maximum resolution of 11,000 points per timeseries."
                " Try decreasing the query resolution (?step=XX)"
            )

    def times(self) -> Ints:
        """Return the moments."""
        return np.arange(self.start, self.end + 1, self.step or 1, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a query is worth at ``times``; samples where it is a range at one moment."""

    value: Value | Samples
    times: Ints


class Deadline:
    """Ends a query that takes too long, or that nobody waits for any more."""

    def __init__(self, monotonic: Callable[[], float], seconds: float) -> None:
        self._monotonic = monotonic
        self._seconds = seconds
        self._end = monotonic() + seconds
        self._gone = False

    def cancel(self) -> None:
        """Let the query end at its next look."""
        self._gone = True

    def wanted(self) -> bool:
        """Return whether the query may go on."""
        return not self._gone and self._monotonic() <= self._end

    def left(self) -> float:
        """Return how many seconds it may still take."""
        return max(0.0, self._end - self._monotonic())

    def check(self) -> None:
        """Raise LateError where the query is to end."""
        if self._gone:
            raise LateError("query was cancelled")
        if self._monotonic() > self._end:
            raise LateError(f"query timed out after {self._seconds:g} s")


def parse(text: str) -> Any:
    """Return the tree of a query; raises BadDataError."""
    if len(text) > LENGTH:
        raise BadDataError(f"query: {len(text)} characters are more than {LENGTH}")
    if _depth(text) > DEPTH:
        raise BadDataError(f"query: brackets are nested more than {DEPTH} deep")
    if len(OPERATOR.findall(text)) > OPERATORS:
        raise BadDataError(f"query: more than {OPERATORS} operators")
    try:
        return ast.parse(text)
    except ValueError as error:
        raise BadDataError(f"invalid parameter 'query': {error}") from None


def _depth(text: str) -> int:
    depth = deepest = 0
    for letter in text:
        depth += (letter in "([{") - (letter in ")]}")
        deepest = max(deepest, depth)
    return deepest


def run(text: str, span: Span, source: Source, check: Callable[[], None]) -> Answer:
    """
    Evaluate a query at each moment of ``span``.

    ``check`` raises where the query is to end. Raises PromqlError, StoreError.
    """
    tree = parse(text)
    bounds = Bounds(span.start, span.end, span.step)
    scope = Scope(span.times(), span.step)
    evaluator = Evaluator(source, bounds, check)
    try:
        with np.errstate(all="ignore"):  # division by zero and the like are values in PromQL
            if span.step == 0:
                samples = evaluator.samples(tree, scope)
                if samples is not None:
                    return Answer(samples, scope.times)
            value = evaluator.value(tree, scope)
    except RecursionError:
        raise BadDataError("query: has too many parts inside each other") from None
    except MemoryError:
        raise PromqlError("query: needs more memory than there is") from None
    if span.step and isinstance(value, str):
        raise BadDataError("invalid expression type 'string' for range query")
    return Answer(value.kept() if isinstance(value, Vector) else value, scope.times)
