"""Readings for the overview: SQL on the store's views into plain rows."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
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


WASTE = """
SELECT sum(cost) AS cost FROM (
    SELECT arg_max(cost_per_year, time) AS cost FROM waste_sample
    WHERE time > ? AND time <= ? GROUP BY thing_id)
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


def moment(nanoseconds: int) -> datetime:
    """Return UTC nanoseconds as an aware datetime, to the millisecond."""
    return datetime.fromtimestamp(nanoseconds // 1_000_000 / 1000, UTC)


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


def waste_cost_now(reader: Reader, now: int) -> float | None:
    """Read what the waste found costs a year; None while it is not known; raises StoreError."""
    cost: float | None = _rows(reader, WASTE, (now - HEADROOM_AGE, now))[0]["cost"]
    return cost


def alerts_now(reader: Reader) -> list[AlertNow]:
    """Read the alerts that fire, oldest first; raises StoreError."""
    return [AlertNow(**row) for row in _rows(reader, ALERTS, ())]


VM_LAST = """
SELECT s.host_id, s.thing_id, max(s.time) AS time,
       arg_max(state, s.time) AS state, arg_max(vcpus, s.time) AS vcpus,
       arg_max(cpu_utilisation_ratio, s.time) AS cpu,
       arg_max(memory_bytes, s.time) AS memory,
       arg_max(memory_resident_bytes, s.time) AS resident,
       any_value(t.key) AS uuid, any_value(t.labels->>'vm') AS vm
FROM vm_sample s JOIN things t ON t.id = s.thing_id
WHERE s.thing_id IN (SELECT id FROM things WHERE kind = 'vm' AND key = ?)
  AND s.time > ? AND s.host_id IN (SELECT unnest(?::INTEGER[]))
GROUP BY ALL ORDER BY time DESC LIMIT 1
"""
DAY = 86_400 * SECOND


def vm_last(reader: Reader, uuid: str, hosts: Sequence[int], now: int) -> dict[str, Any] | None:
    """Read a virtual machine as any of these hosts saw it last within a day; raises StoreError."""
    rows = _rows(reader, VM_LAST, (uuid, now - DAY, list(hosts)))
    return rows[0] if rows else None


def _vm_series_sql(field: str, rolled: bool) -> str:
    table, column = ("vm_5m", f"{field}_mean") if rolled else ("vm_sample", field)
    return f"""
        SELECT $1 + ((time - $1) // $2) * $2 AS moment, avg("{column}") AS value FROM {table}
        WHERE time >= $1 AND time < $3 AND "{column}" IS NOT NULL
          AND thing_id IN (SELECT id FROM things WHERE kind = 'vm' AND key = $4)
        GROUP BY moment"""  # noqa: S608 -- names of our own, the rest are parameters


def vm_series(
    reader: Reader, uuid: str, field: str, span: tuple[int, int, int]
) -> dict[int, float]:
    """
    Read a field of a virtual machine by the start of each step; raises StoreError.

    ``span`` is start, end and step in nanoseconds. Raw samples where the step is shorter than
    5 minutes or what is rolled up does not reach.
    """
    start, end, step = span
    given = [start, step, end, uuid]
    raw_from = start if step < WINDOW else max(start, end - max(2 * WINDOW, step))
    found = {}
    if step >= WINDOW:
        for row in _rows(reader, _vm_series_sql(field, rolled=True), given):
            found[row["moment"]] = row["value"]
    raw = _vm_series_sql(field, rolled=False).replace("time >= $1", f"time >= {raw_from}")
    for row in _rows(reader, raw, given):
        found.setdefault(row["moment"], row["value"])
    return found


AGENTS = """
SELECT host_id, arg_max(spool_batches, time) AS spool, arg_max(dropped_batches_total, time) AS dropped,
       arg_max(memory_resident_bytes, time) AS memory
FROM agent_sample WHERE time > ? AND time <= ? GROUP BY host_id
"""
GAPS = "SELECT host_id, sum(to_seq - from_seq + 1) AS lost FROM gaps GROUP BY host_id"


def agents_now(reader: Reader, now: int) -> dict[int, dict[str, Any]]:
    """Read what agents say of themselves, by host id; raises StoreError."""
    rows = _rows(reader, AGENTS, (now - WINDOW, now + AHEAD))
    return {row.pop("host_id"): row for row in rows}


def gaps(reader: Reader) -> dict[int, int]:
    """Read how many batches of each host are gone for good, by host id; raises StoreError."""
    return {row["host_id"]: int(row["lost"]) for row in _rows(reader, GAPS, ())}
