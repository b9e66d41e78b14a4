"""Headroom over HTTP: per cluster and for the estate, also under another ceiling than the policy's."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from headroom_collector.api.services import Given
from headroom_collector.consolidation.cluster import Basis, ClusterHeadroom
from headroom_collector.consolidation.headroom import compute
from headroom_core.ceiling import Ceiling

router = APIRouter(tags=["headroom"])

EXPLANATION = (
    "Hosts needed are a lower bound: no plan can use fewer, and none can free more than"
    " hosts_freeable. It is no plan of moves: whole virtual machines may need more hosts."
)


class BasisOut(BaseModel):
    """What a bound rests on."""

    method: Literal["volume bound"] = "volume bound"
    cpu_unit: Literal["cores", "logical CPUs"] = Field(description="Unit that CPU demand is in")
    binding: Literal["cpu", "memory"] | None = Field(description="Resource that needs most hosts")
    hosts_needed_by_cpu: int | None = Field(description="Lower bound by CPU alone, hosts")
    hosts_needed_by_memory: int | None = Field(description="Lower bound by memory alone, hosts")
    history_seconds: float = Field(description="Length of the history, seconds")
    completeness_ratio: float = Field(
        description="Share of the 5-minute samples that were measured, 0 to 1; the rest was filled"
        " with each host's own 95th percentile"
    )
    peak_at: datetime | None = Field(description="Moment of the greatest CPU demand, UTC")
    notes: list[str] = Field(description="What to know of the figure, in sentences")


class ClusterOut(BaseModel):
    """Headroom of one cluster; null where unknown."""

    site: str = Field(description="Site; empty where the inventory assigns none")
    cluster: str = Field(description="Cluster; empty where the inventory assigns none")
    ceiling_ratio: float = Field(description="Share of its CPUs that a host may use, 0 to 1")
    hosts_present: int = Field(description="Hosts neither retired nor silent for a day")
    hosts_needed: int | None = Field(description="Lower bound on the hosts needed")
    hosts_freeable: int | None = Field(description="Hosts that can be freed at most")
    beyond: bool = Field(description="Demand is more than all hosts may carry under the ceiling")
    cpu_demand_ratio: float | None = Field(
        description="Greatest CPU demand at one moment, share of all CPUs, 0 to 1"
    )
    memory_demand_bytes: int | None = Field(description="Memory that the work needs, bytes")
    vms_running: int | None = Field(description="Running virtual machines")
    hypervisors: int = Field(description="Hosts that run a hypervisor")
    vms_per_host: float | None = Field(description="Running virtual machines per hypervisor")
    power_watts: float | None = Field(description="Power of the hosts whose power is known, watts")
    power_watts_by_kind: dict[str, float] = Field(
        description="The same, split into measured, derived and modelled, watts"
    )
    hosts_with_power: int = Field(description="Hosts whose power is known")
    simulated: bool = Field(description="Simulated hosts are among them")
    hosts_simulated: int = Field(description="Simulated hosts")
    basis: BasisOut


class TotalOut(BaseModel):
    """The estate: the clusters added up, since work does not move between them."""

    hosts_present: int = Field(description="Hosts neither retired nor silent for a day")
    hosts_needed: int | None = Field(
        description="Hosts present that are needed: the lower bounds added up, each at most its"
        " cluster's hosts; null where a cluster has none yet"
    )
    hosts_freeable: int | None = Field(
        description="Hosts that can be freed at most, in the clusters that have a bound"
    )
    vms_running: int | None = Field(description="Running virtual machines")
    vms_per_host: float | None = Field(description="Running virtual machines per hypervisor")
    power_watts: float | None = Field(description="Power of the hosts whose power is known, watts")
    hosts_with_power: int = Field(description="Hosts whose power is known")
    simulated: bool = Field(description="Simulated hosts are among them")
    history_seconds: float | None = Field(description="Shortest history of a cluster, seconds")


class HeadroomOut(BaseModel):
    """Headroom of the estate at one time."""

    time: datetime = Field(description="When it was computed, UTC")
    ceiling_ratio: float = Field(description="The estate's ceiling, or the one asked about")
    what_if: bool = Field(description="The ceiling was asked about and is not the policy's")
    explanation: str = EXPLANATION
    total: TotalOut
    clusters: list[ClusterOut]


def _when(nanoseconds: int) -> datetime:
    return datetime.fromtimestamp(nanoseconds // 1_000_000_000, tz=UTC)


def _basis(basis: Basis) -> BasisOut:
    return BasisOut(
        cpu_unit=basis.cpu_unit,
        binding=basis.binding,
        hosts_needed_by_cpu=basis.cpu_hosts,
        hosts_needed_by_memory=basis.memory_hosts,
        history_seconds=basis.history_seconds,
        completeness_ratio=basis.completeness,
        peak_at=None if basis.peak_at is None else _when(basis.peak_at),
        notes=list(basis.notes),
    )


def _cluster(found: ClusterHeadroom) -> ClusterOut:
    return ClusterOut(
        site=found.site,
        cluster=found.cluster,
        ceiling_ratio=found.ceiling_ratio,
        hosts_present=found.hosts_present,
        hosts_needed=found.hosts_needed,
        hosts_freeable=found.hosts_freeable,
        beyond=found.beyond,
        cpu_demand_ratio=found.cpu_demand_ratio,
        memory_demand_bytes=found.memory_demand_bytes,
        vms_running=found.vms_running,
        hypervisors=found.hypervisors,
        vms_per_host=found.vms_per_host,
        power_watts=found.power_watts,
        power_watts_by_kind=dict(found.power_by_kind),
        hosts_with_power=found.hosts_with_power,
        simulated=found.simulated,
        hosts_simulated=found.hosts_simulated,
        basis=_basis(found.basis),
    )


def _sum(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _whole(values: Iterable[int | None]) -> int | None:
    total = _sum(values)
    return None if total is None else int(total)


def total(clusters: Sequence[ClusterHeadroom]) -> TotalOut:
    """Add the clusters up; what is unknown stays so."""
    unknown = any(found.hosts_needed is None for found in clusters)
    needed = [
        min(found.hosts_needed, found.hosts_present)
        for found in clusters
        if found.hosts_needed is not None
    ]
    vms = _whole(found.vms_running for found in clusters)
    hypervisors = sum(found.hypervisors for found in clusters)
    return TotalOut(
        hosts_present=sum(found.hosts_present for found in clusters),
        hosts_needed=None if unknown else sum(needed),
        hosts_freeable=_whole(found.hosts_freeable for found in clusters),
        vms_running=vms,
        vms_per_host=vms / hypervisors if vms is not None and hypervisors else None,
        power_watts=_sum(found.power_watts for found in clusters),
        hosts_with_power=sum(found.hosts_with_power for found in clusters),
        simulated=any(found.simulated for found in clusters),
        history_seconds=min((found.history_seconds for found in clusters), default=None),
    )


@router.get("/api/v1/headroom", summary="Hosts present, needed and freeable")
def headroom(
    services: Given,
    ceiling: Annotated[
        float | None,
        Query(gt=0, le=1, description="What if: one ceiling for every host, a ratio such as 0.50"),
    ] = None,
) -> HeadroomOut:
    """Compute the headroom now, under the policy's ceiling or under the one asked about."""
    policy = services.config.ceiling
    chosen = policy if ceiling is None else Ceiling(ceiling)
    now = services.clock.now()
    clusters = compute(services.store, services.book, chosen, now)
    return HeadroomOut(
        time=_when(now),
        ceiling_ratio=chosen.ratio,
        what_if=ceiling is not None,
        total=total(clusters),
        clusters=[_cluster(found) for found in clusters],
    )
