"""PromQL, as far as the dashboards use it, as InfluxQL."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import promql_parser as ast

from headroom_dashboards.influxql.select import OVER_TIME, grown, read, seconds_of
from headroom_dashboards.influxql.statement import VALUE, Moment, Rows, UntranslatableError

AGGREGATES = {"sum": "sum", "avg": "mean", "min": "min", "max": "max", "count": "count"}
COMPARISONS = {">", "<", ">=", "<=", "==", "!="}
INFLUX = {"==": "="}


@dataclass(frozen=True, slots=True)
class Top:
    """The ``count`` largest rows of each step."""

    rows: Rows
    count: int


@dataclass(frozen=True, slots=True)
class Pair:
    """Two queries of different measurements, which Grafana combines: InfluxQL cannot."""

    left: Rows
    right: Rows
    operator: str


@dataclass(frozen=True, slots=True)
class _Bool:
    rows: Rows
    operator: str
    level: str


Found = Rows | Top | Pair


def translate(node: Any, moment: Moment) -> Found:
    """Return a query's translation; raises UntranslatableError."""
    while isinstance(node, ast.ParenExpr):
        node = node.expr
    if isinstance(node, ast.AggregateExpr) and str(node.op) == "topk":
        return Top(rows(node.expr, moment), round(_parameter(node)))
    if isinstance(node, ast.BinaryExpr) and not _comparing(node):
        left, right = node.lhs, node.rhs
        if str(node.op) in "+-*/" and _number(left) is None and _number(right) is None:
            a, b = rows(left, moment), rows(right, moment)
            if a.measurement != b.measurement:
                return Pair(a, b, str(node.op))
    return rows(node, moment)


def rows(node: Any, moment: Moment) -> Rows:
    """Return the rows of a part of a query; raises UntranslatableError."""
    match node:
        case ast.ParenExpr():
            return rows(node.expr, moment)
        case ast.VectorSelector():
            return read(node, moment, 'last("{}")')
        case ast.Call():
            return _call(node, moment)
        case ast.AggregateExpr():
            return _aggregate(node, moment)
        case ast.BinaryExpr():
            return _binary(node, moment)
    raise UntranslatableError(f"{type(node).__name__}: {node.prettify()}")


def _call(node: ast.Call, moment: Moment) -> Rows:
    name, arguments = node.func.name, node.args
    if name in OVER_TIME:
        width = seconds_of(arguments[0].range)
        found = read(_selector(arguments[0]), replace(moment, window=width), OVER_TIME[name])
        return replace(found, least=width)
    if name in {"rate", "increase"}:
        width = seconds_of(arguments[0].range)
        return grown(_selector(arguments[0]), moment, width, 1 if name == "rate" else width)
    if name == "abs":
        raise UntranslatableError("abs: InfluxQL 1.6 has no such function")
    raise UntranslatableError(f"{name}: {node.prettify()}")


def _selector(node: Any) -> ast.VectorSelector:
    if isinstance(node, ast.MatrixSelector):
        return node.vector_selector
    raise UntranslatableError(f"{node.prettify()}: expected a range of one metric")


def _parameter(node: ast.AggregateExpr) -> float:
    number = _number(node.param)
    if number is None:
        raise UntranslatableError(f"{node.prettify()}: expected a number first")
    return float(number)


def _tags(node: ast.AggregateExpr) -> list[str]:
    if node.modifier is None:
        return []
    if node.modifier.type != ast.AggModifierType.By:
        raise UntranslatableError(f"{node.prettify()}: InfluxQL has no without")
    return list(node.modifier.labels)


def _aggregate(node: ast.AggregateExpr, moment: Moment) -> Rows:
    name, by = str(node.op), _tags(node)
    compared = _compared(node.expr, moment)
    if compared is not None:
        return _counted(name, compared, by)
    inner = rows(node.expr, moment)
    if name == "quantile":
        share = _parameter(node)
        form = 'median("{}")' if share == 0.5 else f'percentile("{{}}", {share * 100:g})'
    elif name in AGGREGATES:
        form = AGGREGATES[name] + '("{}")'
    else:
        raise UntranslatableError(f"aggregation {name}: {node.prettify()}")
    return aggregated(inner, form, by)


def aggregated(inner: Rows, form: str, by: Sequence[str]) -> Rows:
    """Return rows by these labels, be they tags or fixed in the contract."""
    fixed = {label for labels in inner.columns.values() for label in labels}
    tags = [label for label in by if label not in fixed]
    names = {
        column: "_".join(labels[label] for label in by if label in labels) or VALUE
        for column, labels in inner.columns.items()
    }
    sources = [inner.source()]
    if len(set(names.values())) < len(names) or set(names.values()) != set(names):
        sources = [
            "(" + inner.plain(f'"{column}" AS "{name}"') + ")" for column, name in names.items()
        ]
    wanted = ", ".join(
        f'{form.format(name)} AS "{name}"' for name in dict.fromkeys(names.values())
    )
    time, group = inner.moment.time(), inner.moment.group(tags)
    made = f"SELECT {wanted} FROM {', '.join(sources)} WHERE {time}{group}"
    columns: Mapping[str, Mapping[str, str]] = {
        name: {
            label: inner.columns[column][label] for label in by if label in inner.columns[column]
        }
        for column, name in names.items()
    }
    return replace(inner, sources=[made], columns=columns, tags=tags)


