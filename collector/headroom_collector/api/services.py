"""What the HTTP side is given: every room it shows, behind the room's own seam."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request

from headroom_collector.config import CollectorConfig
from headroom_collector.consolidation.live.runner import PlanRunner
from headroom_collector.inventory.book import Book
from headroom_collector.promql.workers import Threads, Workers
from headroom_collector.security.identity import Identity
from headroom_collector.store.api import Store
from headroom_core.clock import Clock


def no_statistics() -> Mapping[str, float]:
    """Return no statistics, where no room beside the store counts anything."""
    return {}


def no_sinks() -> Mapping[str, Mapping[str, float]]:
    """Return no sinks."""
    return {}


@dataclass(frozen=True, slots=True)
class Services:
    """
    The collector's rooms. ``book`` is the inventory with its administration.

    ``statistics`` gives what the rooms beside the store count, by the field names of
    CollectorSample: the streams that are open, refusals, notifications. ``sinks`` gives what each
    sink counts, by its name. ``plans`` makes plans of what is measured. ``workers`` evaluate queries.
    """

    store: Store
    book: Book
    config: CollectorConfig
    clock: Clock
    version: str
    statistics: Callable[[], Mapping[str, float]] = no_statistics
    sinks: Callable[[], Mapping[str, Mapping[str, float]]] = no_sinks
    identity: Identity | None = None
    plans: PlanRunner | None = None
    workers: Workers = field(default_factory=Threads)


def services(request: Request) -> Services:
    """Return the services that the application was made with."""
    found: Services = request.app.state.services
    return found


Given = Annotated[Services, Depends(services)]
"""Annotation of a route's argument that wants the services."""
