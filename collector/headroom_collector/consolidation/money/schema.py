"""Schema of ``estate.toml``: a dataclass a table, every key optional."""

from dataclasses import dataclass, field
from typing import Literal, get_args

from headroom_collector.consolidation.money.defaults import CURRENCY
from headroom_collector.consolidation.money.figures import Given

Per = Literal["core", "socket", "host"]


@dataclass(frozen=True, slots=True)
class Energy:
    """Table ``[energy]``."""

    price_per_kwh: Given | None = None
    pue: Given | None = None
    grid_kg_per_kwh: Given | None = None
    idle_share: Given | None = None


@dataclass(frozen=True, slots=True)
class Host:
    """Table ``[host]``: what a host is where nothing more is known of it."""

    support_per_year: Given | None = None
    warranty_years: Given | None = None
    life_years: Given | None = None
    rack_units: Given | None = None
    embodied_kg: Given | None = None
    purchase: Given | None = None
    depreciation_years: Given | None = None
    residual_ratio: Given | None = None


@dataclass(frozen=True, slots=True)
class Staff:
    """Table ``[staff]``."""

    hours_per_host_year: Given | None = None
    rate_per_hour: Given | None = None


@dataclass(frozen=True, slots=True)
class Rack:
    """Table ``[rack]``."""

    unit_per_year: Given | None = None


@dataclass(frozen=True, slots=True)
class Work:
    """Table ``[work]``: what a step costs once."""

    migration_hours_per_vm: Given | None = None
    decommission_hours_per_host: Given | None = None
    decommission_cost_per_host: Given | None = None
    install_hours_per_host: Given | None = None


@dataclass(frozen=True, slots=True)
class Finance:
    """Table ``[finance]``."""

    discount_ratio: Given | None = None


@dataclass(frozen=True, slots=True)
class Licence:
    """
    One of ``[[licences]]``: money a year per core, socket or host.

    ``minimum_per_socket``: units that a socket (or, per socket, a host) is charged at least;
    ``minimum_total``: that the estate is. ``classes``: host classes that carry it, empty for all.
    """

    name: str
    price_per_year: Given
    per: str = "core"
    minimum_per_socket: int = 0
    minimum_total: int = 0
    classes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Refuse another unit; raises ValueError."""
        if self.per not in get_args(Per):
            raise ValueError(f"per = {self.per!r}: expected 'core', 'socket' or 'host'")
        if min(self.minimum_per_socket, self.minimum_total) < 0:
            raise ValueError("a minimum below 0: expected a whole number of units")

    @property
    def key(self) -> str:
        """Key of its price."""
        return f"licence.{self.name}"


@dataclass(frozen=True, slots=True)
class Model:
    """
    One of ``[models.NAME]``: a server that could be bought.

    ``throughput`` in ssj_ops at full load; where it is absent, ``cores`` times the median per core
    of the year ``generation`` stands for it. Powers in watts at the server's input.
    """

    cores: int
    sockets: int = 2
    memory_gib: float | None = None
    generation: int | None = None
    throughput: float | None = None
    idle_watts: float | None = None
    full_watts: float | None = None
    price: Given | None = None
    rack_units: float | None = None

    def __post_init__(self) -> None:
        """Refuse a machine that cannot be; raises ValueError."""
        if self.cores < 1 or self.sockets < 1:
            raise ValueError("cores and sockets: expected at least 1 of each")
        if self.generation is None and self.throughput is None:
            raise ValueError("expected generation (a year) or throughput (ssj_ops)")
        sizes = (self.memory_gib, self.throughput, self.idle_watts, self.full_watts)
        if any(size is not None and size <= 0 for size in sizes):
            raise ValueError("memory_gib, throughput and watts: expected more than 0")


@dataclass(frozen=True, slots=True)
class EstateFile:
    """The whole file."""

    currency: str = CURRENCY
    energy: Energy = field(default_factory=Energy)
    host: Host = field(default_factory=Host)
    staff: Staff = field(default_factory=Staff)
    rack: Rack = field(default_factory=Rack)
    work: Work = field(default_factory=Work)
    finance: Finance = field(default_factory=Finance)
    licences: list[Licence] = field(default_factory=list)
    models: dict[str, Model] = field(default_factory=dict)
