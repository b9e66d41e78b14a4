"""
Rules with windows of hours and days, made from 5-minute roll-ups.

A window ends on a multiple of the rule's step and is judged once, as soon as its roll-ups are
there. Means are weighted by samples; max, min and percentiles are those of the 5-minute means; a
rate is a counter's growth over the time that is known.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from headroom_collector.alert_metrics import CLUSTER_KINDS, POWER, kind_of
from headroom_collector.alerts.judge import Reading
from headroom_collector.alerts.subjects import Subjects, of_cluster, of_site, place_of
from headroom_collector.alerts.window import SECOND
from headroom_collector.store.api import Reader
from headroom_core.estate import Member, Status
from headroom_core.rules import Rule

BUCKET_SECONDS = 300.0
LAG_SECONDS = 120.0
"""A bucket is rolled up this long after its end, with some time to spare."""

Level = Callable[[Rule, Member], float | None]
"""What a rule holds a subject against; None where there is nothing."""

AGGREGATES = {
    "mean": "sum({0}_mean * r.samples) / sum(r.samples)",
    "max": "max({0}_mean)",
    "min": "min({0}_mean)",
    "rate": "sum({0}_delta) / (count({0}_delta) * 300.0)",
}


def aggregate_sql(rule: Rule, field_name: str) -> tuple[str, str]:
    """Return SQL of the aggregate and of how many buckets it rests on."""
    name = f'r."{field_name}'
    whole = AGGREGATES.get(rule.aggregate)
    text = whole or f"quantile_disc({{0}}_mean, {int(rule.aggregate[1:]) / 100})"
    suffix = "delta" if rule.aggregate == "rate" else "mean"
    quoted = text.replace("{0}_mean", f'{name}_mean"').replace("{0}_delta", f'{name}_delta"')
    return quoted, f'count({name}_{suffix}")'


def read_windows(reader: Reader, rule: Rule, end: int) -> dict[str, float | None]:
    """
    Return the aggregate of the window that ends at ``end`` (UTC nanoseconds), by subject.

    None where it holds too few buckets. Raises StoreError.
    """
    kind = kind_of(rule.metric) or "host"
    value, count = aggregate_sql(rule, rule.metric.rpartition(".")[2])
    about, key = ("hosts", "host_id") if kind == "host" else ("things", "thing_id")
    names = "t.name" if kind == "host" else "CAST(t.labels AS VARCHAR)"
    rows = reader.query(
        f"SELECT any_value({names}) AS subject, {value} AS value, {count} AS buckets"  # noqa: S608  # checked names
        f" FROM {kind}_5m r JOIN {about} t ON t.id = r.{key}"
        f" WHERE r.time >= ? AND r.time < ? GROUP BY r.{key}",
        [end - round(rule.window_seconds * SECOND), end],
    ).to_pylist()
    least = rule.coverage_ratio * rule.window_seconds / BUCKET_SECONDS
    return {
        _subject(kind, row["subject"]): row["value"] if row["buckets"] >= least else None
        for row in rows
    }


def _subject(kind: str, found: str) -> str:
    if kind not in CLUSTER_KINDS:
        return found
    labels = json.loads(found)
    return of_cluster(labels["site"], labels["cluster"])


def summed(found: dict[str, float | None]) -> dict[str, float | None]:
    """Return power of clusters with the sums of sites and of the estate; None where one lacks."""
    sums: dict[str, float | None] = dict(found)
    for cluster, watts in found.items():
        for name in (of_site(place_of(cluster).site), of_site("")):
            before = sums.get(name, 0.0)
            sums[name] = None if before is None or watts is None else before + watts
    return sums


MOST_WINDOWS = 1000
"""Windows that one replay reads at most."""


def step_of(rule: Rule) -> int:
    """Return the nanoseconds between the ends of two windows of a rule."""
    return round(max(rule.step_seconds, BUCKET_SECONDS) * SECOND)


def read_past(
    reader: Reader, rule: Rule, since: int, now: int
) -> dict[str, list[tuple[int, float | None]]]:
    """
    Return (end, aggregate) of every window that ended since then, by subject, in UTC nanoseconds.

    Raises StoreError, and ValueError where that would be too many.
    """
    step = step_of(rule)
    ends = range(-(-since // step) * step, now - round(LAG_SECONDS * SECOND), step)
    if len(ends) > MOST_WINDOWS:
        raise ValueError(f"more than {MOST_WINDOWS:,} windows: look less far back")
    found: dict[str, list[tuple[int, float | None]]] = {}
    for end in ends:
        for name, value in windows_of(reader, rule, end).items():
            found.setdefault(name, []).append((end, value))
    return found


def windows_of(reader: Reader, rule: Rule, end: int) -> dict[str, float | None]:
    """Return the windows that end there, sums of power among them. Raises StoreError."""
    windows = read_windows(reader, rule, end)
    return summed(windows) if rule.metric == POWER else windows


@dataclass(slots=True)
class LongWindows:
    """What was judged already, by rule: the end of the last window in UTC nanoseconds."""

    rules: Sequence[Rule]
    subjects: Subjects
    level: Level
    judged: dict[str, int] = field(default_factory=dict)

    def readings(self, reader: Reader, now: int) -> list[tuple[Rule, Reading]]:
        """Return what rules with long windows see that have a new window. Raises StoreError."""
        found: list[tuple[Rule, Reading]] = []
        for rule in self.rules:
            step = step_of(rule)
            end = (now - round(LAG_SECONDS * SECOND)) // step * step
            if rule.long and end > self.judged.get(rule.name, 0):
                found += [(rule, one) for one in self._of(reader, rule, end)]
                self.judged[rule.name] = end
        return found

    def _of(self, reader: Reader, rule: Rule, end: int) -> Iterator[Reading]:
        for name, value in windows_of(reader, rule, end).items():
            member = self.subjects.member(name)
            level = self.level(rule, member)
            waits = member.status is not Status.RETIRED and rule.scope.takes(member)
            if level is not None and waits:
                yield Reading(name, end, value, level)
