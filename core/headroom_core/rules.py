"""Definitions of alert rules, shared by the collector's alerting and the generated rule files."""

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from fnmatch import fnmatchcase

from headroom_core.estate import Member

AGGREGATES = ("mean", "max", "min", "rate")
PERCENTILE = re.compile(r"p(100|[1-9]?[0-9])")
SEVERITIES = ("info", "warning", "error", "critical")

AGENT_SILENT = "AgentSilent"
MANY_SILENT = "ManyAgentsSilent"


@dataclass(frozen=True, slots=True)
class Scope:
    """Which hosts a rule is about: patterns with * ? [...]; an empty list takes all."""

    sites: tuple[str, ...] = ()
    clusters: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()

    def takes(self, member: Member) -> bool:
        """Return whether the host stands where the rule looks."""
        place = member.placement
        return (
            _fits(self.sites, place.site)
            and _fits(self.clusters, place.cluster)
            and _fits(self.classes, place.host_class)
            and _fits(self.hosts, member.host)
        )


def _fits(patterns: Sequence[str], text: str) -> bool:
    return not patterns or any(fnmatchcase(text, pattern) for pattern in patterns)


@dataclass(frozen=True, slots=True)
class Rule:
    """
    A figure of a host stays above a level; without ``threshold`` the level is the host's ceiling.

    Fires when the aggregate over ``window_seconds`` was above the level for ``hold_seconds``;
    resolves when it was below ``clear_factor`` times the level for ``clear_hold_seconds``. All on
    the samples' own time. With ``below`` the rule is turned round: it fires below the level and
    clears above the level divided by ``clear_factor``. The defaults are those of `headroom bench
    alerts`: they find every overload of half an hour in recorded traces and page least.
    """

    name: str = "HostAboveCeiling"
    window_seconds: float = 300.0
    hold_seconds: float = 600.0
    clear_factor: float = 0.9
    clear_hold_seconds: float = 900.0
    coverage_ratio: float = 0.8
    """Share of the expected samples that a window needs; with fewer there is no verdict."""
    severity: str = "warning"
    metric: str = "cpu_utilisation_ratio"
    """A field of the host's samples, or a figure made from them."""
    aggregate: str = "mean"
    """mean, max, min, p0 to p100, or rate: a counter's growth a second."""
    threshold: float | None = None
    below: bool = False
    scope: Scope = field(default_factory=Scope)
    labels: dict[str, str] = field(default_factory=dict)
    runbook_url: str = ""
    dashboard_url: str = ""
    enabled: bool = True

    def __post_init__(self) -> None:
        """Refuse settings that can never fire or never clear; raises ValueError."""
        if self.window_seconds <= 0:
            raise ValueError(f"window_seconds = {self.window_seconds}: expected more than 0")
        for name in ("hold_seconds", "clear_hold_seconds"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} = {getattr(self, name)}: expected 0 or more")
        for name in ("clear_factor", "coverage_ratio"):
            if not 0 < getattr(self, name) <= 1:
                raise ValueError(f"{name} = {getattr(self, name)}: expected above 0, up to 1")
        if self.aggregate not in AGGREGATES and not PERCENTILE.fullmatch(self.aggregate):
            known = ", ".join(AGGREGATES)
            raise ValueError(f"aggregate = {self.aggregate!r}: expected {known} or p0 to p100")
        if self.severity not in SEVERITIES:
            raise ValueError(f"severity = {self.severity!r}: expected {', '.join(SEVERITIES)}")

    def over(self, value: float, level: float) -> bool:
        """Return whether ``value`` is on the wrong side of the level, strictly."""
        return value < level if self.below else value > level

    def clear(self, value: float, level: float) -> bool:
        """Return whether ``value`` is strictly on the right side of the level to clear at."""
        if self.below:
            return value > level / self.clear_factor
        return value < self.clear_factor * level

    def fingerprint(self) -> str:
        """Return a text that differs where the rule judges differently: not for labels or links."""
        words = {
            name: value
            for name, value in asdict(self).items()
            if name not in {"severity", "labels", "runbook_url", "dashboard_url"}
        }
        return hashlib.sha256(json.dumps(words, sort_keys=True).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Override:
    """What a configuration says of a rule; None leaves the shipped value as it is."""

    window_seconds: float | None = None
    hold_seconds: float | None = None
    clear_factor: float | None = None
    clear_hold_seconds: float | None = None
    coverage_ratio: float | None = None
    severity: str | None = None
    metric: str | None = None
    aggregate: str | None = None
    threshold: float | None = None
    below: bool | None = None
    scope: Scope | None = None
    labels: dict[str, str] | None = None
    runbook_url: str | None = None
    dashboard_url: str | None = None
    enabled: bool | None = None

    def over(self, rule: Rule) -> Rule:
        """Return the rule with what is said here; raises ValueError as Rule does."""
        said = {name: getattr(self, name) for name in Override.__dataclass_fields__}
        return replace(rule, **{name: value for name, value in said.items() if value is not None})


SHIPPED: tuple[Rule, ...] = (
    Rule(
        name="HostMemoryFull",
        metric="memory_used_ratio",
        threshold=0.90,
        clear_factor=0.95,
    ),
    Rule(
        name="HostSteal",
        metric="cpu_steal_ratio",
        threshold=0.05,
        clear_factor=0.5,
    ),
    Rule(
        name="HostCpuPressure",
        metric="pressure_cpu_some_seconds_total",
        aggregate="rate",
        threshold=0.25,
        clear_factor=0.8,
    ),
    Rule(
        name="HostVmDensity",
        metric="vcpus_per_core",
        threshold=6.0,
        hold_seconds=1800.0,
        clear_factor=0.95,
        severity="info",
    ),
    Rule(
        name=AGENT_SILENT,
        metric="agent_silent_seconds",
        threshold=50.0,
        hold_seconds=250.0,
        clear_factor=1.0,
        clear_hold_seconds=60.0,
    ),
    Rule(
        name=MANY_SILENT,
        metric="agents_silent_ratio",
        threshold=0.2,
        hold_seconds=250.0,
        clear_factor=1.0,
        clear_hold_seconds=60.0,
        severity="critical",
    ),
    Rule(
        name="CollectorSlow",
        metric="collector.commit_seconds",
        threshold=2.0,
        clear_factor=0.5,
        severity="error",
    ),
    Rule(
        name="CollectorCannotNotify",
        metric="collector.notifications_waiting",
        aggregate="min",
        threshold=0.5,
        clear_factor=1.0,
        clear_hold_seconds=300.0,
        severity="error",
    ),
)
"""Rules beside that of the ceiling; a configuration changes each by its name."""


def all_rules(ceiling_rule: Rule, overrides: dict[str, Override]) -> tuple[Rule, ...]:
    """
    Return every rule that is enabled: the ceiling's, the shipped ones, and those made here.

    Raises ValueError naming the rule that cannot be.
    """
    known = {rule.name: rule for rule in (ceiling_rule, *SHIPPED)}
    for name, override in overrides.items():
        try:
            known[name] = override.over(known.get(name) or _new(name, override))
        except ValueError as error:
            raise ValueError(f"rules.{name}: {error}") from None
    return tuple(_enabled(known.values()))


def _new(name: str, override: Override) -> Rule:
    if override.metric is None or override.threshold is None:
        raise ValueError("is not a shipped rule: expected metric and threshold")
    return Rule(name=name)


def _enabled(rules: Iterable[Rule]) -> Iterable[Rule]:
    return (rule for rule in rules if rule.enabled)