def _comparing(node: ast.BinaryExpr) -> bool:
    return str(node.op) in COMPARISONS


def _number(node: Any) -> str | None:
    """Return a scalar's text; None where the node is no scalar."""
    while isinstance(node, ast.ParenExpr):
        node = node.expr
    if isinstance(node, ast.NumberLiteral):
        return f"{node.val!r}" if node.val != int(node.val) else f"{int(node.val)}"
    return None


def _compared(node: Any, moment: Moment) -> _Bool | None:
    """Return a comparison that gives 0 or 1, where the node is one."""
    while isinstance(node, ast.ParenExpr):
        node = node.expr
    if not (isinstance(node, ast.BinaryExpr) and node.modifier and node.modifier.return_bool):
        return None
    level = _number(node.rhs)
    if level is None:
        raise UntranslatableError(f"{node.prettify()}: expected a number on the right")
    operator = str(node.op)
    return _Bool(rows(node.lhs, moment), INFLUX.get(operator, operator), level)


def _counted(name: str, compared: _Bool, by: Sequence[str]) -> Rows:
    """Return how many rows, or which share of them, fulfil a condition; 0 where none does."""
    inner = compared.rows
    column = inner.one()
    met = inner.filtered(compared.operator, compared.level)
    form = f'count("{column}")'
    # Every source has every column: InfluxQL drops what one of them lacks.
    hits = met.outer(f"{form} AS l, {form} * 0 AS r", list(by))
    none = inner.outer(f"{form} * 0 AS l, {form} AS r", list(by))
    value = {"sum": "sum(l)", "avg": "sum(l) / sum(r)"}.get(name)
    if value is None:
        raise UntranslatableError(f"{name} of a comparison")
    both = replace(inner, sources=[hits, none])
    return replace(
        both, sources=[both.outer(f'{value} AS "{VALUE}"', list(by))], columns={VALUE: {}}, tags=by
    )


def _binary(node: ast.BinaryExpr, moment: Moment) -> Rows:
    operator, left, right = str(node.op), _number(node.lhs), _number(node.rhs)
    if operator == "or":
        return _or(node, moment)
    if _comparing(node) and right is not None:
        return rows(node.lhs, moment).filtered(INFLUX.get(operator, operator), right)
    if operator not in "+-*/":
        raise UntranslatableError(f"{operator}: {node.prettify()}")
    if right is not None:
        return rows(node.lhs, moment).mapped(f"{{}} {operator} {right}")
    if left is not None:
        return rows(node.rhs, moment).mapped(f"{left} {operator} {{}}")
    return joined(rows(node.lhs, moment), rows(node.rhs, moment), operator)


def joined(left: Rows, right: Rows, operator: str) -> Rows:
    """Return two rows of one measurement combined; UntranslatableError where they are of two."""
    if left.measurement != right.measurement or left.tags != right.tags:
        raise UntranslatableError(
            "rows of two measurements, or by other labels, cannot be combined"
        )
    # Every source has every column: InfluxQL drops what one of them lacks.
    a = left.plain(f'"{left.one()}" AS l, "{left.one()}" * 0 AS r')
    b = right.plain(f'"{right.one()}" * 0 AS l, "{right.one()}" AS r')
    both = replace(left, sources=[a, b], least=max(left.least, right.least))
    made = both.outer(f'sum(l) {operator} sum(r) AS "{VALUE}"', left.tags)
    return replace(both, sources=[made], columns={VALUE: {}})


def _or(node: ast.BinaryExpr, moment: Moment) -> Rows:
    """Return the left side, with 0 where it has nothing: the only ``or`` that there is a way for."""
    right = node.rhs
    if not (isinstance(right, ast.Call) and right.func.name == "vector"):
        raise UntranslatableError(f"or: {node.prettify()}: expected vector(0) on the right")
    left = node.lhs
    while isinstance(left, ast.ParenExpr):
        left = left.expr
    if isinstance(left, ast.AggregateExpr) and str(left.op) == "count" and not _tags(left):
        inner = rows(left.expr, moment)
        if inner.whole is not None:
            whole, form = inner.whole, f'count("{inner.one()}")'
            sources = [inner.outer(f"{form} AS l", []), whole.outer(f"{form} * 0 AS l", [])]
            both = replace(inner, sources=sources, whole=None)
            made = both.outer(f'sum(l) AS "{VALUE}"', [])
            return replace(both, sources=[made], columns={VALUE: {}}, tags=[], zero=True)
    return replace(rows(left, moment), zero=True)
