"""
The agent's configuration: defaults, then a TOML file, then the environment, then flags.

``deploy/config/agent.toml`` is its documentation, and a test loads it.
"""

from dataclasses import dataclass, field
from pathlib import Path

DEFAULT_TLS = Path("/var/lib/headroom-agent/tls")
DEFAULT_SPOOL = Path("/var/lib/headroom-agent/spool.db")
TRANSPORTS = ("h2", "grpcio")
"""The clients that carry the stream: our own on the library h2, and gRPC's."""
MIB = 1024 * 1024
DAY_SECONDS = 86400.0


def check_address(text: str) -> str:
    """Return ``text`` where it is HOST:PORT (IPv6 in brackets); raises ValueError."""
    host, colon, port = text.rpartition(":")
    if not (colon and host and port.isdigit() and 0 < int(port) < 65536):
        raise ValueError(f"{text!r}: expected HOST:PORT such as collector.example.org:9440")
    return text


@dataclass(frozen=True, slots=True)
class Tls:
    """The agent's certificate files; each is in ``folder`` where it is not named apart."""

    folder: Path = DEFAULT_TLS
    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None
    look_seconds: float = 30.0
    """Between two looks at the files and at the certificate's dates."""

    def files(self) -> tuple[Path, Path, Path]:
        """Return the paths of CA certificate, own certificate and own key, all PEM."""
        return (
            self.ca or self.folder / "ca.pem",
            self.cert or self.folder / "cert.pem",
            self.key or self.folder / "key.pem",
        )


@dataclass(frozen=True, slots=True)
class SpoolSettings:
    """Where batches wait for their acknowledgement, and for how long and how many."""

    path: Path = DEFAULT_SPOOL
    max_mib: float = 64.0
    max_age_days: float = 7.0

    def __post_init__(self) -> None:
        """Refuse a spool that can hold nothing; raises ValueError."""
        for name in ("max_mib", "max_age_days"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} = {getattr(self, name)}: expected more than 0")


@dataclass(frozen=True, slots=True)
class Hints:
    """Where the host stands, as far as it knows; the collector's inventory has the last word."""

    site: str = ""
    cluster: str = ""
    host_class: str = ""

    def labels(self) -> dict[str, str]:
        """Return what is set, by label name."""
        all_of = {"site": self.site, "cluster": self.cluster, "class": self.host_class}
        return {name: value for name, value in all_of.items() if value}


@dataclass(frozen=True, slots=True)
class Switches:
    """Which samplers run."""

    cpu: bool = True
    memory: bool = True
    load: bool = True
    pressure: bool = True
    uptime: bool = True
    facts: bool = True
    self: bool = True
    energy: bool = True
    libvirt: bool = True
    schedstat: bool = True
    frequency: bool = True
    disks: bool = True
    interfaces: bool = True
    numa: bool = True
    paging: bool = True
    temperatures: bool = True


@dataclass(frozen=True, slots=True)
class Intervals:
    """
    Least seconds between two readings of a sampler; 0 reads in every cycle.

    ``cores`` is about the CPUs one by one, ``guests`` about what libvirt has to ask each running
    virtual machine for.
    """

    cpu: float = 0.0
    cores: float = 60.0
    memory: float = 0.0
    load: float = 0.0
    pressure: float = 0.0
    uptime: float = 0.0
    facts: float = 300.0
    self: float = 0.0
    energy: float = 0.0
    libvirt: float = 0.0
    guests: float = 60.0
    schedstat: float = 60.0
    frequency: float = 60.0
    disks: float = 60.0
    interfaces: float = 60.0
    numa: float = 60.0
    paging: float = 60.0
    temperatures: float = 60.0

    def __post_init__(self) -> None:
        """Refuse a time that is none; raises ValueError naming the key."""
        for name in self.__dataclass_fields__:
            if not 0 <= getattr(self, name) <= DAY_SECONDS:
                raise ValueError(f"{name} = {getattr(self, name)}: expected 0 to 86400 seconds")


@dataclass(frozen=True, slots=True)
class EnergySettings:
    """
    This server's own power at its input with nothing to do and at full load, in watts.

    Both or neither, as somebody measured them; a host that measures its power needs them not.
    """

    idle_watts: float = 0.0
    full_watts: float = 0.0

    def __post_init__(self) -> None:
        """Refuse one without the other; raises ValueError."""
        if (self.idle_watts or self.full_watts) and not 0 < self.idle_watts <= self.full_watts:
            raise ValueError(
                f"idle_watts = {self.idle_watts:g}, full_watts = {self.full_watts:g}: "
                "expected both, 0 < idle_watts <= full_watts"
            )


@dataclass(frozen=True, slots=True)
class AgentConfig:
    """Everything an agent can be told. Seconds, MiB and days as the names say."""

    collector: str = "127.0.0.1:9440"
    interval_seconds: float = 10.0
    freshness_seconds: float = 0.0
    procfs: Path = Path("/proc")
    sysfs: Path = Path("/sys")
    etc: Path = Path("/etc")
    libvirt_uri: str = ""
    transport: str = "h2"
    drain_seconds: float = 5.0
    tls: Tls = field(default_factory=Tls)
    spool: SpoolSettings = field(default_factory=SpoolSettings)
    hints: Hints = field(default_factory=Hints)
    samplers: Switches = field(default_factory=Switches)
    intervals: Intervals = field(default_factory=Intervals)
    energy: EnergySettings = field(default_factory=EnergySettings)

    def __post_init__(self) -> None:
        """Refuse what cannot work; raises ValueError naming the key."""
        try:
            check_address(self.collector)
        except ValueError as error:
            raise ValueError(f"collector = {error}") from None
        if not 0.05 <= self.interval_seconds <= 3600:
            raise ValueError(
                f"interval_seconds = {self.interval_seconds}: expected 0.05 to 3600, usually 10"
            )
        if not 0 <= self.freshness_seconds <= 60:
            raise ValueError(f"freshness_seconds = {self.freshness_seconds}: expected 0 to 60")
        if self.transport not in TRANSPORTS:
            raise ValueError(f"transport = {self.transport!r}: expected {' or '.join(TRANSPORTS)}")
        if not 0 <= self.drain_seconds <= 60:
            raise ValueError(f"drain_seconds = {self.drain_seconds}: expected 0 to 60")

    @property
    def deadline_seconds(self) -> float:
        """Longest that one sampler may take: most of a cycle, 5 s at most, 1 s at least."""
        return max(1.0, min(5.0, 0.8 * self.interval_seconds))

    @property
    def libvirt_deadline_seconds(self) -> float:
        """Longest that the hypervisor may take to answer, so that it ends before the cycle."""
        return 0.6 * self.deadline_seconds
