"""Time that tasks were ready and waited for a CPU, from <procfs>/schedstat."""

from dataclasses import dataclass
from pathlib import Path

from headroom_agent.sampler import Moment, NoData, SampleError
from headroom_agent.samplers.files import read_where_kept
from headroom_proto.v1 import samples_pb2, telemetry_pb2

WAIT = 8
"""Column of a cpu line: run_delay in nanoseconds (Documentation/scheduler/sched-stats.rst)."""
OLDEST = 15
"""Before version 15 (kernel 2.6.30) the columns were others."""


def parse(data: bytes, where: str = "schedstat") -> dict[int, float]:
    """
    Return for each CPU the seconds that tasks waited in its run queue.

    Raises SampleError, and NoData for a version whose columns were others.

    The lines of the scheduling domains, most of the file, are passed over.
    """
    lines = data.split(b"\n")
    version = lines[0].split()
    if len(version) != 2 or version[0] != b"version" or not version[1].isdigit():
        first = lines[0][:40].decode(errors="replace")
        raise SampleError(f"{where}: expected 'version N' first, found {first!r}")
    if int(version[1]) < OLDEST:
        raise SampleError(
            f"{where}: has version {version[1].decode()}, expected {OLDEST} or newer"
        )
    found = {}
    for line in lines:
        if line.startswith(b"cpu"):
            words = line.split()
            try:
                found[int(words[0][3:])] = int(words[WAIT]) / 1e9
            except (IndexError, ValueError):
                text = line[:60].decode(errors="replace")
                raise SampleError(f"{where}: expected 9 numbers in {text!r}") from None
    return found


@dataclass(slots=True)
class SchedstatSampler:
    """Reads <procfs>/schedstat, once a minute by default: it is long where there are many CPUs."""

    procfs: Path
    interval_seconds: float = 60.0
    name: str = "schedstat"

    def sample(self, now: Moment) -> telemetry_pb2.Cycle:  # noqa: ARG002 - the contract's
        """Return the waits of each CPU and their sum; raises NoData or SampleError."""
        path = f"{self.procfs}/schedstat"
        data = read_where_kept(path)
        if data is None:
            raise NoData(f"{path}: this kernel keeps none (CONFIG_SCHEDSTATS)")
        waits = parse(data, path)
        return telemetry_pb2.Cycle(
            host=samples_pb2.HostSample(run_queue_wait_seconds_total=sum(waits.values())),
            cpus=[
                samples_pb2.CpuSample(cpu=cpu, run_queue_wait_seconds_total=seconds)
                for cpu, seconds in waits.items()
            ],
        )
