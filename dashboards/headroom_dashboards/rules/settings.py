"""Ceiling and rules as a collector's configuration has them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
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
    return Wanted(part.ceiling, all_rules(part.alerts.rule, part.alerts.rules))
