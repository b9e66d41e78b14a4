"""Memory and CPUs of each NUMA node, from <sysfs>/devices/system/node."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from headroom_agent.sampler import Moment, NoData, SampleError
from headroom_agent.samplers.files import Files, names
from headroom_proto.v1 import samples_pb2, telemetry_pb2

LINE = re.compile(r"Node \d+ (MemTotal|MemFree):\s+(\d+) kB")


def parse(text: str, where: str = "meminfo") -> dict[str, int]:
    """Return MemTotal and MemFree of a node in bytes (the kernel's kB are KiB)."""
    found = {name: int(kib) * 1024 for name, kib in LINE.findall(text)}
    if "MemTotal" not in found:
        raise SampleError(f"{where}: has no 'Node N MemTotal' line")
    return found


def count(text: str) -> int | None:
    """Return how many CPUs a list such as ``0-7,16-23`` names; None where it is no such list."""
    total = 0
    for part in filter(None, text.strip().split(",")):
        first, dash, last = part.partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()):
            return None
        total += int(last) - int(first) + 1 if dash else 1
    return total


@dataclass(slots=True)
class NumaSampler:
    """Reads the nodes' ``meminfo`` and ``cpulist``."""

    sysfs: Path
    interval_seconds: float = 60.0
    name: str = "numa"
    files: Files = field(default_factory=Files)

    def sample(self, now: Moment) -> telemetry_pb2.Cycle:  # noqa: ARG002 - the contract's
        """Return a sample for each node with memory; raises NoData without nodes, SampleError."""
        folder = f"{self.sysfs}/devices/system/node"
        nodes = sorted(
            int(name[4:])
            for name in names(folder)
            if name.startswith("node") and name[4:].isdecimal()
        )
        if not nodes:
            raise NoData(f"{folder}: this kernel knows no NUMA nodes")
        return telemetry_pb2.Cycle(numa=[self._sample(folder, node) for node in nodes])

    def _sample(self, folder: str, node: int) -> samples_pb2.NumaSample:
        path = f"{folder}/node{node}/meminfo"
        found = parse(self.files.read_text(path), path)
        total, free = found["MemTotal"], found.get("MemFree")
        return samples_pb2.NumaSample(
            node=node,
            memory_total_bytes=total,
            memory_free_bytes=free,
            memory_used_bytes=None if free is None else max(0, total - free),
            cpus=count(self.files.read_if_there(f"{folder}/node{node}/cpulist")),
        )

    def close(self) -> None:
        """Close the files."""
        self.files.close()
