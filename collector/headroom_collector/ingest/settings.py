"""Limits and times of the ingest: what one agent may send, and how long the collector waits."""

from dataclasses import dataclass

SECOND = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Limits:
    """
    Most that one batch may hold, checked before its contents are touched.

    ``future_seconds`` and ``oldest_seconds`` bound the time of a batch around the collector's own.
    """

    domains: int = 10_000
    cpus: int = 4_096
    energy: int = 1_024
    samplers: int = 256
    string: int = 256
    """Characters of a label or a fact."""
    ratio: float = 1.05
    """A share of time may be a little over 1: two clocks were read one after the other."""
    future_seconds: float = 120.0
    oldest_seconds: float = 14 * 86_400.0
    skew_seconds: float = 5.0
    """A host's clock may be so far from the collector's before its samples' times are corrected."""

    def of(self, field: str) -> int:
        """Most samples in that repeated field of a Cycle."""
        named = {
            "vms": self.domains,
            "vm_energy": self.domains,
            "cpus": self.cpus,
            "energy": self.energy,
        }
        return named.get(field, self.samplers)


@dataclass(frozen=True, slots=True)
class IngestSettings:
    """How the collector speaks with its agents; times in seconds."""

    oldest_seconds: float = 14 * 86_400.0
    """How long samples are kept: older ones are refused."""
    window: int = 16
    """Batches of one agent that wait for the store at once."""
    message_bytes: int = 512 * 1024
    hello_seconds: float = 10.0
    throttle_seconds: float = 5.0
    keepalive_seconds: float = 20.0
    keepalive_timeout_seconds: float = 10.0
    heartbeat_seconds: float = 15.0
    """An agent that has nothing to send gives a sign of life so often."""
    silence_seconds: float = 120.0
    """A stream on which nothing came for so long is ended."""

    def limits(self) -> Limits:
        """Return what one batch may hold."""
        return Limits(oldest_seconds=self.oldest_seconds)
