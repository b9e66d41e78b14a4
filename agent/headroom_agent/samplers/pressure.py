"""Pressure stall information of a host, from <procfs>/pressure (kernel 4.20 and newer)."""

from dataclasses import dataclass, field
from pathlib import Path

from headroom_agent.sampler import Moment, NoData, SampleError
from headroom_agent.samplers.files import Files
from headroom_proto.v1 import samples_pb2, telemetry_pb2

FIELDS = {
    "cpu": {"some": "pressure_cpu_some_seconds_total"},
    "memory": {
        "some": "pressure_memory_some_seconds_total",
        "full": "pressure_memory_full_seconds_total",
    },
    "io": {"some": "pressure_io_some_seconds_total", "full": "pressure_io_full_seconds_total"},
}
"""What is kept of each resource; "full" of the CPUs is always 0 for a whole host."""


def parse(text: str, where: str = "pressure") -> dict[str, float]:
    """
    Return the total stall of each kind in seconds, from lines such as ``some avg10=... total=N``.

    The kernel counts microseconds (Documentation/accounting/psi.rst). Raises SampleError.
    """
    found = {}
    for line in text.splitlines():
        kind, _, rest = line.partition(" ")
        total = rest.rpartition("total=")[2]
        if not total.isdigit():
            raise SampleError(f"{where}: expected total=MICROSECONDS in {line!r}")
        found[kind] = int(total) / 1e6
    return found


@dataclass(slots=True)
class PressureSampler:
    """Reads <procfs>/pressure/{cpu,memory,io}."""

    procfs: Path
    name: str = "pressure"
    interval_seconds: float = 0.0
    files: Files = field(default_factory=Files)

    def sample(self, now: Moment) -> telemetry_pb2.Cycle:  # noqa: ARG002 - the contract's
        """Return the stall times; raises NoData where this kernel keeps none, or SampleError."""
        host = samples_pb2.HostSample()
        for resource, fields in FIELDS.items():
            path = f"{self.procfs}/pressure/{resource}"
            found = parse(self.files.read_if_there(path), path)
            for kind, column in fields.items():
                if kind in found:
                    setattr(host, column, found[kind])
        if not host.ListFields():
            raise NoData(f"{self.procfs}/pressure: this kernel keeps no pressure (psi=1 at boot)")
        return telemetry_pb2.Cycle(host=host)

    def close(self) -> None:
        """Close the files."""
        self.files.close()
