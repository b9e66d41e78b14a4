"""Ceiling and rules as a collector's configuration has them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from headroom_core.ceiling import Ceiling
from headroom_core.rules import CeilingRule, Override, Rule, all_rules
from headroom_core.settings import load, read


@dataclass(frozen=True, slots=True)
class AlertPart:
    """What the rules need of ``[alerts]``; everything else there is not theirs."""

    rule: Rule = field(default_factory=CeilingRule)
    rules: dict[str, Override] = field(default_factory=dict)
    external_url: str = "http://127.0.0.1:9441"
    runbook_url: str = ""
    dashboard_url: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """What the rules need of a configuration."""

    ceiling: Ceiling = field(default_factory=Ceiling)
    alerts: AlertPart = field(default_factory=AlertPart)


@dataclass(frozen=True, slots=True)
class Wanted:
    """The ceiling that holds, and the rules that are enabled."""

    ceiling: Ceiling
    rules: Sequence[Rule]


def wanted(config: Path | None) -> Wanted:
    """Return what the configuration says, or the defaults; raises SettingsError, ValueError."""
    table: Mapping[str, Any] = load(config) if config else {}
    part, _ = read(Part, table, str(config))
    rules = all_rules(part.alerts.rule, part.alerts.rules)
    return Wanted(part.ceiling, [_linked(rule, part.alerts) for rule in rules])


def _linked(rule: Rule, alerts: AlertPart) -> Rule:
    """Return a rule with whole links; the estate's own runbook goes before a shipped one; ValueError."""
    home = alerts.external_url.rstrip("/")
    if not home.startswith(("http://", "https://")):
        raise ValueError(
            f"alerts.external_url: expected the collector's whole address as people reach it, such as"
            f" https://headroom.example, found {alerts.external_url!r}"
        )
    shipped = rule.runbook_url.startswith("/")
    runbook = alerts.runbook_url if shipped and alerts.runbook_url else rule.runbook_url
    runbook = runbook or alerts.runbook_url
    return replace(
        rule,
        runbook_url=home + runbook if runbook.startswith("/") else runbook,
        dashboard_url=rule.dashboard_url or alerts.dashboard_url or f"{home}/",
    )
