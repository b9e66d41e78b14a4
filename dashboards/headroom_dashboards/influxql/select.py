"""Selectors and ranges of PromQL as InfluxQL over the measurements that the sink writes."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

import promql_parser as ast

from headroom_dashboards.influxql.statement import VALUE, Moment, Rows, UntranslatableError
from headroom_proto.catalogue import Column, Kind, catalogue

MEASUREMENT = "headroom_"
OVER_TIME = {
    "avg_over_time": 'mean("{}")',
    "max_over_time": 'max("{}")',
    "min_over_time": 'min("{}")',
    "sum_over_time": 'sum("{}")',
    "count_over_time": 'count("{}")',
    "last_over_time": 'last("{}")',
}
EQUAL, UNLIKE, LIKE = "MatchOp.Equal", "MatchOp.NotEqual", "MatchOp.Re"


def columns_of(selector: ast.VectorSelector) -> Sequence[tuple[Kind, Column]]:
    """Return the contract's columns that a selector is about, by their fixed labels."""
    found = [
        (kind, column)
        for kind, column in catalogue().metrics()
        if column.metric == selector.name and _passes(selector, dict(column.labels))
    ]
    if not found:
        raise UntranslatableError(f"{selector.prettify()}: no column of the contract")
    return found


def _passes(selector: ast.VectorSelector, fixed: dict[str, str]) -> bool:
    for matcher in selector.matchers.matchers:
        if matcher.name not in fixed:
            continue
        same = (
            re.fullmatch(matcher.value, fixed[matcher.name]) is not None
            if str(matcher.op) in {LIKE, "MatchOp.NotRe"}
            else fixed[matcher.name] == matcher.value
        )
        if same != (str(matcher.op) in {EQUAL, LIKE}):
            return False
    return True


def _conditions(selector: ast.VectorSelector, fixed: frozenset[str]) -> Iterator[str]:
    for matcher in selector.matchers.matchers:
        if matcher.name in fixed:
            continue
        operator, value = str(matcher.op), matcher.value
        if operator in {EQUAL, UNLIKE}:
            yield f"\"{matcher.name}\" {'=' if operator == EQUAL else '!='} '{value}'"
        else:
            yield f'"{matcher.name}" {"=~" if operator == LIKE else "!~"} /^({value})$/'


def read(selector: ast.VectorSelector, moment: Moment, form: str, scale: bool = True) -> Rows:
    """Return a selector's rows, one for each series and step; ``form`` has {} for the field."""
    if selector.offset or selector.at:
        raise UntranslatableError(f"{selector.prettify()}: InfluxQL has neither offset nor @")
    found = columns_of(selector)
    kind = found[0][0]
    fixed = frozenset(name for _, column in found for name, _ in column.labels)
    names = {
        "_".join(value for _, value in column.labels) or VALUE: dict(column.labels)
        for _, column in found
    }
    if len(found) == 1:
        names = {VALUE: dict(found[0][1].labels)}
    wanted = ", ".join(
        f'{_scaled(form.format(column.field), column, scale)} AS "{name}"'
        for name, (_, column) in zip(names, found, strict=True)
    )
    where = " AND ".join([moment.time(), *_conditions(selector, fixed)])
    group = moment.group(None)
    sql = f'SELECT {wanted} FROM "{MEASUREMENT}{kind.name}" WHERE {where}{group}'
    return Rows(kind.name, moment, [sql], names)


def _scaled(text: str, column: Column, scale: bool) -> str:
    return f"{text} * {column.scale:.9f}" if scale and column.scale != 1 else text


def grown(selector: ast.VectorSelector, moment: Moment, seconds: int, per: int) -> Rows:
    """
    Return what counters grew by in ``per`` seconds.

    Over time: between the last values of two steps. At one moment: all growth of the window.
    """
    if not moment.instant:
        return read(selector, moment, f'non_negative_derivative(last("{{}}"), {per}s)')
    raw = read(selector, Moment(True, seconds), 'non_negative_difference("{}")')
    wanted = ", ".join(f'sum("{name}") * {per} / {seconds} AS "{name}"' for name in raw.columns)
    return Rows(raw.measurement, raw.moment, [raw.outer(wanted, None)], raw.columns)


def seconds_of(range_: Any) -> int:
    """Return a PromQL range in whole seconds."""
    return round(float(range_.total_seconds()))
