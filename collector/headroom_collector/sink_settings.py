"""Settings of the sinks: other engines that get every sample."""

from dataclasses import dataclass, field
from pathlib import Path

HTTP = ("http://", "https://")


def _check(url: str) -> None:
    if url and not url.startswith(HTTP):
        raise ValueError(f"url = {url!r}: expected http://... or https://...")


@dataclass(frozen=True, slots=True)
class RemoteWrite:
    """
    An engine that takes Prometheus remote write 1.0; ``url`` is empty where there is none.

    The file holds a bearer token; it is read anew for each connection.
    """

    url: str = ""
    bearer_token_file: Path | None = None
    timeout_seconds: float = 30.0

    def __post_init__(self) -> None:
        """Refuse what is no HTTP URL; raises ValueError."""
        _check(self.url)


@dataclass(frozen=True, slots=True)
class InfluxDb:
    """An InfluxDB 2.x, or what takes its ``/api/v2/write``; ``url`` is empty where there is none."""

    url: str = ""
    org: str = "headroom"
    bucket: str = "headroom"
    token_file: Path | None = None
    timeout_seconds: float = 30.0

    def __post_init__(self) -> None:
        """Refuse what is no HTTP URL; raises ValueError."""
        _check(self.url)


@dataclass(frozen=True, slots=True)
class Sinks:
    """Engines beside the embedded store; each has a durable cursor of its own."""

    remote_write: RemoteWrite = field(default_factory=RemoteWrite)
    influxdb: InfluxDb = field(default_factory=InfluxDb)
