"""Swapping, kills for want of memory and shared pages, from <procfs>/vmstat and KSM in sysfs."""

import os
from dataclasses import dataclass, field
from pathlib import Path

from headroom_agent.sampler import Moment, NoData, SampleError
from headroom_agent.samplers.files import Files
from headroom_proto.v1 import samples_pb2, telemetry_pb2

FIELDS = ("pswpin", "pswpout", "oom_kill")


def parse(data: bytes, where: str = "vmstat") -> dict[str, int]:
    """Return the FIELDS that this kernel has: pages since boot, and processes killed."""
    found = {}
    text = b"\n" + data
    for name in FIELDS:
        start = text.find(b"\n%s " % name.encode())
        if start >= 0:
            word = text[start + len(name) + 2 :].split(b"\n", 1)[0].strip()
            if not word.isdigit():
                raise SampleError(f"{where}: {name}: expected a whole number")
            found[name] = int(word)
    return found


@dataclass(slots=True)
class PagingSampler:
    """
    Reads <procfs>/vmstat and <sysfs>/kernel/mm/ksm.

    ``pages_sharing`` counts the pages that need no memory of their own, because another one is
    equal (Documentation/admin-guide/mm/ksm.rst).
    """

    procfs: Path
    sysfs: Path
    interval_seconds: float = 60.0
    page_bytes: int = os.sysconf("SC_PAGE_SIZE")
    name: str = "paging"
    files: Files = field(default_factory=Files)

    def sample(self, now: Moment) -> telemetry_pb2.Cycle:  # noqa: ARG002 - the contract's
        """Return what the kernel tells of it; raises NoData where that is nothing, SampleError."""
        path = f"{self.procfs}/vmstat"
        data = self.files.read_where_kept(path)
        found = {} if data is None else parse(data, path)
        shared = self.files.number_if_there(f"{self.sysfs}/kernel/mm/ksm/pages_sharing")
        if not found and shared is None:
            raise NoData(f"{path}: is not there, and neither is KSM")
        host = samples_pb2.HostSample(
            swap_in_bytes_total=self._bytes(found.get("pswpin")),
            swap_out_bytes_total=self._bytes(found.get("pswpout")),
            out_of_memory_kills_total=found.get("oom_kill"),
            memory_ksm_saved_bytes=self._bytes(shared),
        )
        return telemetry_pb2.Cycle(host=host)

    def _bytes(self, pages: int | None) -> int | None:
        return None if pages is None else pages * self.page_bytes

    def close(self) -> None:
        """Close the files."""
        self.files.close()
