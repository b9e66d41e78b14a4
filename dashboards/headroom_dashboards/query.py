"""Queries in PromQL over the catalogue's metrics, and over nothing else."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from grafanalib.core import Target

from headroom_proto.catalogue import catalogue

DATASOURCE: Mapping[str, str] = {"type": "prometheus", "uid": "${datasource}"}
HERE = 'site=~"$site",cluster=~"$cluster"'
"""Selects what the dashboard's variables select."""


class UnknownMetricError(ValueError):
    """A panel asks for a metric that nobody makes."""


def metric(name: str, *matchers: str) -> str:
    """Return a selector of that metric; raises UnknownMetricError unless the catalogue has it."""
    names = catalogue().names()
    if name not in names:
        near = difflib.get_close_matches(name, names, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise UnknownMetricError(f"metric {name} is not in the catalogue{hint}")
    return f"{name}{{{','.join(matchers)}}}" if matchers else name


def here(name: str, *matchers: str) -> str:
    """Return a selector of that metric in the chosen sites and clusters; UnknownMetricError."""
    return metric(name, HERE, *matchers)


@dataclass(frozen=True, slots=True)
class Query:
    """
    One query of a panel.

    ``instant``: the value now, not over time; ``table``: labels become columns.
    """

    expr: str
    legend: str = ""
    instant: bool = False
    table: bool = False


def targets(queries: Sequence[Query]) -> list[dict[str, Any]]:
    """Return the queries as Grafana's targets, A, B, C, ..."""
    made = []
    for number, query in enumerate(queries):
        target = Target(
            expr=query.expr,
            legendFormat=query.legend or "__auto",
            refId=chr(ord("A") + number),
            instant=query.instant,
            format="table" if query.table else "time_series",
            datasource=DATASOURCE,
        )
        data: dict[str, Any] = target.to_json_data()
        made.append(data | {"editorMode": "code", "range": not query.instant})
    return made
