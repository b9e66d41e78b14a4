"""The rule files: groups as Prometheus, vmalert and Mimir read them, and promtool's tests."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import yaml

from headroom_core.ceiling import Ceiling
from headroom_core.rules import Rule
from headroom_dashboards.rules.expression import firing
from headroom_dashboards.rules.figures import Figure, UnsayableError, duration, figure

Json = dict[str, Any]
STEP = 60
"""Seconds between two evaluations, where a rule does not say."""
HEADER = """\
# Recording and alerting rules of Headroom, made from the collector's own definitions by
# `headroom dashboards rules`: change those (alerts.rule and alerts.rules), not this file. Its links
# lead to alerts.external_url: make it with --config and your collector's configuration.
"""


class Engine(StrEnum):
    """Who evaluates the rules."""

    PROMETHEUS = "prometheus"
    VMALERT = "vmalert"
    MIMIR = "mimir"


@dataclass(frozen=True, slots=True)
class Made:
    """Groups of rules, and why a rule is in none of them, by its name."""

    groups: Sequence[Json]
    left: Mapping[str, str]


def step_of(rule: Rule) -> int:
    """Return the seconds between two evaluations of a rule."""
    return round(rule.step_seconds) or STEP


def _annotations(rule: Rule, found: Figure) -> Json:
    who = "{{ $labels.host }}" if "host" in found.labels else "{{ $labels.cluster }}"
    about = f"{who}: " if found.labels else ""
    side = "below" if rule.below else "above"
    level = f"{rule.threshold:g}" if rule.threshold is not None else "its ceiling"
    texts = {
        "summary": f"{about}{rule.name}",
        "description": f"{rule.metric} ({rule.aggregate} over {duration(rule.window_seconds)}) is"
        f' {{{{ printf "%.3g" $value }}}}, {side} {level}.',
        "runbook_url": rule.runbook_url,
        "dashboard_url": _linked(rule.dashboard_url),
    }
    return {name: text for name, text in texts.items() if text}


def _linked(url: str) -> str:
    for name in ("host", "site", "cluster"):
        url = url.replace(f"{{{name}}}", f"{{{{ $labels.{name} }}}}")
    return url


def _rules(rule: Rule, ceiling: Ceiling) -> Iterator[Json]:
    found, step = figure(rule), step_of(rule)
    expr, hold = firing(rule, found, ceiling, step)
    yield {"record": found.record, "expr": found.expr}
    if rule.falling_factor:
        yield {"record": f"{found.record}_and_hold", "expr": found.longer}
    alert: Json = {"alert": rule.name, "expr": expr}
    if hold:
        alert["for"] = hold
    alert["labels"] = {**rule.labels, "severity": rule.severity}
    alert["annotations"] = _annotations(rule, found)
    yield alert


def groups(rules: Sequence[Rule], ceiling: Ceiling) -> Made:
    """Return one group a rule: its figure is recorded, then judged, in that order."""
    made, left = [], {}
    for rule in rules:
        try:
            parts = list(_rules(rule, ceiling))
        except UnsayableError as error:
            left[rule.name] = str(error)
            continue
        interval = duration(step_of(rule))
        made.append({"name": f"headroom-{rule.name}", "interval": interval, "rules": parts})
    return Made(made, left)


def text(made: Made, engine: Engine) -> str:
    """Return a rule file; Mimir's names the namespace that its tool loads it into."""
    body: Json = {"namespace": "headroom"} if engine is Engine.MIMIR else {}
    body["groups"] = list(made.groups)
    notes = "".join(f"# Not here: {name}: {why}.\n" for name, why in made.left.items())
    dumped = yaml.safe_dump(body, sort_keys=False, width=100, allow_unicode=True)
    return f"{HEADER}{notes}{dumped}"
