"""
The ceiling: the share of its CPUs that a host may use.

One setting for alerting and for planning. 0.40 is the default because the customer's policy says
so; it is no law of nature, and every view can show what another ceiling would give.
"""

from dataclasses import dataclass, field

DEFAULT_RATIO = 0.40


@dataclass(frozen=True, slots=True)
class Ceiling:
    """
    The ceiling of an estate, and where it differs.

    All values are ratios in (0, 1]. The most particular one wins: class, then cluster (written
    ``site/cluster``), then site, then the estate's.
    """

    ratio: float = DEFAULT_RATIO
    sites: dict[str, float] = field(default_factory=dict)
    clusters: dict[str, float] = field(default_factory=dict)
    classes: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse what is no ratio; raises ValueError naming the entry."""
        named = {"ratio": self.ratio}
        for group in ("sites", "clusters", "classes"):
            entries: dict[str, float] = getattr(self, group)
            named.update({f"{group}.{name}": value for name, value in entries.items()})
        for name, value in named.items():
            if not 0 < value <= 1:
                raise ValueError(
                    f"{name} = {value}: expected a ratio above 0 and up to 1, such as 0.40"
                )

    def of(self, site: str = "", cluster: str = "", host_class: str = "") -> float:
        """Return the ceiling that holds for a host there, as a ratio."""
        if host_class in self.classes:
            return self.classes[host_class]
        if f"{site}/{cluster}" in self.clusters:
            return self.clusters[f"{site}/{cluster}"]
        return self.sites.get(site, self.ratio)
