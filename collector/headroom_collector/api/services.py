"""What the HTTP side is given: every room it shows, behind the room's own seam."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from headroom_collector.config import CollectorConfig
from headroom_collector.inventory.book import Book
from headroom_collector.store.api import Store
from headroom_core.clock import Clock


@dataclass(frozen=True, slots=True)
class Services:
    """The collector's rooms. ``book`` is the inventory with its administration."""

    store: Store
    book: Book
    config: CollectorConfig
    clock: Clock
    version: str


def services(request: Request) -> Services:
    """Return the services that the application was made with."""
    found: Services = request.app.state.services
    return found


Given = Annotated[Services, Depends(services)]
"""Annotation of a route's argument that wants the services."""
