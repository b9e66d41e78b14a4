"""Virtual machines: which there are, on which host, how they are."""

from collections.abc import Collection, Iterable
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from headroom_collector.api.estate import Standing, find, standings
from headroom_collector.api.hosts import ClusterFilter, HostName, SiteFilter
from headroom_collector.api.latest_rows import Latest
from headroom_collector.api.paging import Cursor, Limit, Page, cut, sort_key
from headroom_collector.api.services import Given, Services
from headroom_collector.api.times import Moment, moment
from headroom_collector.api.values import agent_kinds, read_values

router = APIRouter(prefix="/api/v1", tags=["virtual machines"])

STATES = (
    "no state", "running", "blocked", "paused", "shutting down", "shut off", "crashed",
    "suspended",
)  # fmt: skip
"""libvirt's states of a domain, by their numbers."""


class VmOut(BaseModel):
    """A virtual machine as its host last saw it. What is not known is null, never 0."""

    uuid: str
    name: str
    host: str
    site: str
    cluster: str
    simulated: bool
    state: str | None = Field(description="running, paused, shut off, ...")
    vcpus: int | None = Field(description="Virtual CPUs")
    cpu_utilisation_ratio: float | None = Field(
        description="Share of its virtual CPUs that it used over the last interval, 0 to 1"
    )
    cpu_seconds_total: float | None = Field(description="CPU time, seconds")
    memory_bytes: int | None = Field(description="Memory now given to it, bytes")
    memory_max_bytes: int | None = Field(description="Memory it may grow to, bytes")
    memory_resident_bytes: int | None = Field(description="Host memory that it holds, bytes")
    time: Moment = Field(description="Time of the sample")


def _state(code: int | None) -> str | None:
    if code is None:
        return None
    return STATES[code] if 0 <= code < len(STATES) else f"code {code}"


def vm_out(host: Standing, latest: Latest) -> VmOut:
    """Return a virtual machine as JSON."""
    row, place = latest.row, host.member.placement
    return VmOut(
        uuid=latest.labels.get("uuid", ""),
        name=latest.labels.get("vm", ""),
        host=host.name,
        site=place.site,
        cluster=place.cluster,
        simulated=host.row.simulated,
        state=_state(row["state"]),
        vcpus=row["vcpus"],
        cpu_utilisation_ratio=row["cpu_utilisation_ratio"],
        cpu_seconds_total=row["cpu_seconds_total"],
        memory_bytes=row["memory_bytes"],
        memory_max_bytes=row["memory_max_bytes"],
        memory_resident_bytes=row["memory_resident_bytes"],
        time=moment(latest.time),
    )


def _page(
    services: Services,
    hosts: Collection[Standing],
    fits: Iterable[str],
    limit: int,
    cursor: str,
) -> Page[VmOut]:
    found = [
        vm_out(host, latest) for host, _, latest in read_values(services, hosts, agent_kinds("vm"))
    ]
    wanted = [vm for vm in found if all(part.casefold() in vm.name.casefold() for part in fits)]
    page, after, total = cut(wanted, lambda vm: sort_key(vm.host, vm.name, vm.uuid), limit, cursor)
    return Page[VmOut](items=list(page), total=total, next_cursor=after)


@router.get("/vms", summary="List virtual machines")
def list_vms(
    given: Given,
    host: Annotated[str | None, Query(description="Only those on this host")] = None,
    site: SiteFilter = None,
    cluster: ClusterFilter = None,
    q: Annotated[str, Query(max_length=253, description="Part of the name")] = "",
    limit: Limit = 100,
    cursor: Cursor = "",
) -> Page[VmOut]:
    """Return the virtual machines that were there in their hosts' last cycles, by host and name."""
    known = standings(given)
    hosts = [find(host, known, given)] if host is not None else list(known.values())
    chosen = [
        each
        for each in hosts
        if site in {None, each.member.placement.site}
        and cluster in {None, each.member.placement.cluster}
    ]
    return _page(given, chosen, [q], limit, cursor)


@router.get(
    "/hosts/{name}/vms",
    summary="List a host's virtual machines",
    responses={404: {"description": "No agent of that name ever reported"}},
)
def list_host_vms(
    given: Given, name: HostName, limit: Limit = 100, cursor: Cursor = ""
) -> Page[VmOut]:
    """Return the virtual machines of one host, by name."""
    return _page(given, [find(name, standings(given), given)], [], limit, cursor)
