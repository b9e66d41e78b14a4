"""The estate as the HTTP side shows it: one host for all the identities that it reported under."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

from headroom_collector.api.errors import NotFoundError
from headroom_collector.api.services import Services
from headroom_collector.api.times import SECOND
from headroom_collector.store.api import HostRow
from headroom_core.estate import Member

SILENT_SECONDS = 300
"""A host that sent nothing for so long is silent: its values are no longer those of now."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A host under its present name; ``rows`` has its identities, the newest first."""

    member: Member
    rows: tuple[HostRow, ...]

    @property
    def name(self) -> str:
        """The present name."""
        return self.member.host

    @property
    def row(self) -> HostRow:
        """The identity under which it reports now."""
        return self.rows[0]

    @property
    def first_seen(self) -> int:
        """First sample under any name, UTC nanoseconds."""
        return min(row.first_seen for row in self.rows)

    def silent(self, now: int) -> bool:
        """Whether nothing came from it for five minutes."""
        return now - self.row.received > SILENT_SECONDS * SECOND


def standings(services: Services) -> dict[str, Standing]:
    """Return every host that was ever seen by its present name, sorted; raises StoreError."""
    identities: dict[str, list[HostRow]] = {}
    for row in services.store.hosts():
        identities.setdefault(services.book.present_name(row.name), []).append(row)
    return {
        name: Standing(
            services.book.member(name),
            tuple(sorted(rows, key=lambda row: row.last_seen, reverse=True)),
        )
        for name, rows in sorted(identities.items())
    }


def find(name: str, known: dict[str, Standing], services: Services) -> Standing:
    """Return one host by its present or a former name; raises NotFoundError."""
    found = known.get(services.book.present_name(name))
    if found is None:
        raise NotFoundError(unknown(name, known))
    return found


def unknown(name: str, known: Iterable[str]) -> str:
    """Return the line about a host that never reported, with the nearest name."""
    near = difflib.get_close_matches(name, list(known), n=1)
    hint = f"did you mean '{near[0]}'?" if near else "no agent of that name ever reported"
    return f"host '{name}' is not known: {hint}"
