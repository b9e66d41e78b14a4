"""Traffic, faults and speed of each network interface, from <procfs>/1/net/dev and sysfs."""

from dataclasses import dataclass, field
from pathlib import Path

from headroom_agent.notices import Notices
from headroom_agent.sampler import Moment, NoData, SampleError
from headroom_agent.samplers.files import Files, names, number_if_there, read_if_there
from headroom_proto.v1 import samples_pb2, telemetry_pb2

MEGABIT = 125_000
"""Bytes a second in one Mbit/s, the unit of ``speed`` (Documentation/ABI/testing/sysfs-class-net)."""
COLUMNS = 16
MOST = 256
"""More interfaces are left out: the collector takes no more of a kind in one batch."""


@dataclass(frozen=True, slots=True)
class Way:
    """One direction's counters."""

    bytes: int
    packets: int
    errors: int
    drops: int


def parse(text: str, where: str = "net/dev") -> dict[str, tuple[Way, Way]]:
    """Return what each interface received and sent; raises SampleError."""
    found = {}
    for line in text.splitlines()[2:]:
        name, colon, rest = line.rpartition(":")
        try:
            numbers = [int(word) for word in rest.split()]
        except ValueError:
            numbers = []
        if not colon or len(numbers) < COLUMNS:
            raise SampleError(f"{where}: expected NAME: and {COLUMNS} numbers in {line[:60]!r}")
        found[name.strip()] = (Way(*numbers[:4]), Way(*numbers[8:12]))
    return found


def physical(sysfs: Path) -> list[str]:
    """
    Return the interfaces that have a device behind them.

    Bridges, bonds, taps and virtual pairs carry the same bytes a second time, and a hypervisor
    has hundreds of them.
    """
    folder = sysfs / "class/net"
    return [name for name in names(folder) if (folder / name / "device").exists()]


def speed(sysfs: Path, interface: str) -> int | None:
    """Return the bytes a second that a link carries one way; None where it does not tell."""
    megabits = number_if_there(f"{sysfs}/class/net/{interface}/speed")
    # A link that is down says -1, or 4294967295 in old kernels.
    return megabits * MEGABIT if megabits and megabits < 0xFFFFFFFF else None


@dataclass(slots=True)
class InterfaceSampler:
    """
    Reads <procfs>/1/net/dev (the first process is in the host's own network) and <sysfs>/class/net.

    Where sysfs knows no device at all, as in a container, every interface but lo is taken.
    """

    procfs: Path
    sysfs: Path
    notices: Notices
    interval_seconds: float = 60.0
    name: str = "interfaces"
    _names: frozenset[str] = frozenset()
    _wanted: tuple[str, ...] = ()
    files: Files = field(default_factory=Files)

    def sample(self, now: Moment) -> telemetry_pb2.Cycle:  # noqa: ARG002 - the contract's
        """Return a sample for each interface; raises NoData without any, or SampleError."""
        path = f"{self.procfs}/1/net/dev"
        if (data := self.files.read_where_kept(path)) is None:
            path = f"{self.procfs}/net/dev"
            data = self.files.read_where_kept(path)
        if data is None:
            raise NoData(f"{path}: this kernel has no network")
        found = parse(data.decode(errors="replace"), path)
        wanted = self._choose(frozenset(found))
        if not wanted:
            raise NoData(f"{path}: no interface but the loopback")
        if len(wanted) > MOST:
            line = f"{path}: {len(wanted)} interfaces, the first {MOST} are read"
            self.notices.fault("interfaces", line)
        samples = [self._sample(name, *found[name]) for name in wanted[:MOST]]
        return telemetry_pb2.Cycle(interfaces=samples)

    def _choose(self, names: frozenset[str]) -> tuple[str, ...]:
        """Return which interfaces are taken; sysfs is asked when one came or went."""
        if names != self._names:
            known = physical(self.sysfs) or sorted(names - {"lo"})
            self._wanted = tuple(name for name in known if name in names)
            self._names = names
        return self._wanted

    def _sample(self, name: str, received: Way, sent: Way) -> samples_pb2.InterfaceSample:
        carrier = read_if_there(f"{self.sysfs}/class/net/{name}/carrier")
        return samples_pb2.InterfaceSample(
            interface=name,
            received_bytes_total=received.bytes,
            sent_bytes_total=sent.bytes,
            received_packets_total=received.packets,
            sent_packets_total=sent.packets,
            receive_errors_total=received.errors,
            send_errors_total=sent.errors,
            receive_drops_total=received.drops,
            send_drops_total=sent.drops,
            speed_bytes_per_second=speed(self.sysfs, name),
            up=int(carrier) if carrier in {"0", "1"} else None,
        )

    def close(self) -> None:
        """Close the files."""
        self.files.close()
