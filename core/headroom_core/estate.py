"""What is known of a host beside its measurements: where it stands and whether it counts."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Protocol


class Status(Enum):
    """Whether a host counts."""

    PRESENT = "present"
    MAINTENANCE = "maintenance"
    """Counts, but nobody is paged for it."""
    RETIRED = "retired"
    """Freed and switched off: neither a page nor counted."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a host stands. ``assigned`` is false where the inventory does not know the host."""

    site: str = ""
    cluster: str = ""
    host_class: str = ""
    owner: str = ""
    purchase_date: date | None = None
    assigned: bool = False

    def labels(self) -> Mapping[str, str]:
        """Return site, cluster and class as labels; a host without a place has empty ones."""
        return {"site": self.site, "cluster": self.cluster, "class": self.host_class}


@dataclass(frozen=True, slots=True)
class Member:
    """A host of the estate; ``since`` and ``until`` of its status in UTC nanoseconds."""

    host: str
    placement: Placement
    status: Status = Status.PRESENT
    since: int | None = None
    until: int | None = None
    reason: str = ""


class Estate(Protocol):
    """Answers for any host name, known or not. Safe from any thread."""

    def member(self, host: str) -> Member:
        """Return what is known of that host."""
        ...
