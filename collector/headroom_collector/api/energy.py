"""Energy over HTTP: kWh, carbon and money of hosts, virtual machines and sites."""

from collections.abc import Iterable
from functools import reduce
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from headroom_collector.api.money import InputOut, inputs_out, prices
from headroom_collector.api.services import Given
from headroom_collector.api.times import Moment, moment
from headroom_collector.consolidation.machines import present
from headroom_collector.consolidation.money.file import Prices
from headroom_collector.consolidation.nested import hypervisors_of
from headroom_collector.energy.footprint import (
    Used,
    VmUsed,
    footprint,
    hosts_used,
    vms_used,
)
from headroom_core.energy import Estimate

router = APIRouter(tags=["energy"])

DAY_NS = 86_400 * 1_000_000_000
INPUTS = ("energy.pue", "energy.grid_kg_per_kwh", "energy.price_per_kwh")


class RangeOut(BaseModel):
    """A figure with the ends that it most likely lies between."""

    value: float
    low: float
    high: float


class UseOut(BaseModel):
    """Energy at servers' inputs, and what it comes to with the data centre's overhead."""

    kwh: RangeOut = Field(description="At the servers' inputs, kWh")
    carbon_kg: RangeOut | None = Field(description="kg CO2e; null where the grid is unknown")
    money: RangeOut | None = Field(description="Money; null where the price is unknown")


class ShareOut(BaseModel):
    """A share of a host's energy."""

    part: str = Field(description="vm, host (its own work) or unallocated (idle, unreserved)")
    uuid: str = Field(description="UUID of the virtual machine; empty for the others")
    vm: str = Field(description="Name of the virtual machine; empty for the others")
    hours: float = Field(description="Hours that are known")
    dynamic_kwh: float = Field(description="Above the host's idle floor, kWh")
    idle_kwh: float = Field(description="Part of the host's idle floor, kWh")
    use: UseOut = Field(description="Both together, in the host's own proportion of low and high")


class HostUseOut(UseOut):
    """A host's energy."""

    host: str
    site: str
    cluster: str
    kind: str = Field(description="Weakest of measured, derived and modelled in it")
    hours: float = Field(description="Hours that are known; the others are not made up for")
    shares: list[ShareOut]


class SiteUseOut(UseOut):
    """Energy of a site's hosts together."""

    site: str
    hosts: int


class EnergyOut(BaseModel):
    """Energy over some days until now."""

    begin: Moment
    end: Moment
    currency: str
    hosts_of_unknown_power: int = Field(description="Hosts that are in no figure")
    inputs: list[InputOut] = Field(description="PUE, grid factor and price, with their sources")
    sites: list[SiteUseOut]
    hosts: list[HostUseOut]


def _range(found: Estimate | None) -> RangeOut | None:
    return None if found is None else RangeOut(value=found.value, low=found.low, high=found.high)


def _use(kwh: Estimate, given: Prices) -> dict[str, RangeOut | None]:
    found = footprint(kwh, given.figures)
    return {
        "kwh": _range(kwh),
        "carbon_kg": _range(found.carbon_kg),
        "money": _range(found.money),
    }


def _share(share: VmUsed, host: Used, given: Prices) -> ShareOut:
    kwh = share.dynamic_kwh + share.idle_kwh
    part = kwh / host.kwh.value if host.kwh.value else 0.0
    return ShareOut(
        part=share.part,
        uuid=share.uuid,
        vm=share.name,
        hours=share.hours,
        dynamic_kwh=share.dynamic_kwh,
        idle_kwh=share.idle_kwh,
        use=UseOut.model_validate(_use(host.kwh.times(part), given)),
    )


def _sites(hosts: Iterable[HostUseOut], given: Prices) -> list[SiteUseOut]:
    by_site: dict[str, list[Estimate]] = {}
    for host in hosts:
        kwh = Estimate(host.kwh.value, host.kwh.low, host.kwh.high)
        by_site.setdefault(host.site, []).append(kwh)
    return [
        SiteUseOut.model_validate(
            {"site": site, "hosts": len(all_of), **_use(reduce(Estimate.plus, all_of), given)}
        )
        for site, all_of in sorted(by_site.items())
    ]


@router.get("/api/v1/energy", summary="Energy, carbon and money of hosts, VMs and sites")
def energy(
    given: Given,
    days: Annotated[int, Query(ge=1, le=45, description="Days until now")] = 1,
) -> EnergyOut:
    """Add up the 5-minute means of each host's best source of power at its input."""
    now = given.clock.now()
    begin, known = now - days * DAY_NS, prices(given.config)
    used, shares = hosts_used(given.store, begin, now), vms_used(given.store, begin, now)
    hosts, unknown = [], 0
    rows = given.store.hosts()
    hypervisors = hypervisors_of(given.store, rows, now)
    for place, machines in present(rows, given.book, now, hypervisors).items():
        for machine in machines:
            ids = [one for one in machine.ids if one in used]
            if not ids:
                unknown += 1
                continue
            found = used[ids[-1]]
            host = {
                "host": machine.name,
                "site": place.site,
                "cluster": place.cluster,
                "kind": found.kind,
                "hours": found.hours,
                "shares": [_share(one, found, known) for one in shares.get(ids[-1], ())],
            }
            hosts.append(HostUseOut.model_validate(host | _use(found.kwh, known)))
    return EnergyOut(
        begin=moment(begin),
        end=moment(now),
        currency=known.currency,
        hosts_of_unknown_power=unknown,
        inputs=[one for one in inputs_out(known) if one.key in INPUTS],
        sites=_sites(hosts, known),
        hosts=hosts,
    )
