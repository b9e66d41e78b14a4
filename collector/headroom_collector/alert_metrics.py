"""Figures that rules look at: fields of a host's samples, and some that are made from them."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

from headroom_core.rules import Rule
from headroom_proto.catalogue import catalogue

CPU = "cpu_utilisation_ratio"
SILENT = "agent_silent_seconds"
MANY_SILENT = "agents_silent_ratio"
POWER = "headroom.power_watts"
COLLECTOR = "collector."
"""Before the name of a field of the collector's own samples."""
CLUSTER_KINDS = ("headroom", "forecast")
"""Kinds of samples about clusters; their fields have the kind and a dot before them."""
DISK_FREE = "disk_free_ratio"
"""A figure of the collector's own that is made, not stored."""
NEVER_SECONDS = 3.2e8
"""Ten years: where a trend does not reach the ceiling."""

MADE = {"memory_used_ratio": "s.memory_used_bytes / nullif(s.memory_total_bytes, 0)"}
"""Figures made from fields, as SQL over ``host_sample s``."""
MADE_OF_CLUSTERS = {
    "forecast.ceiling_in_seconds": "CASE WHEN s.level_ratio IS NOT NULL"
    f" THEN coalesce(s.ceiling_in_seconds, {NEVER_SECONDS}) END"
}
"""The same over a view of clusters: no crossing is one in the far future, and so an end."""


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
    clusters = [
        f"{kind}.{column.field}"
        for kind in CLUSTER_KINDS
        for column in catalogue().kind(kind).columns
    ]
    return [*host, *MADE, *own, COLLECTOR + DISK_FREE, *clusters, SILENT, MANY_SILENT]


def check(rules: Iterable[Rule]) -> None:
    """Refuse a rule whose metric does not exist; raises ValueError with the nearest name."""
    known = known_metrics()
    for rule in rules:
        if rule.metric not in known:
            near = difflib.get_close_matches(rule.metric, known, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else "; docs/metrics.md has the fields"
            raise ValueError(f"rules.{rule.name}: metric = {rule.metric!r}: does not exist{hint}")
        if rule.threshold is None and rule.metric not in {CPU, POWER}:
            raise ValueError(f"rules.{rule.name}: threshold: expected a number")
        if rule.long and rule.metric not in rolled_metrics():
            raise ValueError(
                f"rules.{rule.name}: window_seconds = {rule.window_seconds:g}: expected an hour at"
                " most, or a metric that is rolled up"
            )


def rolled_metrics() -> list[str]:
    """Return the metrics that a rule with a long window may ask for."""
    host = [column.field for column in catalogue().kind("host").columns if column.metric]
    return [*host, *(name for name in known_metrics() if kind_of(name) in CLUSTER_KINDS)]


def kind_of(metric: str) -> str:
    """Return the kind of sample that a metric is a field of; "" for a host's and for made ones."""
    return metric.rpartition(".")[0]


def cluster_metrics(rules: Iterable[Rule]) -> list[str]:
    """Return the metrics of these rules that come with samples about clusters, sorted."""
    return sorted({rule.metric for rule in rules if kind_of(rule.metric) in CLUSTER_KINDS})


def host_metrics(rules: Iterable[Rule]) -> list[str]:
    """Return the metrics of these rules that come with a host's samples, sorted."""
    fields = {column.field for column in catalogue().kind("host").columns} | set(MADE)
    return sorted({rule.metric for rule in rules} & fields)


def expression(metric: str) -> str:
    """Return a checked metric as SQL over ``host_sample s``."""
    return MADE.get(metric) or MADE_OF_CLUSTERS.get(metric) or f's."{metric.rpartition(".")[2]}"'


def unit(metric: str) -> str:
    """Return the unit of a metric by the catalogue's words, such as ratio, seconds or count."""
    if metric in {MANY_SILENT, COLLECTOR + DISK_FREE, *MADE}:
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
