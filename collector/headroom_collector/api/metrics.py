"""Metrics for Prometheus: the collector's own, and the fleet's latest values."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.exposition import choose_encoder

from headroom_collector.api.fleet_metrics import SERIES, Choice, FleetCollector
from headroom_collector.api.health_metrics import HealthCollector
from headroom_collector.api.hosts import ClusterFilter, SiteFilter
from headroom_collector.api.services import Given, Services

router = APIRouter(tags=["metrics"])

TEXT: dict[int | str, dict[str, object]] = {
    200: {"content": {"text/plain": {}}, "description": "Prometheus' text format, or OpenMetrics"}
}


def own_registry(services: Services) -> CollectorRegistry:
    """Return a registry with the collector's own metrics and those of its process."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(HealthCollector(services))
    ProcessCollector(registry=registry)
    return registry


def write(request: Request, registry: CollectorRegistry) -> Response:
    """Return a registry's metrics in the format that the scraper asks for."""
    encode, content_type = choose_encoder(request.headers.get("accept", ""))
    return Response(encode(registry), headers={"content-type": content_type})


@router.get("/metrics", summary="The collector's own metrics", responses=TEXT)
def metrics(request: Request) -> Response:
    """Return the collector's health, aggregates of the clusters and the state of alerts."""
    registry: CollectorRegistry = request.app.state.registry
    return write(request, registry)


@router.get("/metrics/fleet", summary="The hosts' latest values", responses=TEXT)
def fleet(
    given: Given,
    request: Request,
    site: SiteFilter = None,
    cluster: ClusterFilter = None,
    limit: Annotated[
        int, Query(ge=1, le=1_000_000, description="Most series; hosts beyond are left out whole")
    ] = SERIES,
) -> Response:
    """
    Return the latest values of hosts that sent within the last 5 minutes and are not retired.

    ``headroom_fleet_hosts_omitted`` says how many hosts the limit left out.
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(FleetCollector(given, Choice(site, cluster, limit)))
    return write(request, registry)
