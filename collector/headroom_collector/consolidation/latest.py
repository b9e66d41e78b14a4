"""Latest figures of the machines that a bound is shown beside: virtual machines and power."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from headroom_collector.consolidation.machines import Machine
from headroom_collector.store.api import Reader

RECENT_NS = 600 * 1_000_000_000
"""What is older is not the state of now."""

_VMS = """
    SELECT host_id, arg_max(domains_running, time) AS vms
    FROM host_sample WHERE time >= ? AND time <= ? AND domains_running IS NOT NULL
    GROUP BY host_id"""

_POWER = """
    SELECT e.host_id AS host_id, CAST(any_value(t.labels) AS VARCHAR) AS labels,
           arg_max(e.power_watts, e.time) AS watts
    FROM energy_sample e JOIN things t ON t.id = e.thing_id
    WHERE e.time >= ? AND e.time <= ? AND e.power_watts IS NOT NULL
    GROUP BY e.host_id, e.thing_id"""

_QUANTITIES = ("wall", "component")
_KINDS = ("measured", "derived", "modelled")
_PARTS = ("package", "dram")
"""Power domains that lie beside each other; others (core, uncore) lie within a package."""


@dataclass(frozen=True, slots=True)
class Reading:
    """Power of one power domain, in watts, and how it is known."""

    domain: str
    quantity: str
    source: str
    kind: str
    watts: float


@dataclass(frozen=True, slots=True)
class Power:
    """Power of one machine, in watts; ``quantity`` wall or component, ``kind`` measured, derived or modelled."""

    watts: float
    quantity: str
    kind: str


@dataclass(frozen=True, slots=True)
class Latest:
    """Of one store: running virtual machines of hypervisors, and power, by host id."""

    vms: Mapping[int, int]
    power: Mapping[int, Power]

    def vms_of(self, machine: Machine) -> int | None:
        """Return the running virtual machines; None where it is no hypervisor or is silent."""
        known = [self.vms[host_id] for host_id in machine.ids if host_id in self.vms]
        return max(known) if known else None

    def power_of(self, machine: Machine) -> Power | None:
        """Return the machine's power, None where it is not known."""
        known = [self.power[host_id] for host_id in machine.ids if host_id in self.power]
        return known[-1] if known else None


def _rank(reading: Reading) -> tuple[int, int, str]:
    return _QUANTITIES.index(reading.quantity), _KINDS.index(reading.kind), reading.source


def machine_power(readings: Iterable[Reading]) -> Power | None:
    """
    Choose one figure for a machine: nothing is counted twice.

    The server's input goes before its components, measured before derived before modelled, and only
    one source is taken; within it the whole host goes before the sum of packages and memory.
    """
    usable = [
        reading
        for reading in readings
        if reading.quantity in _QUANTITIES
        and reading.kind in _KINDS
        and (reading.domain == "host" or reading.domain.startswith(_PARTS))
    ]
    if not usable:
        return None
    best = min(map(_rank, usable))
    chosen = [reading for reading in usable if _rank(reading) == best]
    whole = [reading for reading in chosen if reading.domain == "host"]
    watts = sum(reading.watts for reading in whole or chosen)
    return Power(watts, chosen[0].quantity, chosen[0].kind)


def _reading(labels: Mapping[str, Any], watts: float) -> Reading:
    domain, quantity, source, kind = (
        str(labels.get(name, "")) for name in ("domain", "quantity", "source", "kind")
    )
    return Reading(domain, quantity, source, kind, watts)


def read_latest(reader: Reader, now: int) -> Latest:
    """Read what the last ten minutes up to ``now`` (UTC nanoseconds) say; raises StoreError."""
    span: Sequence[int] = (now - RECENT_NS, now)
    vms = reader.query(_VMS, span).to_pylist()
    readings: dict[int, list[Reading]] = defaultdict(list)
    for row in reader.query(_POWER, span).to_pylist():
        readings[row["host_id"]].append(_reading(json.loads(row["labels"]), row["watts"]))
    power = {host_id: machine_power(found) for host_id, found in readings.items()}
    return Latest(
        vms={row["host_id"]: int(row["vms"]) for row in vms},
        power={host_id: found for host_id, found in power.items() if found is not None},
    )
