"""Hosts of a live plan: what is known of each machine that is present, as a row of hosts.csv."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from headroom_collector.consolidation.machines import Machine, Place, present
from headroom_collector.consolidation.money.assets import Held, read_held
from headroom_collector.store.api import HostRow, Reader
from headroom_core.ceiling import Ceiling
from headroom_core.energy_generations import find, model
from headroom_core.estate import Estate, Status

MIB = float(1 << 20)
USUAL_HERTZ = 2.4e9
"""Clock of a host that tells none, where no other host of the estate tells one either."""
YEARS = {
    "EPYC 9005": 2024,
    "EPYC 9004": 2022,
    "EPYC 7003": 2021,
    "EPYC 7002": 2019,
    "EPYC 7001": 2017,
    "Xeon 6": 2024,
    "Emerald Rapids": 2023,
    "Sapphire Rapids": 2023,
    "Ice Lake SP": 2021,
    "Cascade Lake": 2019,
    "Skylake SP": 2017,
    "Broadwell EP": 2016,
    "Haswell EP": 2014,
    "Sandy Bridge EP": 2012,
    "Nehalem and Westmere": 2009,
}
"""Year in which each generation of CPUs came out."""


@dataclass(frozen=True, slots=True)
class LiveHost:
    """
    A machine that takes part.

    ``mhz`` of all its cores together at base clock; ``cpus`` logical; ``row`` for hosts.csv.
    """

    machine: Machine
    place: Place
    mhz: float
    cpus: float
    bare: bool
    row: Mapping[str, Any]


def read_hosts(
    reader: Reader,
    estate: Estate,
    ceiling: Ceiling | None,
    now: int,
    guests: frozenset[str] = frozenset(),
) -> tuple[list[LiveHost], list[str]]:
    """
    Return the hosts, and notes on what of them is not known; raises StoreError.

    ``ceiling`` None leaves it to the plan. ``guests``: UUIDs of virtual machines, whose own agents
    are no hosts.
    """
    rows = {row.id: row for row in reader.hosts()}
    held = {one.name: one for one in read_held(reader, estate, now)}
    clocks = [hertz for row in rows.values() if (hertz := _number(row.facts, "base_hertz"))]
    usual = sorted(clocks)[len(clocks) // 2] if clocks else USUAL_HERTZ
    found, unclocked, inside = [], 0, 0
    for place, machines in present(rows.values(), estate, now).items():
        for machine in machines:
            newest = max((rows[at] for at in machine.ids), key=lambda row: row.received)
            if str(newest.facts.get("product_uuid", "")).lower() in guests:
                inside += 1
                continue
            unclocked += _number(newest.facts, "base_hertz") is None
            found.append(_host(place, machine, newest, held[machine.name], estate, ceiling, usual))
    notes = []
    if unclocked:
        notes.append(
            f"base clock of {unclocked} hosts is not known: taken as {usual / 1e6:.0f} MHz"
        )
    if inside:
        notes.append(f"{inside} hosts are virtual machines of others and left out as hosts")
    return found, notes


def _number(facts: Mapping[str, Any], key: str) -> float | None:
    value = facts.get(key)
    if not isinstance(value, (int, float)) or isinstance(value, bool) or value <= 0:
        return None
    return float(value)


def _host(
    place: Place,
    machine: Machine,
    newest: HostRow,
    held: Held,
    estate: Estate,
    ceiling: Ceiling | None,
    usual: float,
) -> LiveHost:
    facts = newest.facts
    cpus = machine.cpus or machine.cores or 1.0
    cores = machine.cores or cpus
    clock = (_number(facts, "base_hertz") or usual) / 1e6
    bare = held.vms is None and not facts.get("hypervisor")
    member = estate.member(machine.name)
    idle, full = _watts(held, str(facts.get("cpu_model", "")))
    row = {
        "host": machine.name,
        "cores": int(cores),
        "core_mhz": round(clock),
        "memory_mib": int((machine.memory_bytes or 0) / MIB),
        "site": place.site,
        "cluster": place.cluster,
        "cpu_vendor": str(facts.get("cpu_vendor", "")),
        "idle_watts": idle,
        "max_watts": full,
        "age_years": held.asset.age_years,
        "status": "maintenance" if member.status is Status.MAINTENANCE else "active",
        "ceiling": None
        if ceiling is None
        else ceiling.of(place.site, place.cluster, machine.host_class),
        "cpu_model": str(facts.get("cpu_model", "")),
        "cpu_year": _year(str(facts.get("cpu_model", "")), held),
        "bare": "yes" if bare else "no",
    }
    return LiveHost(machine, place, int(cores) * round(clock), cpus, bare, row)


def _year(cpu_model: str, held: Held) -> int | None:
    known = find(cpu_model)
    if known is not None and known.name in YEARS:
        return YEARS[known.name]
    return held.purchased.year if held.purchased else None


def _watts(held: Held, cpu_model: str) -> tuple[float | None, float | None]:
    """Return idle and full watts by the CPUs' generation; None where it is not known."""
    known, asset = find(cpu_model), held.asset
    if known is None or not asset.cores:
        return None, None
    made = model(known, max(1, int(asset.sockets or 1)), int(asset.cores))
    return round(made.idle.value, 1), round(made.full.value, 1)


def by_host_id(hosts: Sequence[LiveHost]) -> dict[int, int]:
    """Return the index of each of the store's host ids."""
    return {host_id: at for at, host in enumerate(hosts) for host_id in host.machine.ids}
