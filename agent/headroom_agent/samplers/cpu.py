"""CPU time of a host by state, and of each of its CPUs, out of one read of <procfs>/stat."""

import os
from dataclasses import dataclass, field
from pathlib import Path

from headroom_agent.notices import Notices
from headroom_agent.sampler import Moment, SampleError
from headroom_agent.samplers.files import Files
from headroom_proto.v1 import samples_pb2, telemetry_pb2

STATES = (
    "user",
    "nice",
    "system",
    "idle",
    "iowait",
    "irq",
    "softirq",
    "steal",
    "guest",
    "guest_nice",
)
"""Columns of a cpu line (proc(5)); guest is part of user, guest_nice of nice."""

FIELDS = tuple(f"cpu_{state}_seconds_total" for state in STATES)
"""The contract's field of each state. A name made anew each time would be interned anew, too."""

NUMBERS = {
    "ctxt": "context_switches_total",
    "procs_running": "procs_running",
    "procs_blocked": "procs_blocked",
}
IDLE, IOWAIT, STEAL, GUEST = (STATES.index(name) for name in ("idle", "iowait", "steal", "guest"))


@dataclass(frozen=True, slots=True)
class Stat:
    """
    What <procfs>/stat says, in clock ticks.

    A tuple of ticks has the columns that this kernel has, in the order of STATES. ``cores`` holds
    the CPUs' lines, parsed only when they are asked for: there may be hundreds.
    """

    ticks: tuple[int, ...]
    cores: dict[int, bytes]
    numbers: dict[str, int]

    def core_ticks(self) -> dict[int, tuple[int, ...]]:
        """Ticks of each CPU that is online."""
        return {cpu: _ticks(line) for cpu, line in self.cores.items()}


def _ticks(line: bytes) -> tuple[int, ...]:
    return tuple(int(word) for word in line.split()[1 : len(STATES) + 1])


def _numbers(data: bytes) -> dict[str, int]:
    found = {}
    for name in NUMBERS:
        start = data.find(b"\n%s " % name.encode())
        if start >= 0:
            found[name] = int(data[start + len(name) + 2 :].split(b"\n", 1)[0])
    return found


def parse(data: bytes, where: str = "stat") -> Stat:
    """Parse the text of <procfs>/stat; raises SampleError naming what is missing or odd."""
    head = data.partition(b"\nintr ")[0]
    lines = [line for line in head.split(b"\n") if line.startswith(b"cpu")]
    if not lines or not lines[0].startswith(b"cpu "):
        raise SampleError(f"{where}: has no 'cpu' line; is this the procfs of a Linux host?")
    try:
        ticks = _ticks(lines[0])
        cores = {int(line[3 : line.index(b" ")]): line for line in lines[1:]}
        numbers = _numbers(data)
    except ValueError as error:
        raise SampleError(f"{where}: expected whole numbers: {error}") from None
    if len(ticks) <= IDLE:
        raise SampleError(f"{where}: 'cpu' has {len(ticks)} columns, expected at least {IDLE + 1}")
    return Stat(ticks, cores, numbers)


def busy_ticks(ticks: tuple[int, ...]) -> int:
    """
    Ticks that were neither idle nor iowait; stolen ones count, since work waited for them.

    Guest time is left out, because the kernel has it in user and nice already.
    """
    return sum(ticks[:GUEST]) - ticks[IDLE] - (ticks[IOWAIT] if len(ticks) > IOWAIT else 0)


@dataclass(frozen=True, slots=True)
class Ratios:
    """Shares of all logical CPUs over an interval, 0 to 1; None where it cannot be told."""

    busy: float | None = None
    steal: float | None = None


def ratios(before: Stat, after: Stat) -> Ratios:
    """
    Compare two readings.

    No ratio where the set of CPUs changed or any counter that cannot go back did: a CPU that comes
    or goes takes its whole past into or out of the sums. iowait may go back by itself (proc(5))
    and then counts as 0.
    """
    if before.cores.keys() != after.cores.keys() or len(before.ticks) != len(after.ticks):
        return Ratios()
    deltas = [new - old for old, new in zip(before.ticks, after.ticks, strict=True)]
    if len(deltas) > IOWAIT:
        deltas[IOWAIT] = max(0, deltas[IOWAIT])
    deltas = deltas[:GUEST]
    total = sum(deltas)
    if min(deltas) < 0 or total == 0:
        return Ratios()
    steal = deltas[STEAL] / total if len(deltas) > STEAL else None
    return Ratios(busy_ticks(tuple(deltas)) / total, steal)


@dataclass(slots=True)
class CpuSampler:
    """
    Reads <procfs>/stat.

    ``ratio`` is the utilisation over the last interval for whoever models on it. The CPUs one by
    one come every ``core_seconds``; a host's own figures in every cycle.
    """

    procfs: Path
    notices: Notices
    core_seconds: float = 60.0
    ticks_per_second: float = field(default_factory=lambda: os.sysconf("SC_CLK_TCK"))
    name: str = "cpu"
    interval_seconds: float = 0.0
    ratio: float | None = None
    _before: Stat | None = None
    _cores_at: Moment | None = None
    files: Files = field(default_factory=Files)

    def sample(self, now: Moment) -> telemetry_pb2.Cycle:
        """Return the host's CPU figures, and the CPUs' when they are due; raises SampleError."""
        path = f"{self.procfs}/stat"
        before, self._before, self.ratio = self._before, None, None
        stat = parse(self.files.read(path), path)
        self._tell_missing(stat, path)
        found = ratios(before, stat) if before else Ratios()
        self._before, self.ratio = stat, found.busy
        cycle = telemetry_pb2.Cycle(host=self._host(stat, found))
        if self._cores_at is None or now.seconds_since(self._cores_at) >= self.core_seconds:
            self._cores_at = now
            cycle.cpus.extend(self._core(*item) for item in stat.core_ticks().items())
        return cycle

    def current_ratio(self) -> float | None:
        """Return the share of all CPUs that was busy over the last interval; None at first."""
        return self.ratio

    def _tell_missing(self, stat: Stat, path: str) -> None:
        missing = [name for name in NUMBERS if name not in stat.numbers]
        missing += [f"cpu.{name}" for name in STATES[len(stat.ticks) :]]
        if missing:
            line = f"{path}: no {', '.join(missing)}: this kernel does not tell; left out"
            self.notices.fault("cpu fields", line)

    def _host(self, stat: Stat, found: Ratios) -> samples_pb2.HostSample:
        host = samples_pb2.HostSample(
            cpu_utilisation_ratio=found.busy,
            cpu_steal_ratio=found.steal,
            cpus=len(stat.cores) or None,
        )
        for field_, ticks in zip(FIELDS, stat.ticks, strict=False):
            setattr(host, field_, ticks / self.ticks_per_second)
        for name, value in stat.numbers.items():
            setattr(host, NUMBERS[name], value)
        return host

    def _core(self, cpu: int, ticks: tuple[int, ...]) -> samples_pb2.CpuSample:
        return samples_pb2.CpuSample(
            cpu=cpu,
            busy_seconds_total=busy_ticks(ticks) / self.ticks_per_second,
            steal_seconds_total=(
                ticks[STEAL] / self.ticks_per_second if len(ticks) > STEAL else None
            ),
        )

    def close(self) -> None:
        """Close the files."""
        self.files.close()
