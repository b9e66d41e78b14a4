"""Time since the kernel booted, from <procfs>/uptime."""

from dataclasses import dataclass, field
from pathlib import Path

from headroom_agent.sampler import Moment, SampleError
from headroom_agent.samplers.files import Files
from headroom_proto.v1 import samples_pb2, telemetry_pb2


def parse(text: str, where: str = "uptime") -> float:
    """Return the seconds since boot, suspended time included; raises SampleError."""
    try:
        return float(text.split(maxsplit=1)[0])
    except (IndexError, ValueError):
        raise SampleError(f"{where}: expected a number first, found {text[:40]!r}") from None


@dataclass(slots=True)
class UptimeSampler:
    """Reads <procfs>/uptime."""

    procfs: Path
    name: str = "uptime"
    interval_seconds: float = 0.0
    files: Files = field(default_factory=Files)

    def sample(self, now: Moment) -> telemetry_pb2.Cycle:  # noqa: ARG002 - the contract's
        """Return the uptime; raises SampleError."""
        path = f"{self.procfs}/uptime"
        host = samples_pb2.HostSample(uptime_seconds=parse(self.files.read_text(path), path))
        return telemetry_pb2.Cycle(host=host)

    def close(self) -> None:
        """Close the files."""
        self.files.close()
