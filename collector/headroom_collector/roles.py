"""Roles: what somebody may do over HTTP, and what a request needs."""

from enum import Enum


class Role(Enum):
    """What somebody may do; each may do what the ones before it may."""

    READ = "read"
    """See everything that is shown."""
    SILENCE = "silence"
    """Silence and acknowledge alerts, and try rules."""
    ADMIN = "admin"
    """Change the estate: hosts, inventory, tokens, certificates."""

    def may(self, needed: "Role") -> bool:
        """Whether who has this role may do what needs that one."""
        order = list(Role)
        return order.index(self) >= order.index(needed)


OPEN = frozenset({"/healthz", "/readyz"})
"""For supervisors and load balancers, who have no name: they say nothing but that it works."""
READING = ("/prometheus/", "/api/v1/")
"""Below these a POST asks a long question; what changes anything is below /admin."""
SILENCING = ("/admin/silences", "/admin/alerts/")


def needed(method: str, path: str) -> Role | None:
    """Return the role that a request needs; None where everybody may."""
    if path in OPEN:
        return None
    asks = method in {"GET", "HEAD", "OPTIONS"}
    if path.startswith(SILENCING):
        return Role.READ if asks else Role.SILENCE
    if path.startswith("/admin"):
        return Role.ADMIN
    return Role.READ if asks or (method == "POST" and path.startswith(READING)) else Role.ADMIN
