"""Judgement on one cluster: its measured demand held against a ceiling."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from headroom_collector.consolidation.bound import Bound, Floats, Resource, lower_bound, total
from headroom_collector.consolidation.demand import Demand, Unit
from headroom_collector.consolidation.latest import Latest
from headroom_collector.consolidation.machines import Machine, Place
from headroom_core.ceiling import Ceiling

RELIABLE_SECONDS = 21 * 86_400.0
"""History from which a bound is reliable: on measured traces a plan on 7 days broke the ceiling in 3.5 % of the next week's samples, one on 21 days in 0.5 %."""
DAY_SECONDS = 86_400.0


@dataclass(frozen=True, slots=True)
class Basis:
    """
    What a bound rests on.

    ``completeness`` is a ratio; ``peak_at`` the moment of the greatest CPU demand, UTC nanoseconds;
    ``cpu_hosts`` and ``memory_hosts`` the bound by each, None where nothing is known of it;
    ``notes`` are sentences for people.
    """

    cpu_unit: Unit
    binding: Resource | None
    cpu_hosts: int | None
    memory_hosts: int | None
    history_seconds: float
    completeness: float
    peak_at: int | None
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ClusterHeadroom:
    """
    Headroom of one cluster; ratios 0..1, None where unknown.

    ``hosts_needed`` is a lower bound, ``hosts_freeable`` therefore the most that any plan can free.
    ``power_watts`` is the sum over ``hosts_with_power``, ``power_by_kind`` its measured, derived and
    modelled parts. ``simulated`` where any of the hosts is.
    """

    site: str
    cluster: str
    ceiling_ratio: float
    hosts_present: int
    hosts_needed: int | None
    hosts_freeable: int | None
    beyond: bool
    cpu_demand_ratio: float | None
    memory_demand_bytes: int | None
    vms_running: int | None
    hypervisors: int
    vms_per_host: float | None
    power_watts: float | None
    power_by_kind: Mapping[str, float]
    hosts_with_power: int
    hosts_simulated: int
    basis: Basis

    @property
    def history_seconds(self) -> float:
        """Length of the history that the bound rests on."""
        return self.basis.history_seconds

    @property
    def completeness(self) -> float:
        """Share of that history's samples that were measured, a ratio."""
        return self.basis.completeness

    @property
    def simulated(self) -> bool:
        """Whether any of the hosts is simulated."""
        return self.hosts_simulated > 0


def span(seconds: float) -> str:
    """Say a length of time for people: in the largest unit of which there is one, rounded down."""
    for name, length in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= length:
            count = int(seconds // length)
            return f"{count} {name}{'' if count == 1 else 's'}"
    return f"{int(seconds)} s"


def _limits(
    machines: Sequence[Machine], place: Place, ceiling: Ceiling, capacity: Floats
) -> Floats:
    ratios = [ceiling.of(place.site, place.cluster, machine.host_class) for machine in machines]
    return np.array(ratios) * capacity


def _notes(demand: Demand, bound: Bound | None) -> tuple[str, ...]:
    if bound is None:
        return ("Nothing was measured yet.",)
    caution = (
        f"A bound, not a plan: demand at the same moment is added up, in {demand.unit}, each host's"
        " own overhead included; moving whole VMs may need more hosts."
    )
    notes = [caution]
    if demand.history_seconds < RELIABLE_SECONDS:
        notes.append(
            f"Rests on {span(demand.history_seconds)} of history; "
            f"{span(RELIABLE_SECONDS)} are needed to rely on it."
        )
    if bound.beyond:
        notes.append(
            "The demand was more than all hosts of the cluster may carry under the ceiling: "
            "nothing can be freed, and the hosts needed count further ones as large as its largest."
        )
    if bound.memory is None:
        notes.append("Memory is not known: the bound is by CPU alone.")
    if demand.filled:
        named = ", ".join(demand.filled[:3]) + (", ..." if len(demand.filled) > 3 else "")
        notes.append(
            f"Capacity of {len(demand.filled)} host(s) is not known ({named}): "
            "taken for the largest of the cluster."
        )
    return tuple(notes)


def _basis(demand: Demand, bound: Bound | None) -> Basis:
    peak = None if bound is None or bound.peak is None else int(demand.times[bound.peak])
    return Basis(
        cpu_unit=demand.unit,
        binding=bound.binding if bound else None,
        cpu_hosts=bound.cpu if bound else None,
        memory_hosts=bound.memory if bound else None,
        history_seconds=demand.history_seconds,
        completeness=demand.completeness,
        peak_at=peak,
        notes=_notes(demand, bound),
    )


def judge(
    place: Place, machines: Sequence[Machine], demand: Demand, latest: Latest, ceiling: Ceiling
) -> ClusterHeadroom:
    """Hold the demand of one cluster's ``machines`` (at least one) against ``ceiling``."""
    limits = _limits(machines, place, ceiling, demand.cpu_capacity)
    bound = lower_bound(demand.cpu, limits, demand.memory, demand.memory_capacity)
    vms = [count for machine in machines if (count := latest.vms_of(machine)) is not None]
    powers = [power for machine in machines if (power := latest.power_of(machine)) is not None]
    by_kind: dict[str, float] = {}
    for power in powers:
        by_kind[power.kind] = by_kind.get(power.kind, 0.0) + power.watts
    cpu, memory = total(demand.cpu), total(demand.memory)
    return ClusterHeadroom(
        site=place.site,
        cluster=place.cluster,
        ceiling_ratio=ceiling.of(place.site, place.cluster),
        hosts_present=len(machines),
        hosts_needed=bound.hosts if bound else None,
        hosts_freeable=max(0, len(machines) - bound.hosts) if bound else None,
        beyond=bound.beyond if bound else False,
        cpu_demand_ratio=None if cpu is None else float(cpu.max() / demand.cpu_capacity.sum()),
        memory_demand_bytes=None if memory is None else round(float(memory.max())),
        vms_running=sum(vms) if vms else None,
        hypervisors=len(vms),
        vms_per_host=sum(vms) / len(vms) if vms else None,
        power_watts=sum(power.watts for power in powers) if powers else None,
        power_by_kind=by_kind,
        hosts_with_power=len(powers),
        hosts_simulated=sum(machine.simulated for machine in machines),
        basis=_basis(demand, bound),
    )
