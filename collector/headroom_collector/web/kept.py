"""What viewers share: answers that were made a moment ago, by how long each stays right."""

from dataclasses import dataclass, field
from typing import Any

from fastapi import Request

from headroom_collector.web.recent import LONG_SECONDS, Recent

FEW_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Kept:
    """One of these an application."""

    survey: Recent[Any] = field(default_factory=Recent)
    overview: Recent[Any] = field(default_factory=Recent)
    soon: Recent[Any] = field(default_factory=lambda: Recent(FEW_SECONDS))
    """What is dear to make and of now."""
    long: Recent[Any] = field(default_factory=lambda: Recent(LONG_SECONDS))
    """What is about days or years."""


def kept_of(request: Request) -> Kept:
    """Return the application's; two that come first at once make one each, the later one stays."""
    state = request.app.state
    found: Kept | None = getattr(state, "kept", None)
    if found is None:
        found = state.kept = Kept()
    return found
