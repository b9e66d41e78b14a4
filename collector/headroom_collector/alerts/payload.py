"""
Body of a notification: Alertmanager's webhook format, version 4.

Receivers written for Alertmanager read it as it stands, and the forms of the other receivers are
made from it. The format is that of Prometheus Alertmanager 0.25.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from headroom_collector.alert_metrics import unit_of
from headroom_collector.alert_settings import Alerts
from headroom_collector.alerts.letters import Letter, Member
from headroom_collector.alerts.subjects import spoken
from headroom_collector.alerts.texts import SINCE, text_of, words
from headroom_core.rules import Rule

DAY = 86_400.0
NEVER = "0001-01-01T00:00:00Z"
"""What the format says for "has not ended"."""


def rfc3339(time: int) -> str:
    """Return UTC nanoseconds as text with Z, with a fraction where there is one."""
    seconds, rest = divmod(time, 1_000_000_000)
    text = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    fraction = f".{rest:09d}".rstrip("0") if rest else ""
    return f"{text}{fraction}Z"


def fingerprint(labels: Mapping[str, str]) -> str:
    """Return Alertmanager's fingerprint of labels: FNV-1a of 64 bits over names and values."""
    digest = 0xCBF29CE484222325
    for name, value in sorted(labels.items()):
        for byte in b"%s\xff%s\xff" % (name.encode(), value.encode()):
            digest = (digest ^ byte) * 0x100000001B3 % 2**64
    return f"{digest:016x}"


def span(seconds: float) -> str:
    """Return a length of time for people."""
    if seconds >= 2 * DAY:
        return f"{seconds / DAY:.0f} d"
    if seconds >= 2 * 3600:
        return f"{seconds / 3600:.3g} h"
    if seconds >= 60 and seconds % 60 == 0:
        return f"{seconds / 60:g} min"
    return f"{seconds:g} s"


def figure(value: float | None, rule: Rule, unknown: str) -> str:
    """Return a value of the rule's metric for people, with its unit."""
    if value is None:
        return unknown
    kind = unit_of(rule)
    if kind == "ratio":
        return f"{value * 100:.1f} %"
    if kind == "seconds":
        return span(round(value)) if value >= 10 else f"{value:.1f} s"
    names = {"bytes": " B", "watts": " W", "celsius": " °C", "hertz": " Hz"}
    return f"{value:.4g}{names.get(kind, '')}"


def annotations(member: Member, rule: Rule, language: str) -> dict[str, str]:
    """Return what a person reads: value, level, since when, what it means, what to do."""
    text, around = text_of(rule.name, language), words(language)
    places = {
        "host": member.labels.get("host", spoken(member.host)),
        "rule": rule.name,
        "metric": rule.metric,
        "value": figure(member.value, rule, around.unknown),
        "level": figure(member.level, rule, around.unknown),
        "window": span(rule.window_seconds),
        "since": rfc3339(member.started),
    }
    ended = member.ended is not None
    since = SINCE[language][ended]
    if rule.name == "HostAboveCeiling":
        since = around.was_since if ended else around.since
    tail = around.nothing if ended else f"{text.meaning} {around.todo}{text.todo}"
    found = {
        "dashboard_url": rule.dashboard_url.format(**_link_places(member)),
        "description": f"{text.figure} {since} {tail}".format(**places),
        "runbook_url": rule.runbook_url,
        "summary": (text.over if ended else text.fires).format(**places),
    }
    return {name: told for name, told in found.items() if told}


def _link_places(member: Member) -> dict[str, str]:
    return {name: quote(member.labels.get(name, "")) for name in ("host", "site", "cluster")}


def _quoted(labels: Mapping[str, str]) -> str:
    texts = (f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in labels.items())
    return ", ".join(texts)


def _alert(member: Member, rule: Rule, config: Alerts) -> dict[str, Any]:
    labels = dict(sorted(member.labels.items()))
    home = config.external_url.rstrip("/")
    return {
        "status": "firing" if member.ended is None else "resolved",
        "labels": labels,
        "annotations": annotations(member, rule, config.language),
        "startsAt": rfc3339(member.started),
        "endsAt": NEVER if member.ended is None else rfc3339(member.ended),
        "generatorURL": f"{home}/api/v1/alerts?host={quote(labels.get('host', ''))}",
        "fingerprint": fingerprint(labels),
    }


def _common(tables: Sequence[Mapping[str, str]]) -> dict[str, str]:
    first, *others = tables
    return {
        name: text
        for name, text in first.items()
        if all(other.get(name) == text for other in others)
    }


def body(letter: Letter, rules: Mapping[str, Rule], config: Alerts, most: int) -> dict[str, Any]:
    """
    Return the body of a letter, in the format's own order of keys.

    It lists ``most`` alerts, those that fire first, and counts the others.
    """
    order = sorted(letter.members, key=lambda m: (m.ended is not None, m.started, m.host))
    alerts = [_alert(m, rules.get(m.rule, Rule(m.rule)), config) for m in order[:most]]
    group = dict(sorted(letter.labels.items()))
    return {
        "receiver": letter.receiver,
        "status": letter.kind.value,
        "alerts": alerts,
        "groupLabels": group,
        "commonLabels": _common([dict(sorted(member.labels.items())) for member in order]),
        "commonAnnotations": _common([alert["annotations"] for alert in alerts]),
        "externalURL": config.external_url.rstrip("/"),
        "version": "4",
        "groupKey": "{}:{" + _quoted(group) + "}",
        "truncatedAlerts": max(0, len(order) - most),
    }
