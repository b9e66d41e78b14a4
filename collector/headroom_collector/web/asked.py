"""One request for a view: what it may ask the collector, with answers that viewers share."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import TypeVar

from fastapi import HTTPException, Request

from headroom_collector.api.money import prices
from headroom_collector.api.services import Services
from headroom_collector.web.kept import Kept, kept_of
from headroom_collector.web.model import Overview
from headroom_collector.web.overview import Survey, build, survey
from headroom_collector.web.site import Site, site_of

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, the collector's rooms, and what other requests left."""

    given: Services
    site: Site
    kept: Kept

    @property
    def now(self) -> int:
        """The collector's time, UTC nanoseconds."""
        return self.given.clock.now()

    def survey(self) -> Survey:
        """Look at every host, or take what was seen a second ago; raises StoreError."""
        given = self.given
        found: Survey = self.kept.survey.get(
            given.clock.monotonic,
            lambda: survey(given.store, given.book, given.config, given.clock.now()),
        )
        return found

    def overview(self) -> Overview:
        """Return the overview of a moment ago; raises StoreError."""
        given = self.given
        found: Overview = self.kept.overview.get(
            given.clock.monotonic,
            lambda: build(
                given.store, given.config, self.survey(), given.version, self.currency()
            ),
        )
        return found

    def currency(self) -> str:
        """Return the currency of the estate's prices; empty where they cannot be read."""
        try:
            return self.long("currency", lambda: prices(self.given.config).currency)
        except HTTPException:
            return ""

    def soon(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return an answer of the last seconds."""
        found: T = self.kept.soon.get(self.given.clock.monotonic, make, key)
        return found

    def long(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return an answer of the last minute."""
        found: T = self.kept.long.get(self.given.clock.monotonic, make, key)
        return found


def asked_of(request: Request, given: Services) -> Asked:
    """Return the request for a view."""
    return Asked(given, site_of(request, given), kept_of(request))
