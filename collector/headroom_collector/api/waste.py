"""Waste over HTTP: what does no useful work, since when, by which evidence, and what it costs."""

from fastapi import APIRouter
from pydantic import BaseModel, Field

from headroom_collector.api.money import prices
from headroom_collector.api.services import Given
from headroom_collector.api.times import Moment, moment, moment_or_none
from headroom_collector.consolidation.waste.findings import Finding
from headroom_collector.consolidation.waste.waste import find_waste

router = APIRouter(tags=["waste"])


class FindingOut(BaseModel):
    """One finding; null where unknown."""

    kind: str = Field(description="What it is, such as idle host or oversized VM")
    name: str = Field(description="Host, virtual machine or site/cluster")
    host: str = Field(description="Host that it is on; empty for a cluster")
    site: str = Field(description="Site of the host")
    cluster: str = Field(description="Cluster of the host")
    since: Moment | None = Field(description="Since when it is so, UTC")
    at_least: bool = Field(description="It was so before, but the history does not reach back")
    evidence: str = Field(description="What was measured, in a sentence")
    cost_per_year: float | None = Field(description="What it costs, money a year")
    counted: bool = Field(description="Its cost is part of the total")


class WasteOut(BaseModel):
    """Waste of the estate at one time, the dearest first."""

    time: Moment
    currency: str = Field(description="Currency of every sum")
    total_per_year: float | None = Field(description="Cost of what is counted, money a year")
    hosts: int = Field(description="Hosts looked at")
    vms: int = Field(description="Virtual machines looked at")
    hosts_of_unknown_age: int = Field(description="Hosts whose purchase date is not known")
    hosts_of_unknown_power: int = Field(description="Hosts whose power is not known")
    hosts_simulated: int = Field(description="Simulated hosts among them")
    history_days: int = Field(description="Days since the first that is known")
    needed_days: int = Field(description="Days without work that a verdict needs")
    findings: list[FindingOut]


def _finding(found: Finding) -> FindingOut:
    return FindingOut(
        kind=found.kind,
        name=found.name,
        host=found.host,
        site=found.site,
        cluster=found.cluster,
        since=moment_or_none(found.since),
        at_least=found.at_least,
        evidence=found.evidence,
        cost_per_year=found.cost_per_year,
        counted=found.counted,
    )


@router.get("/api/v1/waste", summary="Assets that do no useful work")
def waste(given: Given) -> WasteOut:
    """Look for waste now. Costs rest on the inputs that /api/v1/prices lists."""
    now = given.clock.now()
    found = find_waste(given.store, given.book, prices(given.config), now)
    return WasteOut(
        time=moment(now),
        currency=found.currency,
        total_per_year=found.total_per_year,
        hosts=found.hosts,
        vms=found.vms,
        hosts_of_unknown_age=found.unknown_age,
        hosts_of_unknown_power=found.unknown_power,
        hosts_simulated=found.simulated,
        history_days=found.history_days,
        needed_days=found.thresholds.idle_days,
        findings=[_finding(one) for one in found.findings],
    )
