"""Alerts as samples of the collector's own, so that a dashboard can show them."""

import os
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Protocol

from headroom_collector.alert_metrics import DISK_FREE, unit_of
from headroom_collector.alerts.record import Alert
from headroom_collector.store.api import Outcome, Rows, Thing, Value
from headroom_core.rules import Rule
from headroom_proto.catalogue import Kind, catalogue

KIND = "alert"


def disk_statistics(folder: Path) -> Mapping[str, float]:
    """Return how much of the disk under a folder is free for this process; {} if none can say."""
    try:
        found = os.statvfs(folder)
    except OSError:
        return {}
    return {DISK_FREE: found.f_bavail / found.f_blocks} if found.f_blocks else {}


class Producer(Protocol):
    """Stores samples that the collector makes itself."""

    def append(self, rows: Sequence[Rows]) -> "Future[Outcome]":
        """Queue samples; the future is done once they are durable."""
        ...


def thing(kind: Kind, fields: dict[str, str]) -> Thing:
    """Return the thing that these label fields name."""
    key = "\x1f".join(fields[label.field] for label in kind.labels if label.key)
    return Thing(key, {label.name: fields[label.field] for label in kind.labels})


def alert_rows(alerts: Iterable[Alert], rules: Sequence[Rule], now: int) -> list[Rows]:
    """Return one AlertSample for each alert, at UTC nanoseconds ``now``; [] where there is none."""
    kind = catalogue().kind(KIND)
    severities = {rule.name: rule.severity for rule in rules}
    ratios = {rule.name for rule in rules if unit_of(rule) == "ratio"}
    rows = []
    for alert in alerts:
        # The metric is a ratio: what a rule saw in another unit is in the API.
        seen = alert.value if alert.rule in ratios else None
        values: dict[str, Value] = {"firing": int(alert.state.firing), "value": seen}
        severity = severities.get(alert.rule, "")
        about = thing(kind, {"rule": alert.rule, "host": alert.host, "severity": severity})
        rows.append((now, about, [values.get(column.field) for column in kind.columns]))
    return [Rows(KIND, rows)] if rows else []
