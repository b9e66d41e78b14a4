"""The budget of energy: how much power an estate may draw, on average over a day."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class EnergyBudget:
    """
    Watts that all hosts of a place may draw together, on average over a day.

    1,000 W are 24 kWh a day. Clusters are written ``site/cluster``. None or no entry: no budget.
    """

    watts: float | None = None
    sites: dict[str, float] = field(default_factory=dict)
    clusters: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse what is no power; raises ValueError naming the entry."""
        named = {"watts": self.watts}
        named |= {f"sites.{name}": value for name, value in self.sites.items()}
        named |= {f"clusters.{name}": value for name, value in self.clusters.items()}
        for name, value in named.items():
            if value is not None and value <= 0:
                raise ValueError(f"{name} = {value}: expected watts, more than 0")

    def of(self, site: str = "", cluster: str = "") -> float | None:
        """Return the watts of a cluster, of a site (``cluster`` empty) or of the whole estate."""
        if cluster:
            return self.clusters.get(f"{site}/{cluster}")
        return self.sites.get(site) if site else self.watts
