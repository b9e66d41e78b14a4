"""Latest figures of the machines that a bound is shown beside: virtual machines and power."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from headroom_collector.consolidation.machines import Machine
from headroom_collector.store.api import Reader
from headroom_core.power import Power, Reading, power_of

RECENT_NS = 600 * 1_000_000_000
"""What is older is not the state of now."""

_VMS = """
    SELECT host_id, arg_max(domains_running, time) AS vms
    FROM host_sample WHERE time >= ? AND time <= ? AND domains_running IS NOT NULL
    GROUP BY host_id"""

_POWER = """
    SELECT e.host_id AS host_id, CAST(any_value(t.labels) AS VARCHAR) AS labels,
           arg_max(e.power_watts, e.time) AS watts, max(e.time) AS at
    FROM energy_sample e JOIN things t ON t.id = e.thing_id
    WHERE e.time >= ? AND e.time <= ? AND e.power_watts IS NOT NULL
    GROUP BY e.host_id, e.thing_id"""


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


def read_latest(reader: Reader, now: int) -> Latest:
    """Read what the last ten minutes up to ``now`` (UTC nanoseconds) say; raises StoreError."""
    span: Sequence[int] = (now - RECENT_NS, now)
    vms = reader.query(_VMS, span).to_pylist()
    readings: dict[int, list[Reading]] = defaultdict(list)
    for row in reader.query(_POWER, span).to_pylist():
        reading = Reading(json.loads(row["labels"]), row["watts"], at=row["at"])
        readings[row["host_id"]].append(reading)
    power = {host_id: power_of(found) for host_id, found in readings.items()}
    return Latest(
        vms={row["host_id"]: int(row["vms"]) for row in vms},
        power={host_id: found for host_id, found in power.items() if found is not None},
    )
