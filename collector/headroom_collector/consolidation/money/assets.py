"""Hosts that are present as their costs see them: size, age and mean power, out of the store."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from headroom_collector.consolidation.latest import Latest, read_latest
from headroom_collector.consolidation.machines import Machine, Place, present
from headroom_collector.consolidation.money.quantities import Asset
from headroom_collector.consolidation.nested import hypervisors_of
from headroom_collector.energy.footprint import Used, hosts_used
from headroom_collector.store.api import HostRow, Reader
from headroom_core.estate import Estate
from headroom_core.power import Power, Reading, power_of

DAY_NS = 86_400 * 1_000_000_000
POWER_NS = 7 * DAY_NS
"""Power is a mean over a week: a day has no week-end."""
YEAR_DAYS = 365.25

_FLOOR = """
    SELECT e.host_id AS host_id, arg_max(e.idle_floor_watts_mean, e.time) AS watts
    FROM energy_5m e
    WHERE e.time >= ? AND e.time <= ? AND e.idle_floor_measured_mean = 1
    GROUP BY e.host_id"""
_POWER = """
    SELECT e.host_id AS host_id, CAST(any_value(t.labels) AS VARCHAR) AS labels,
           avg(e.power_watts_mean) AS watts
    FROM energy_5m e JOIN things t ON t.id = e.thing_id
    WHERE e.time >= ? AND e.time <= ? AND e.power_watts_mean IS NOT NULL
    GROUP BY e.host_id, e.thing_id"""


@dataclass(frozen=True, slots=True)
class Held:
    """
    A host that is present.

    ``vms`` run on it, None where it is no hypervisor; ``purchased`` None where the inventory does not
    say; ``power_kind``: measured, derived or modelled, empty where its power is unknown.
    """

    place: Place
    machine: Machine
    asset: Asset
    vms: int | None
    purchased: date | None
    power_kind: str

    @property
    def name(self) -> str:
        """The host's present name."""
        return self.machine.name


def age_years(purchased: date | None, now: int) -> float | None:
    """Return how old a host is at ``now`` (UTC nanoseconds), in years; None where unknown."""
    if purchased is None:
        return None
    today = datetime.fromtimestamp(now / 1e9, UTC).date()
    return max(0.0, (today - purchased).days / YEAR_DAYS)


def _readings(reader: Reader, now: int) -> Mapping[int, Power]:
    found: dict[int, list[Reading]] = defaultdict(list)
    for row in reader.query(_POWER, [now - POWER_NS, now]).to_pylist():
        found[row["host_id"]].append(Reading(json.loads(row["labels"]), row["watts"]))
    powers = {host_id: power_of(readings) for host_id, readings in found.items()}
    # Of the server's input the best source of each five minutes counts, not of the whole week.
    inputs = {
        host_id: _input(used) for host_id, used in hosts_used(reader, now - POWER_NS, now).items()
    }
    return {host_id: power for host_id, power in powers.items() if power is not None} | inputs


def _input(used: Used) -> Power:
    mean = used.kwh.times(1000 / used.hours)
    return Power(mean.value, mean.low, mean.high, "wall", used.kind, "")


def _floors(reader: Reader, now: int) -> Mapping[int, float]:
    """Return the idle floors that were seen on the hosts themselves, in watts."""
    rows = reader.query(_FLOOR, [now - POWER_NS, now]).to_pylist()
    return {row["host_id"]: row["watts"] for row in rows}


def _power(machine: Machine, week: Mapping[int, Power], latest: Latest) -> Power | None:
    known = [week[host_id] for host_id in machine.ids if host_id in week]
    return known[-1] if known else latest.power_of(machine)


def _floor(machine: Machine, power: Power | None, floors: Mapping[int, float]) -> float | None:
    """Return the measured idle floor, no more than the mean; None where only a model knows one."""
    known = [floors[host_id] for host_id in machine.ids if host_id in floors]
    if not known or power is None or power.quantity != "wall":
        return None
    return min(known[-1], power.watts)


def _sockets(rows: Sequence[HostRow]) -> float | None:
    newest: Mapping[str, Any] = max(rows, key=lambda row: row.received).facts
    sockets = newest.get("sockets")
    return float(sockets) if isinstance(sockets, int) and sockets > 0 else None


def read_held(reader: Reader, estate: Estate, now: int) -> list[Held]:
    """Return the hosts present at ``now`` (UTC nanoseconds), by cluster and name; raises StoreError."""
    rows = {row.id: row for row in reader.hosts()}
    latest, week = read_latest(reader, now), _readings(reader, now)
    floors = _floors(reader, now)
    found = []
    hypervisors = hypervisors_of(reader, rows.values(), now)
    for place, machines in present(rows.values(), estate, now, hypervisors).items():
        for machine in machines:
            power = _power(machine, week, latest)
            purchased = estate.member(machine.name).placement.purchase_date
            asset = Asset(
                name=machine.name,
                host_class=machine.host_class,
                cores=machine.cores,
                sockets=_sockets([rows[host_id] for host_id in machine.ids]),
                watts=None if power is None else power.watts,
                age_years=age_years(purchased, now),
                idle_watts=_floor(machine, power, floors),
            )
            kind = "" if power is None else power.kind
            found.append(Held(place, machine, asset, latest.vms_of(machine), purchased, kind))
    return found
