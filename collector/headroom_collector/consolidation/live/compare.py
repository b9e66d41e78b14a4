"""Plans compared: with each other, and with what was measured after them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from headroom_collector.consolidation.live.book import Kept
from headroom_collector.consolidation.live.hosts import by_host_id, read_hosts
from headroom_collector.consolidation.live.vms import read_vms
from headroom_collector.energy.footprint import hosts_used
from headroom_collector.store.api import Reader
from headroom_core.estate import Estate

DAY_NS = 86_400 * 1_000_000_000
HOUR_NS = 3_600 * 1_000_000_000


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two plans: ``difference`` is the other's number less the one's, None where one is unknown."""

    difference: Mapping[str, float | None]
    placed_elsewhere: Sequence[str]
    freed_only_by_one: Sequence[str]
    freed_only_by_other: Sequence[str]
    asked: Mapping[str, tuple[Any, Any]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """
    What happened since a plan was finished.

    Energy in kWh over the ``hours`` that are known of the plan's hosts together: as measured, as the
    plan forecast it for those hours, and what the hosts would have drawn without it.
    """

    days: float
    freed_now: Sequence[str]
    freed_forecast: int
    vms_as_planned: int
    vms_to_move: int
    watts_forecast: float
    watts_measured: float | None
    kwh_forecast: float | None
    kwh_measured: float | None
    kwh_before: float | None
    hours: float
    notes: Sequence[str]


def compare(one: Kept, other: Kept) -> Comparison:
    """Compare two finished plans."""
    left, right = one.result, other.result
    keys = [key for key, value in one.summary.items() if _is_number(value) or value is None]
    places = left["placement"], right["placement"]
    freed = set(left["hosts_freed"]), set(right["hosts_freed"])
    return Comparison(
        difference={
            key: _less(other.summary.get(key), one.summary.get(key))
            for key in keys
            if key != "currency"
        },
        placed_elsewhere=sorted(
            vm for vm, host in places[0].items() if vm in places[1] and places[1][vm] != host
        ),
        freed_only_by_one=sorted(freed[0] - freed[1]),
        freed_only_by_other=sorted(freed[1] - freed[0]),
        asked={
            key: (one.asked.get(key), other.asked.get(key))
            for key in sorted({*one.asked, *other.asked})
            if one.asked.get(key) != other.asked.get(key)
        },
    )


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _less(value: Any, other: Any) -> float | None:
    if not (_is_number(value) and _is_number(other)):
        return None
    return round(float(value) - float(other), 6)


def since(reader: Reader, estate: Estate, kept: Kept, now: int) -> Outcome:
    """Return what happened since a finished plan; raises StoreError."""
    result, begun = kept.result, kept.finished or kept.started
    hosts, _ = read_hosts(reader, estate, None, now)
    names = {host.machine.name for host in hosts}
    planned = {*result["hosts_kept"], *result["hosts_freed"]}
    freed = [name for name in result["hosts_freed"] if name not in names]
    vms, _ = read_vms(reader, by_host_id(hosts), now)
    moved = {move["vm"] for move in result["moves"]}
    there = [
        vm
        for vm in vms
        if vm.name in moved and hosts[vm.host].machine.name == result["placement"].get(vm.name)
    ]
    energy = _energy(reader, hosts, planned, begun, now)
    savings = result["savings"]
    after, before = savings["power_watts_after"], savings["power_watts_before"]
    hours = energy[1]
    notes = []
    if not hours:
        notes.append("no energy of these hosts is known since the plan")
    if savings.get("basis") != "given":
        notes.append("the forecast rests on default watts for some hosts: compare with care")
    return Outcome(
        days=(now - begun) / DAY_NS,
        freed_now=freed,
        freed_forecast=len(result["hosts_freed"]),
        vms_as_planned=len(there),
        vms_to_move=len(moved),
        watts_forecast=after,
        watts_measured=round(energy[0] / hours * 1000, 1) if hours else None,
        kwh_forecast=round(after * hours / 1000, 3) if hours else None,
        kwh_measured=round(energy[0], 3) if hours else None,
        kwh_before=round(before * hours / 1000, 3) if hours else None,
        hours=hours,
        notes=tuple(notes),
    )


def _energy(
    reader: Reader, hosts: Sequence[Any], planned: set[str], begun: int, now: int
) -> tuple[float, float]:
    """Return kWh of the plan's hosts, those that are gone with none, and the hours they are of."""
    used = hosts_used(reader, begun, now)
    owner = {one: host.machine.name for host in hosts for one in host.machine.ids}
    kwh, hours = 0.0, 0.0
    for host_id, one in used.items():
        if owner.get(host_id) in planned:
            kwh += one.kwh.value
            hours = max(hours, one.hours)
    return kwh, hours
