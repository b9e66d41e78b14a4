"""Bytes, operations and times of each physical disk, from <procfs>/diskstats."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from headroom_agent.notices import Notices
from headroom_agent.sampler import Moment, NoData, SampleError
from headroom_agent.samplers.files import Files, number_if_there
from headroom_proto.v1 import samples_pb2, telemetry_pb2

SECTOR = 512
"""Bytes of a sector in diskstats and in size, whatever the disk's own (Documentation/block/stat)."""
NOT_PHYSICAL = re.compile(r"(loop|ram|zram|dm-|md|fd|sr|nbd|drbd|zd)\d+$")
MOST = 256
"""More disks are left out: the collector takes no more of a kind in one batch."""


@dataclass(frozen=True, slots=True)
class Disk:
    """Counters since boot: operations, sectors, milliseconds."""

    reads: int
    sectors_read: int
    read_ms: int
    writes: int
    sectors_written: int
    write_ms: int
    busy_ms: int


def parse(text: str, where: str = "diskstats") -> dict[str, Disk]:
    """Return every block device by its name (Documentation/admin-guide/iostats.rst)."""
    found = {}
    for line in text.splitlines():
        words = line.split()
        try:
            n = [int(word) for word in words[3:14]]
            found[words[2]] = Disk(n[0], n[2], n[3], n[4], n[6], n[7], n[9])
        except (IndexError, ValueError):
            raise SampleError(f"{where}: expected 11 numbers in {line[:60]!r}") from None
    return found


@dataclass(slots=True)
class DiskSampler:
    """
    Reads <procfs>/diskstats, and sizes under <sysfs>/block.

    Only whole physical disks, those that sysfs lists: what is built on them (device mapper,
    md, loop) and their partitions would count the same bytes again.
    """

    procfs: Path
    sysfs: Path
    notices: Notices
    interval_seconds: float = 60.0
    name: str = "disks"
    _sizes: dict[str, int | None] = field(default_factory=dict)
    files: Files = field(default_factory=Files)

    def sample(self, now: Moment) -> telemetry_pb2.Cycle:  # noqa: ARG002 - the contract's
        """Return a sample for each disk; raises NoData without any, or SampleError."""
        path = f"{self.procfs}/diskstats"
        data = self.files.read_where_kept(path)
        if data is None:
            raise NoData(f"{path}: this kernel has no block devices")
        disks = parse(data.decode(errors="replace"), path)
        self._sizes = {name: self._size(name) for name in disks}
        known = [name for name in disks if self._sizes[name]]
        if not known:
            raise NoData(f"{path}: no physical disk")
        if len(known) > MOST:
            self.notices.fault("disks", f"{path}: {len(known)} disks, the first {MOST} are read")
        return telemetry_pb2.Cycle(disks=[self._sample(n, disks[n]) for n in known[:MOST]])

    def _size(self, name: str) -> int | None:
        """Return a disk's size in bytes; None for what is no physical disk."""
        if name in self._sizes:
            return self._sizes[name]
        if NOT_PHYSICAL.match(name):
            return None
        # A slash in a device's name is an exclamation mark in sysfs (cciss/c0d0).
        sectors = number_if_there(self.sysfs / "block" / name.replace("/", "!") / "size")
        return sectors * SECTOR if sectors else None

    def _sample(self, name: str, disk: Disk) -> samples_pb2.DiskSample:
        return samples_pb2.DiskSample(
            device=name,
            read_bytes_total=disk.sectors_read * SECTOR,
            written_bytes_total=disk.sectors_written * SECTOR,
            reads_total=disk.reads,
            writes_total=disk.writes,
            read_seconds_total=disk.read_ms / 1e3,
            write_seconds_total=disk.write_ms / 1e3,
            busy_seconds_total=disk.busy_ms / 1e3,
            size_bytes=self._sizes[name],
        )

    def close(self) -> None:
        """Close the files."""
        self.files.close()
