"""What a rule looks at, in PromQL: fields of samples, and figures that the collector makes of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from headroom_core.rules import AGENT_SILENT, MANY_SILENT, PERCENTILE, Rule, Scope
from headroom_proto.catalogue import Column, catalogue

HOST = ("host", "site", "cluster", "class", "simulated")
CLUSTER = ("site", "cluster")
NAMES = {"host": HOST, "headroom": CLUSTER, "forecast": CLUSTER, "plan": CLUSTER, "collector": ()}
SUBQUERY_STEP = 60
LONG = 3600
"""Windows from this many seconds on are looked at in steps, and must be covered."""
AGGREGATES = {"mean": "avg_over_time", "max": "max_over_time", "min": "min_over_time"}
UTILISATION = "headroom_host_cpu_utilisation_ratio"
RATIOS = {
    "memory_used_ratio": ("headroom_host_memory_used_bytes", "headroom_host_memory_total_bytes")
}
SILENT = f"time() - max by (host, site, cluster, class, simulated) (max_over_time(timestamp({UTILISATION})[1d:1m]))"


class UnsayableError(ValueError):
    """A rule that cannot be judged from an engine's series; the text says why."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure over the rule's window: ``expr`` has one series for each set of ``labels``."""

    expr: str
    record: str
    labels: Sequence[str]
    longer: str = ""
    """Mean over window and hold together, where the rule asks for it."""


def column_of(metric: str) -> tuple[str, Column]:
    """Return kind and column of a rule's metric, such as ``forecast.level_ratio``."""
    kind, _, field = metric.rpartition(".")
    kind = kind or "host"
    for found, column in catalogue().metrics():
        if (found.name, column.field) == (kind, field):
            return kind, column
    raise UnsayableError(f"{metric} is in no engine: the collector makes it of other samples")


def duration(seconds: float) -> str:
    """Return a span in Prometheus' form, in the largest unit that fits."""
    whole = round(seconds)
    for unit, size in (("d", 86_400), ("h", 3600), ("m", 60)):
        if whole and whole % size == 0:
            return f"{whole // size}{unit}"
    return f"{whole}s"


def _matchers(scope: Scope, fixed: Sequence[tuple[str, str]]) -> str:
    parts = [f'{name}="{value}"' for name, value in fixed]
    for label, patterns in (
        ("site", scope.sites),
        ("cluster", scope.clusters),
        ("class", scope.classes),
        ("host", scope.hosts),
    ):
        if patterns:
            parts.append(f'{label}=~"{"|".join(_regex(pattern) for pattern in patterns)}"')
    return f"{{{','.join(parts)}}}" if parts else ""


def _regex(pattern: str) -> str:
    """Return a pattern with * ? [...] as a regular expression inside a PromQL string."""
    special = {"*": ".*", "?": ".", "[": "[", "]": "]", "!": "^", "-": "-"}
    return "".join(
        special.get(letter, letter if letter.isalnum() or letter == "_" else f"\\\\{letter}")
        for letter in pattern
    )


def _windowed(selector: str, rule: Rule, seconds: float) -> str:
    width = duration(seconds)
    if rule.aggregate == "rate":
        return f"rate({selector}[{width}])"
    if PERCENTILE.fullmatch(rule.aggregate):
        return f"quantile_over_time({int(rule.aggregate[1:]) / 100:g}, {selector}[{width}])"
    return f"{AGGREGATES[rule.aggregate]}({selector}[{width}])"


def _covered(expr: str, selector: str, rule: Rule, by: str) -> str:
    """Return the figure of those alone whose long window has enough samples to judge by."""
    if rule.window_seconds < LONG:
        return expr
    steps = rule.window_seconds / LONG
    there = f"count_over_time({selector}[{duration(rule.window_seconds)}:1h])"
    return f"{expr} and max{by} ({there}) >= {rule.coverage_ratio * steps:g}"


def figure(rule: Rule) -> Figure:
    """Return what a rule looks at; raises UnsayableError."""
    name = rule.metric.replace(".", "_")
    if rule.name in {AGENT_SILENT, MANY_SILENT}:
        return _silence(rule)
    if rule.metric in RATIOS:
        used, total = (f"{each}{_matchers(rule.scope, ())}" for each in RATIOS[rule.metric])
        width = f"{duration(rule.window_seconds)}:{SUBQUERY_STEP}s"
        expr = f"{AGGREGATES[rule.aggregate]}(({used} / {total})[{width}])"
        return Figure(f"max{_by(HOST)} ({expr})", _record("host", name, rule), HOST)
    kind, column = column_of(rule.metric)
    labels = NAMES[kind]
    by = _by(labels)
    selector = f"{column.metric}{_matchers(rule.scope, column.labels)}"
    expr = f"max{by} ({_windowed(selector, rule, rule.window_seconds)})"
    hold = rule.window_seconds + rule.hold_seconds
    return Figure(
        _covered(expr, selector, rule, by),
        _record(kind, name, rule),
        labels,
        f"max{by} ({_windowed(selector, rule, hold)})",
    )


def _by(labels: Sequence[str]) -> str:
    return f" by ({', '.join(labels)})" if labels else ""


def _record(kind: str, name: str, rule: Rule) -> str:
    """Return a recording rule's name: level, metric, operation."""
    level = kind if kind in {"host", "collector"} else "cluster"
    what = name.removeprefix(f"{kind}_")
    return f"{level}:headroom_{what}:{rule.aggregate}{duration(rule.window_seconds)}"


def _silence(rule: Rule) -> Figure:
    if rule.name == AGENT_SILENT:
        return Figure(SILENT, "host:headroom_agent_silent_seconds:now", HOST)
    share = f"avg(({SILENT}) > bool 50)"
    return Figure(share, "estate:headroom_agents_silent_ratio:now", ())
