"""Definitions of alert rules, shared by the collector's alerting and the generated rule files."""

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Any

from headroom_core.estate import Member

AGGREGATES = ("mean", "max", "min", "rate")
PERCENTILE = re.compile(r"p(100|[1-9]?[0-9])")
SEVERITIES = ("info", "warning", "error", "critical")

LONGEST_SAMPLES_SECONDS = 3600.0
"""Longer windows are made from 5-minute roll-ups."""

RUNBOOKS = "/runbooks/"
"""Where the collector shows the runbooks of the rules that ship."""

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
    A figure of a host, or of a cluster, stays above a level.

    Fires when the aggregate over ``window_seconds`` was above the level for ``hold_seconds``;
    resolves when it was below the clear level for ``clear_hold_seconds``. All on the samples' own
    time. Without ``threshold`` the level is the host's ceiling. With ``below`` the rule is turned
    round: it fires below the level and clears above the clear level.
    """

    name: str = "Rule"
    window_seconds: float = 300.0
    step_seconds: float = 0.0
    """Windows end on multiples of this, in UTC, the window at most; 0: at every sample."""
    hold_seconds: float = 600.0
    falling_factor: float = 0.0
    """Holds a page back while the window is below this times the mean over window and hold."""
    clear_factor: float = 0.9
    clear_threshold: float | None = None
    """Level to clear at; without it ``clear_factor`` times the level, or divided by it."""
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
    """What on-call should do: a URL, or a path below the collector's own address."""
    dashboard_url: str = ""
    """Where to look; may hold {host}, {site} and {cluster}."""
    enabled: bool = True

    def __post_init__(self) -> None:
        """Refuse settings that can never fire or never clear; raises ValueError."""
        if self.window_seconds <= 0:
            raise ValueError(f"window_seconds = {self.window_seconds}: expected more than 0")
        for name in ("hold_seconds", "clear_hold_seconds", "step_seconds"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} = {getattr(self, name)}: expected 0 or more")
        for name in ("clear_factor", "coverage_ratio"):
            if not 0 < getattr(self, name) <= 1:
                raise ValueError(f"{name} = {getattr(self, name)}: expected above 0, up to 1")
        if not 0 <= self.falling_factor <= 1:
            raise ValueError(f"falling_factor = {self.falling_factor}: expected 0 to 1")
        self._check_words()
        self._check_clear_level()
        # A longer one would leave samples between two windows that no window holds.
        object.__setattr__(self, "step_seconds", min(self.step_seconds, self.window_seconds))

    def _check_words(self) -> None:
        if self.aggregate not in AGGREGATES and not PERCENTILE.fullmatch(self.aggregate):
            known = ", ".join(AGGREGATES)
            raise ValueError(f"aggregate = {self.aggregate!r}: expected {known} or p0 to p100")
        if self.severity not in SEVERITIES:
            raise ValueError(f"severity = {self.severity!r}: expected {', '.join(SEVERITIES)}")

    def _check_clear_level(self) -> None:
        level, clear = self.threshold, self.clear_threshold
        if clear is None:
            return
        if level is None:
            raise ValueError(f"clear_threshold = {clear}: expected a threshold beside it")
        if clear < level if self.below else clear > level:
            side = "above" if self.below else "below"
            raise ValueError(f"clear_threshold = {clear}: expected {level:g} or {side}")

    @property
    def long(self) -> bool:
        """Whether the window is too long for samples in memory: roll-ups are looked at instead."""
        return self.window_seconds > LONGEST_SAMPLES_SECONDS

    @property
    def context_seconds(self) -> float:
        """How far back the samples count: the window, and with ``falling_factor`` the hold."""
        return self.window_seconds + (self.hold_seconds if self.falling_factor else 0.0)

    def clear_level(self, level: float) -> float:
        """Return the level that the figure must pass to clear."""
        if self.clear_threshold is not None:
            return self.clear_threshold
        return level / self.clear_factor if self.below else level * self.clear_factor

    def over(self, value: float, level: float) -> bool:
        """Return whether ``value`` is on the wrong side of the level, strictly."""
        return value < level if self.below else value > level

    def clear(self, value: float, level: float) -> bool:
        """Return whether ``value`` is strictly on the right side of the level to clear at."""
        limit = self.clear_level(level)
        return value > limit if self.below else value < limit

    def falling(self, value: float, context: float | None) -> bool:
        """Return whether ``value`` is on its way back already; ``context``: the longer mean."""
        if not self.falling_factor or context is None:
            return False
        if self.below:
            return value * self.falling_factor > context
        return value < self.falling_factor * context

    def fingerprint(self) -> str:
        """Return a text that differs where the rule judges differently: not for labels or links."""
        words = {
            name: value
            for name, value in asdict(self).items()
            if name not in {"severity", "labels", "runbook_url", "dashboard_url"}
        }
        return hashlib.sha256(json.dumps(words, sort_keys=True).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class CeilingRule(Rule):
    """
    The rule of the ceiling, as it ships: four 5-minute means in a row above it.

    It clears after four hours below 0.7 times the ceiling, so that a busy day is one page. The
    values are those of `headroom bench alerts --case traces`: docs/alerting.md has the table.
    """

    name: str = "HostAboveCeiling"
    step_seconds: float = 300.0
    hold_seconds: float = 900.0
    falling_factor: float = 0.98
    clear_factor: float = 0.7
    clear_hold_seconds: float = 14_400.0
    runbook_url: str = f"{RUNBOOKS}HostAboveCeiling"


@dataclass(frozen=True, slots=True)
class Override:
    """What a configuration says of a rule; None leaves the shipped value as it is."""

    window_seconds: float | None = None
    step_seconds: float | None = None
    hold_seconds: float | None = None
    falling_factor: float | None = None
    clear_factor: float | None = None
    clear_threshold: float | None = None
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


def _shipped(name: str, metric: str, threshold: float | None, **said: Any) -> Rule:
    return Rule(
        name=name, metric=metric, threshold=threshold, runbook_url=f"{RUNBOOKS}{name}", **said
    )


DAY = 86_400.0

SHIPPED: tuple[Rule, ...] = (
    _shipped("HostMemoryFull", "memory_used_ratio", 0.90, clear_factor=0.95),
    _shipped("HostSteal", "cpu_steal_ratio", 0.05, clear_factor=0.5),
    _shipped(
        "HostCpuPressure",
        "pressure_cpu_some_seconds_total",
        0.25,
        aggregate="rate",
        clear_factor=0.8,
    ),
    _shipped(
        "HostVmDensity",
        "vcpus_per_core",
        6.0,
        hold_seconds=1800.0,
        clear_factor=0.95,
        severity="info",
    ),
    _shipped(
        "HostIdle",
        "cpu_utilisation_ratio",
        0.05,
        below=True,
        aggregate="max",
        window_seconds=14 * DAY,
        step_seconds=3600.0,
        hold_seconds=0.0,
        clear_hold_seconds=0.0,
        clear_factor=0.8,
        severity="info",
    ),
    _shipped(
        "ClusterNearCeiling",
        "forecast.ceiling_in_seconds",
        30 * DAY,
        below=True,
        hold_seconds=6 * 3600.0,
        clear_factor=0.8,
        clear_hold_seconds=DAY,
        severity="info",
    ),
    _shipped(
        "EnergyAboveBudget",
        "headroom.power_watts",
        None,
        window_seconds=DAY,
        step_seconds=900.0,
        hold_seconds=0.0,
        clear_factor=0.95,
        clear_hold_seconds=6 * 3600.0,
        severity="info",
    ),
    _shipped(
        AGENT_SILENT,
        "agent_silent_seconds",
        50.0,
        hold_seconds=250.0,
        clear_factor=1.0,
        clear_hold_seconds=60.0,
    ),
    _shipped(
        MANY_SILENT,
        "agents_silent_ratio",
        0.2,
        hold_seconds=250.0,
        clear_factor=1.0,
        clear_hold_seconds=60.0,
        severity="critical",
    ),
    _shipped("CollectorSlow", "collector.commit_seconds", 2.0, clear_factor=0.5, severity="error"),
    _shipped(
        "CollectorDiskFull",
        "collector.disk_free_ratio",
        0.10,
        below=True,
        clear_factor=0.8,
        severity="error",
    ),
    _shipped(
        "CollectorRefuses",
        "collector.values_refused_total",
        1.0,
        aggregate="rate",
        clear_factor=0.5,
        severity="error",
    ),
    _shipped(
        "HostIdentityTwice",
        "collector.identity_conflicts_total",
        0.0001,  # any at all, and none to clear
        aggregate="rate",
        hold_seconds=0.0,
        clear_factor=1.0,
        clear_hold_seconds=600.0,
        severity="error",
    ),
    _shipped(
        "CollectorCannotNotify",
        "collector.notifications_waiting",
        0.5,
        aggregate="min",
        clear_factor=1.0,
        clear_hold_seconds=300.0,
        severity="error",
    ),
)
"""Rules beside that of the ceiling; a configuration changes each by its name."""


ALL_SHIPPED: tuple[Rule, ...] = (CeilingRule(), *SHIPPED)


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
