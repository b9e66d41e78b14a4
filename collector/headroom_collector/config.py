"""
The collector's configuration: TOML into one frozen dataclass.

``deploy/config/collector.toml`` is its documentation, and a test loads it.
"""

from dataclasses import dataclass, field
from pathlib import Path

from headroom_collector.alert_settings import Alerts, Webhook
from headroom_collector.http_settings import HttpSettings
from headroom_collector.sink_settings import Sinks
from headroom_collector.tls_settings import TlsSettings
from headroom_collector.web_settings import Web
from headroom_core.ceiling import Ceiling
from headroom_core.settings import SettingsError, load, read

__all__ = [
    "Alerts",
    "CollectorConfig",
    "HttpSettings",
    "Listen",
    "StoreSettings",
    "TlsSettings",
    "Webhook",
    "load_config",
    "split_address",
]

GRPC = "127.0.0.1:9440"
HTTP = "127.0.0.1:9441"


def split_address(text: str) -> tuple[str, int]:
    """Split HOST:PORT, an IPv6 host in brackets; raises ValueError."""
    host, colon, port = text.rpartition(":")
    if not (colon and host and port.isdigit() and int(port) < 65536):
        raise ValueError(f"{text!r}: expected HOST:PORT such as {GRPC}")
    return host.strip("[]"), int(port)


@dataclass(frozen=True, slots=True)
class Listen:
    """Where the collector listens, as HOST:PORT; port 0 takes a free one."""

    grpc: str = GRPC
    http: str = HTTP

    def __post_init__(self) -> None:
        """Refuse what is no address; raises ValueError."""
        for name in ("grpc", "http"):
            try:
                split_address(getattr(self, name))
            except ValueError as error:
                raise ValueError(f"{name} = {error}") from None


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """The embedded store's sizes; the defaults are the measured ones."""

    memory_limit_mib: int = 400
    checkpoint_threshold_mib: int = 256
    group_window_seconds: float = 0.25
    raw_days: int = 14
    five_minute_days: int = 45
    long_days: int = 400
    """5-minute roll-ups of CPU, memory and energy: 13 months."""
    hour_days: int = 760
    """1-hour roll-ups: 25 months."""
    free_mib: int = 256
    """With less room left on the disk, no sample is taken: the file never gets smaller by itself."""


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """
    Another engine that planner, page and API read, by its Prometheus HTTP API.

    For an estate of several collectors that all write to it; without ``url`` the embedded store
    is read. ``days`` is how much of the past is read.
    """

    url: str = ""
    bearer_token_file: Path | None = None
    days: int = 30
    every_seconds: float = 30.0
    timeout_seconds: float = 60.0

    def __post_init__(self) -> None:
        """Refuse what is no HTTP URL or no number of days; raises ValueError."""
        if self.url and not self.url.startswith(("http://", "https://")):
            raise ValueError(f"url = {self.url!r}: expected http://... or https://...")
        if self.days < 1:
            raise ValueError(f"days = {self.days}: expected 1 or more")


@dataclass(frozen=True, slots=True)
class CollectorConfig:
    """Everything a collector can be told."""

    data: Path = Path("/var/lib/headroom")
    listen: Listen = field(default_factory=Listen)
    tls: TlsSettings = field(default_factory=TlsSettings)
    http: HttpSettings = field(default_factory=HttpSettings)
    inventory: Path | None = None
    estate: Path | None = None
    """Prices of the estate; without it ``estate.toml`` in the data folder, else defaults."""
    bmcs: Path | None = None
    """Management controllers whose power is polled; none without it."""
    ceiling: Ceiling = field(default_factory=Ceiling)
    alerts: Alerts = field(default_factory=Alerts)
    store: StoreSettings = field(default_factory=StoreSettings)
    sinks: Sinks = field(default_factory=Sinks)
    web: Web = field(default_factory=Web)
    engine: EngineSettings = field(default_factory=EngineSettings)


def load_config(path: Path) -> CollectorConfig:
    """Read a file; raises SettingsError with one line a fault, unknown keys among them."""
    config, unknown = read(CollectorConfig, load(path), str(path))
    if unknown:
        raise SettingsError(unknown)
    return config
