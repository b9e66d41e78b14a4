"""Figures that rules look at: fields of a host's samples, and some that are made from them."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

from headroom_core.rules import Rule
from headroom_proto.catalogue import catalogue

CPU = "cpu_utilisation_ratio"
SILENT = "agent_silent_seconds"
MANY_SILENT = "agents_silent_ratio"
COLLECTOR = "collector."
"""Before the name of a field of the collector's own samples."""

MADE = {"memory_used_ratio": "s.memory_used_bytes / nullif(s.memory_total_bytes, 0)"}
"""Figures made from fields, as SQL over ``host_sample s``."""


@dataclass(frozen=True, slots=True)
class Host:
    """What alerting needs to know of a host; interval in seconds, ``received`` in UTC ns."""

    name: str
    simulated: bool = False
    interval_seconds: float | None = None
    received: int = 0
    goodbye: bool = False


@dataclass(frozen=True, slots=True)
class Sample:
    """One figure of a host: UTC nanoseconds and value in the metric's unit."""

    host: str
    time: int
    value: float
    metric: str = CPU


def known_metrics() -> list[str]:
    """Return every name that a rule may ask for."""
    host = [column.field for column in catalogue().kind("host").columns]
    own = [COLLECTOR + column.field for column in catalogue().kind("collector").columns]
    return [*host, *MADE, *own, SILENT, MANY_SILENT]


def check(rules: Iterable[Rule]) -> None:
    """Refuse a rule whose metric does not exist; raises ValueError with the nearest name."""
    known = known_metrics()
    for rule in rules:
        if rule.metric not in known:
            near = difflib.get_close_matches(rule.metric, known, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else "; docs/metrics.md has the fields"
            raise ValueError(f"rules.{rule.name}: metric = {rule.metric!r}: does not exist{hint}")
        if rule.threshold is None and rule.metric != CPU:
            raise ValueError(f"rules.{rule.name}: threshold: expected a number")


def host_metrics(rules: Iterable[Rule]) -> list[str]:
    """Return the metrics of these rules that come with a host's samples, sorted."""
    fields = {column.field for column in catalogue().kind("host").columns} | set(MADE)
    return sorted({rule.metric for rule in rules} & fields)


def expression(metric: str) -> str:
    """Return a checked metric as SQL over ``host_sample s``."""
    return MADE.get(metric) or f's."{metric}"'


def unit(metric: str) -> str:
    """Return the unit of a metric by the catalogue's words, such as ratio, seconds or count."""
    if metric in {MANY_SILENT, *MADE}:
        return "ratio"
    if metric == SILENT:
        return "seconds"
    kind, _, field = metric.rpartition(".")
    columns = catalogue().kind(kind or "host").columns
    return next((column.unit for column in columns if column.field == field), "")


def unit_of(rule: Rule) -> str:
    """Return the unit of what a rule looks at: a rate of seconds is a ratio."""
    kind = unit(rule.metric)
    if rule.aggregate != "rate":
        return kind
    return "ratio" if kind == "seconds" else f"{kind} a second"
