"""Grafana's targets, variables and marks for its InfluxDB data source, in InfluxQL."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import promql_parser as ast

from headroom_dashboards.flavour import Asked, Choice, Json, Mark
from headroom_dashboards.influxql.select import MEASUREMENT
from headroom_dashboards.influxql.statement import Moment, Rows, UntranslatableError
from headroom_dashboards.influxql.translate import Found, Pair, Top, translate
from headroom_dashboards.query import Query
from headroom_proto.catalogue import catalogue

LABEL = re.compile(r"\{\{(\w+)\}\}")
# PromQL's grammar knows no variables of Grafana: these stand in for them while it is parsed.
RATE = ("$__rate_interval", "67s")
NUMBERS = (("$ceiling", "987654.25"), ("$carbon", "987654.75"))
DATA_SOURCE: Mapping[str, str] = {"type": "influxdb", "uid": "${datasource}"}

WITHOUT_TIME: Json = {
    "id": "filterFieldsByName",
    "options": {"exclude": {"names": ["Time"]}},
}
"""Rows are put side by side by their tags; their times are those that each query began at."""


def found(query: Query) -> Found:
    """Return a query's translation; UntranslatableError names the query."""
    text = query.influx or query.expr
    for name, stand_in in (RATE, *NUMBERS):
        text = text.replace(name, stand_in)
    try:
        return translate(ast.parse(text), Moment(query.instant))
    except UntranslatableError as error:
        raise UntranslatableError(f"{query.expr}\n    {error}") from None


def _alias(legend: str, rows: Rows) -> str:
    """Return the legend in InfluxQL's form: a label fixed in the contract is a column's name."""
    fixed = {label for labels in rows.columns.values() for label in labels}
    several = len(rows.columns) > 1

    def shown(match: re.Match[str]) -> str:
        label = match[1]
        if label in fixed and several:
            return "$col"
        value = next(iter(rows.columns.values())).get(label)
        return value if value is not None else f"$tag_{label}"

    if not legend:
        return " ".join(f"$tag_{tag}" for tag in rows.tags or ())
    return LABEL.sub(shown, legend)


def _final(rows: Rows, name: str) -> str:
    """Return the outermost statement, its column named for a table, all at one time."""
    column = rows.one()
    wanted = f'sum("{column}") AS "{name}"'
    return rows.outer(wanted, rows.tags)


@dataclass(frozen=True, slots=True)
class Influxql:
    """Everything in InfluxQL over the measurements and fields that the InfluxDB sink writes."""

    name: str = "influxql"
    plugin: str = "influxdb"
    suffix: str = "-influxql"

    @property
    def datasource(self) -> Mapping[str, str]:
        """Reference to the data source that the dashboard's variable names."""
        return DATA_SOURCE

    def asked(self, queries: Sequence[Query]) -> Asked:
        """Return the queries as targets; raises UntranslatableError."""
        targets: list[Json] = []
        changes: list[Json] = []
        nothing, least = "", 0
        alone = len(queries) == 1
        for number, query in enumerate(queries):
            ref = chr(ord("A") + number)
            if query.raw:
                targets.append(_target(ref, query.raw, query))
                continue
            made = found(query)
            if isinstance(made, Pair):
                targets += [
                    _target("A", _final(made.left, "A"), query),
                    _target("B", _final(made.right, "B"), query),
                ]
                changes = _combined(made.operator)
                continue
            rows = made.rows if isinstance(made, Top) else made
            least = max(least, rows.least if not query.instant else 0)
            nothing = "0" if rows.zero else nothing
            if isinstance(made, Top):
                labels = LABEL.findall(query.legend)
                targets.append(_target(ref, _largest(made, labels), query, table=True))
                changes = [_parted(labels)]
            elif query.table:
                changes = [WITHOUT_TIME]
                name = "Value" if alone else f"Value #{ref}"
                targets.append(_target(ref, _final(rows, name), query))
            else:
                targets.append(
                    _target(ref, rows.sources[0], query, alias=_alias(query.legend, rows))
                )
        notes = [query.note for query in queries if query.note]
        return Asked(targets, f"{least}s" if least else "", nothing, changes, notes)

    def choice(self, choice: Choice) -> Json:
        """Return the query for a tag's values."""
        kind = next(kind for kind, col in catalogue().metrics() if col.metric == choice.metric)
        where = " AND ".join(_conditions(choice.matchers))
        text = f'SHOW TAG VALUES FROM "{MEASUREMENT}{kind.name}" WITH KEY = "{choice.name}"'
        text += f" WHERE {where}" if where else ""
        return {"definition": text, "query": {"query": text, "refId": "variable"}}

    def mark(self, mark: Mark) -> Json | None:
        """Return the annotation's query; None for what InfluxQL cannot see, such as a move."""
        if mark.promql_only:
            return None
        kind, column = next(
            (kind, column)
            for kind, column in catalogue().metrics()
            if column.metric == mark.metric
        )
        condition = f'"{column.field}" {mark.condition.replace("==", "=")}'
        where = " AND ".join(["$timeFilter", condition, *_conditions(mark.matchers)])
        text, *more = mark.labels
        tags = ", ".join(f'"{label}"' for label in mark.labels)
        return {
            "query": f'SELECT "{column.field}", {tags} FROM "{MEASUREMENT}{kind.name}" WHERE {where}',
            "fromAnnotations": True,
            "textColumn": text,
            "tagsColumn": ",".join(more),
        }


def _conditions(matchers: Sequence[str]) -> list[str]:
    """Return PromQL's matchers as conditions on tags."""
    parts = [part for each in matchers for part in each.split(",")]
    found_ = [re.fullmatch(r'(\w+)=~"(.*)"', part) for part in parts]
    return [f'"{match[1]}" =~ /^({match[2]})$/' for match in found_ if match]


def _largest(top: Top, labels: Sequence[str]) -> str:
    rows = top.rows
    tags = "".join(f', "{label}"' for label in labels)
    wanted = f'top("{rows.one()}"{tags}, {top.count}) AS "{rows.one()}"'
    return rows.outer(wanted, []).removesuffix(" fill(none)")


def _parted(labels: Sequence[str]) -> Json:
    """Return the step that makes a line of each host out of a table."""
    options = {"fields": list(labels), "keepFields": False, "naming": {"asLabels": True}}
    return {"id": "partitionByValues", "options": options}


def _combined(operator: str) -> list[Json]:
    """Return the steps that make one value of A and B, at the same time."""
    binary = {"left": "A", "operator": operator, "right": "B"}
    return [
        {"id": "joinByField", "options": {"byField": "Time", "mode": "outer"}},
        {
            "id": "calculateField",
            "options": {"mode": "binary", "binary": binary, "replaceFields": True, "alias": "v"},
        },
    ]


def _target(ref: str, sql: str, query: Query, *, alias: str = "", table: bool = False) -> Json:
    for name, stand_in in NUMBERS:
        sql = sql.replace(stand_in, name)
    return {
        "refId": ref,
        "datasource": DATA_SOURCE,
        "rawQuery": True,
        "query": sql,
        "resultFormat": "table" if table or query.table else "time_series",
        "alias": alias,
    }
