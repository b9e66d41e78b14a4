"""Service discovery: the hosts as targets for Prometheus to scrape beside Headroom."""

from collections.abc import Iterator
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from headroom_collector.api.estate import Standing, standings
from headroom_collector.api.hosts import ClusterFilter, SiteFilter
from headroom_collector.api.services import Given
from headroom_core.estate import Status

router = APIRouter(prefix="/api/v1/sd", tags=["discovery"])

NODE_EXPORTER = 9100


class TargetsOut(BaseModel):
    """One of the groups that ``http_sd_configs`` and ``file_sd_configs`` read."""

    targets: list[str] = Field(description="HOST:PORT", examples=[["web-17:9100"]])
    labels: dict[str, str] = Field(
        description="host, site, cluster and class as Headroom's own series have them; "
        "__meta_headroom_status, _owner and _agent_version for relabelling"
    )


def _group(host: Standing, suffix: str, port: int) -> TargetsOut:
    place = host.member.placement
    kept = {
        "host": host.name,
        "site": place.site,
        "cluster": place.cluster,
        "class": place.host_class,
        "__meta_headroom_owner": place.owner,
        "__meta_headroom_status": host.member.status.value,
        "__meta_headroom_agent_version": host.row.agent_version,
    }
    labels = {name: value for name, value in kept.items() if value}
    return TargetsOut(targets=[f"{host.name}{suffix}:{port}"], labels=labels)


@router.get("/prometheus", summary="Hosts as targets (Prometheus' http_sd)")
def targets(
    given: Given,
    site: SiteFilter = None,
    cluster: ClusterFilter = None,
    port: Annotated[int, Query(ge=1, le=65_535, description="Of what is scraped")] = NODE_EXPORTER,
    suffix: Annotated[
        str,
        Query(pattern=r"^(\.[A-Za-z0-9._-]{1,252})?$", description="Domain: .example.net"),
    ] = "",
) -> list[TargetsOut]:
    """
    Return one group a host. Retired and simulated hosts are none; those in maintenance are.

    Format: https://prometheus.io/docs/prometheus/latest/http_sd/
    """

    def chosen() -> Iterator[Standing]:
        for host in standings(given).values():
            place = host.member.placement
            if (
                host.member.status is not Status.RETIRED
                and not host.row.simulated
                and site in {None, place.site}
                and cluster in {None, place.cluster}
            ):
                yield host

    return [_group(host, suffix, port) for host in chosen()]
