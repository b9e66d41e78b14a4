"""Hosts: which there are, where they stand, how they are."""

from collections.abc import Callable
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from pydantic import Field

from headroom_collector.api.estate import Standing, find, standings
from headroom_collector.api.host_models import (
    Figures,
    HostOut,
    host_out,
    hosts_out,
    read_figures,
)
from headroom_collector.api.paging import Cursor, Key, Limit, Page, cut, sort_key
from headroom_collector.api.services import Given
from headroom_collector.api.values import ValueOut, host_values

router = APIRouter(prefix="/api/v1", tags=["hosts"])

Sort = Literal[
    "name", "-name", "site", "-site", "cpu", "-cpu", "watts", "-watts", "vms", "-vms",
    "last_seen", "-last_seen",
]  # fmt: skip
SiteFilter = Annotated[str | None, Query(description="Only hosts of this site; empty: of none")]
ClusterFilter = Annotated[str | None, Query(description="Only hosts of this cluster")]
HostName = Annotated[str, Path(description="Present or former name of the host", max_length=253)]


class HostDetail(HostOut):
    """A host with every latest value."""

    latest: list[ValueOut] = Field(description="Its values of the last 5 minutes")


def keys(sort: str, figures: Figures) -> Callable[[Standing], Key]:
    """Return the function that gives a host's key for that order, the leading '-' included."""
    by: dict[str, Callable[[Standing], float | str | None]] = {
        "name": lambda host: host.name,
        "site": lambda host: f"{host.member.placement.site}\x1f{host.member.placement.cluster}",
        "cpu": lambda host: figures.of(host).mean,
        "watts": lambda host: power.watts if (power := figures.power_of(host)) else None,
        "vms": lambda host: figures.of(host).vms,
        "last_seen": lambda host: host.row.last_seen,
    }
    value = by[sort.lstrip("-")]
    reverse = sort.startswith("-")
    return lambda host: sort_key(value(host), host.name, reverse=reverse)


@router.get("/hosts", summary="List hosts")
def list_hosts(
    given: Given,
    site: SiteFilter = None,
    cluster: ClusterFilter = None,
    status: Literal["present", "maintenance", "retired"] | None = None,
    assigned: Annotated[bool | None, Query(description="In a site and cluster or not")] = None,
    q: Annotated[str, Query(max_length=253, description="Part of the name")] = "",
    sort: Sort = "name",
    limit: Limit = 100,
    cursor: Cursor = "",
) -> Page[HostOut]:
    """Return the hosts that ever reported and fit, one page at a time."""

    def fits(host: Standing) -> bool:
        place = host.member.placement
        return (
            site in {None, place.site}
            and cluster in {None, place.cluster}
            and status in {None, host.member.status.value}
            and assigned in {None, place.assigned}
            and q.casefold() in host.name.casefold()
        )

    figures = read_figures(given)
    chosen = [host for host in standings(given).values() if fits(host)]
    page, after, total = cut(
        chosen, keys(sort, figures), limit, cursor, reverse=sort.startswith("-")
    )
    return Page[HostOut](items=hosts_out(given, page, figures), total=total, next_cursor=after)


@router.get(
    "/hosts/{name}",
    summary="Show a host",
    responses={404: {"description": "No agent of that name ever reported"}},
)
def show_host(given: Given, name: HostName) -> HostDetail:
    """Return one host with each latest value, its unit and labels."""
    host = find(name, standings(given), given)
    shown = host_out(given, host, read_figures(given))
    return HostDetail(**shown.model_dump(), latest=host_values(given, host))
