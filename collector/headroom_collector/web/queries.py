"""Readings for the overview: SQL on the store's views into plain rows."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from headroom_collector.store.api import Reader
from headroom_core.power import Reading

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
WINDOW = 5 * MINUTE
"""How far back a latest value counts as present, nanoseconds."""
AHEAD = WINDOW
"""How far a host's clock may be ahead, nanoseconds."""
HOUR_SLOTS = 60
HEADROOM_AGE = 10 * MINUTE
HEADROOM_ROUND = 90 * SECOND
"""Rows of one computation lie closer together than this, nanoseconds."""

HOSTS = """
SELECT host_id,
       avg(cpu_utilisation_ratio) AS mean,
       arg_max(cpu_utilisation_ratio, time) AS latest,
       min(time) FILTER (cpu_utilisation_ratio IS NOT NULL) AS first,
       max(time) FILTER (cpu_utilisation_ratio IS NOT NULL) AS last,
       arg_max(cpus, time) AS cpus,
       arg_max(domains_running, time) AS vms,
       arg_max(vcpus_running, time) AS vcpus,
       arg_max(memory_used_bytes, time) AS memory_used,
       arg_max(memory_total_bytes, time) AS memory_total
FROM host_sample WHERE time > ? AND time <= ? GROUP BY host_id
"""

HOUR = """
SELECT host_id, ((time - ?) // ?)::INTEGER AS slot, avg(cpu_utilisation_ratio) AS ratio
FROM host_sample
WHERE time >= ? AND time < ? AND host_id IN (SELECT unnest(?::INTEGER[]))
  AND cpu_utilisation_ratio IS NOT NULL
GROUP BY ALL
"""

POWER = """
SELECT sample.host_id, CAST(any_value(thing.labels) AS VARCHAR) AS labels,
       arg_max(power_watts, time) AS watts,
       arg_max(power_low_watts, time) AS low,
       arg_max(power_high_watts, time) AS high,
       max(time) AS at
FROM energy_sample sample JOIN things thing ON thing.id = sample.thing_id
WHERE time > ? AND time <= ? AND power_watts IS NOT NULL
GROUP BY sample.host_id, sample.thing_id
"""

HEADROOM = """
SELECT CAST(any_value(thing.labels) AS VARCHAR) AS labels,
       max(time) AS at,
       arg_max(hosts_present, time) AS present,
       arg_max(hosts_needed, time) AS needed,
       arg_max(hosts_freeable, time) AS freeable,
       arg_max(history_seconds, time) AS history,
       arg_max(cpu_demand_ratio, time) AS demand
FROM headroom_sample sample JOIN things thing ON thing.id = sample.thing_id
WHERE time > ? AND time <= ? GROUP BY sample.thing_id
"""


ALERTS = """
SELECT rule, host, started, value, ceiling FROM alert_state
WHERE state IN ('firing', 'clearing') ORDER BY started, host, rule
"""


@dataclass(frozen=True, slots=True)
class HostNow:
    """A host's figures of the last five minutes; ratios 0..1, bytes, times in UTC nanoseconds; None: unknown."""

    mean: float | None = None
    latest: float | None = None
    first: int | None = None
    last: int | None = None
    cpus: int | None = None
    vms: int | None = None
    vcpus: int | None = None
    memory_used: int | None = None
    memory_total: int | None = None


@dataclass(frozen=True, slots=True)
class HeadroomNow:
    """The newest bound of one cluster; ``at`` in UTC nanoseconds."""

    site: str
    cluster: str
    at: int
    present: int
    needed: int
    freeable: int
    history: float | None
    demand: float | None


@dataclass(frozen=True, slots=True)
class AlertNow:
    """An alert that fires; ``started`` in UTC nanoseconds, value and ceiling as ratios."""

    rule: str
    host: str
    started: int | None
    value: float | None
    ceiling: float | None


def _rows(reader: Reader, sql: str, parameters: Sequence[Any]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = reader.query(sql, parameters).to_pylist()
    return rows


def hosts_now(reader: Reader, now: int) -> dict[int, HostNow]:
    """Read the figures of the last five minutes by host id; raises StoreError."""
    return {
        row.pop("host_id"): HostNow(**row)
        for row in _rows(reader, HOSTS, (now - WINDOW, now + AHEAD))
    }


def last_hour(reader: Reader, now: int, hosts: Sequence[int]) -> dict[int, list[float | None]]:
    """Read those hosts' mean ratio a minute, oldest first, None where unknown; StoreError."""
    end = now - now % MINUTE + MINUTE
    start = end - HOUR_SLOTS * MINUTE
    found: dict[int, list[float | None]] = {}
    for row in _rows(reader, HOUR, (start, MINUTE, start, end, list(hosts))):
        slots = found.setdefault(row["host_id"], [None] * HOUR_SLOTS)
        slots[row["slot"]] = row["ratio"]
    return found


def power_now(reader: Reader, now: int) -> dict[int, list[Reading]]:
    """Read the latest power of every power domain by host id; raises StoreError."""
    found: dict[int, list[Reading]] = {}
    for row in _rows(reader, POWER, (now - WINDOW, now + AHEAD)):
        reading = Reading(
            json.loads(row["labels"]), row["watts"], row["low"], row["high"], row["at"]
        )
        found.setdefault(row["host_id"], []).append(reading)
    return found


def headroom_now(reader: Reader, now: int) -> list[HeadroomNow]:
    """
    Read the newest bounds, one a cluster; raises StoreError.

    Only those of the newest computation: a cluster that is no more leaves old rows behind.
    """
    rows = _rows(reader, HEADROOM, (now - HEADROOM_AGE, now))
    newest = max((row["at"] for row in rows), default=0)
    found = []
    for row in rows:
        complete = None not in {row["present"], row["needed"], row["freeable"]}
        if complete and row["at"] > newest - HEADROOM_ROUND:
            labels = json.loads(row.pop("labels"))
            found.append(HeadroomNow(labels.get("site", ""), labels.get("cluster", ""), **row))
    return found


def alerts_now(reader: Reader) -> list[AlertNow]:
    """Read the alerts that fire, oldest first; raises StoreError."""
    return [AlertNow(**row) for row in _rows(reader, ALERTS, ())]
