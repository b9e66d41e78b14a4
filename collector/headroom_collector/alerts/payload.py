"""
Body of a notification: Alertmanager's webhook format, version 4.

Receivers written for Alertmanager read it as it stands. The format is that of Prometheus
Alertmanager 0.25; one body carries one alert.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from headroom_collector.alerts.record import Notice, NoticeKind
from headroom_collector.config import Alerts

RECEIVER = "headroom"
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
    if seconds >= 60 and seconds % 60 == 0:
        return f"{seconds / 60:g} min"
    return f"{seconds:g} s"


def _percent(ratio: float | None) -> str:
    return "unknown" if ratio is None else f"{ratio * 100:.1f} %"


def annotations(notice: Notice, config: Alerts) -> dict[str, str]:
    """Return what a person reads: value, ceiling, since when, what to do."""
    alert, rule = notice.alert, config.rule
    host = alert.labels.get("host", alert.host)
    value, ceiling = _percent(alert.value), _percent(alert.ceiling)
    since = rfc3339(notice.started)
    window = span(rule.window_seconds)
    if notice.kind is NoticeKind.FIRING:
        summary = f"{host} is above its CPU ceiling: {value}, ceiling {ceiling}"
        description = (
            f"CPU of {host} was {value} on average over the last {window}; its ceiling is "
            f"{ceiling}. Above it since {since}. What to do: see which virtual machines use the "
            "CPU, move one to a host below its ceiling, or put the host in maintenance if this "
            "is expected."
        )
    else:
        summary = f"{host} is no longer above its CPU ceiling: {value}, ceiling {ceiling}"
        description = (
            f"CPU of {host} was {value} on average over the last {window}; its ceiling is "
            f"{ceiling}. It had been above it since {since}. What to do: nothing."
        )
    found = {"description": description, "runbook_url": config.runbook_url, "summary": summary}
    return {name: text for name, text in found.items() if text}


def _quoted(labels: Mapping[str, str]) -> str:
    return ", ".join(f"{name}={json.dumps(value)}" for name, value in labels.items())


def body(notice: Notice, config: Alerts) -> dict[str, Any]:
    """Return the body of a notice, in the format's own order of keys."""
    labels = dict(sorted(notice.alert.labels.items()))
    notes = annotations(notice, config)
    home = config.external_url.rstrip("/")
    group = {name: text for name, text in labels.items() if name in {"alertname", "host"}}
    alert = {
        "status": notice.kind.value,
        "labels": labels,
        "annotations": notes,
        "startsAt": rfc3339(notice.started),
        "endsAt": NEVER if notice.ended is None else rfc3339(notice.ended),
        "generatorURL": f"{home}/api/v1/alerts?host={quote(labels.get('host', ''))}",
        "fingerprint": fingerprint(labels),
    }
    return {
        "receiver": RECEIVER,
        "status": notice.kind.value,
        "alerts": [alert],
        "groupLabels": group,
        "commonLabels": labels,
        "commonAnnotations": notes,
        "externalURL": home,
        "version": "4",
        "groupKey": "{}:{" + _quoted(group) + "}",
        "truncatedAlerts": 0,
    }
