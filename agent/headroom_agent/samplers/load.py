"""Load averages of a host, from <procfs>/loadavg."""

from dataclasses import dataclass, field
from pathlib import Path

from headroom_agent.sampler import Moment, SampleError
from headroom_agent.samplers.files import Files
from headroom_proto.v1 import samples_pb2, telemetry_pb2


def parse(text: str, where: str = "loadavg") -> tuple[float, float, float]:
    """Return the averages over 1, 5 and 15 minutes, in tasks; raises SampleError."""
    try:
        one, five, fifteen = (float(word) for word in text.split()[:3])
    except ValueError:
        raise SampleError(f"{where}: expected three numbers first, found {text[:40]!r}") from None
    return one, five, fifteen


@dataclass(slots=True)
class LoadSampler:
    """Reads <procfs>/loadavg."""

    procfs: Path
    name: str = "load"
    interval_seconds: float = 0.0
    files: Files = field(default_factory=Files)

    def sample(self, now: Moment) -> telemetry_pb2.Cycle:  # noqa: ARG002 - the contract's
        """Return the load averages; raises SampleError."""
        path = f"{self.procfs}/loadavg"
        one, five, fifteen = parse(self.files.read_text(path), path)
        host = samples_pb2.HostSample(load1=one, load5=five, load15=fifteen)
        return telemetry_pb2.Cycle(host=host)

    def close(self) -> None:
        """Close the files."""
        self.files.close()
