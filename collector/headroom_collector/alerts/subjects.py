"""What an alert can be about beside a host: a cluster, a site, the estate as a whole."""

from dataclasses import dataclass

from headroom_core.estate import Estate, Member, Placement

CLUSTER = "cluster:"
SITE = "site:"
ESTATE = "estate:"
"""Before the name of a subject that is no host; no host has a colon in its name."""


def of_cluster(site: str, cluster: str) -> str:
    """Return the subject's name of a cluster."""
    return f"{CLUSTER}{site}/{cluster}"


def of_site(site: str) -> str:
    """Return the subject's name of a site, and of the estate for ''."""
    return f"{SITE}{site}" if site else ESTATE


def is_host(name: str) -> bool:
    """Return whether a subject is a host."""
    return not name.startswith((CLUSTER, SITE, ESTATE))


def spoken(name: str) -> str:
    """Return a subject's name for people."""
    if name == ESTATE:
        return "*"
    return name if is_host(name) else name.partition(":")[2]


def place_of(name: str) -> Placement:
    """Return where a subject that is no host stands."""
    site, _, cluster = name.partition(":")[2].partition("/")
    return Placement(site, cluster, assigned=True)


def member_of(estate: Estate, name: str) -> Member:
    """Return what is known of a subject; one that is no host has no host's name."""
    return estate.member(name) if is_host(name) else Member("", place_of(name))


@dataclass(frozen=True, slots=True)
class Subjects:
    """An estate that knows clusters, sites and itself as well."""

    estate: Estate

    def member(self, host: str) -> Member:
        """Return what is known of a host or of another subject."""
        return member_of(self.estate, host)
