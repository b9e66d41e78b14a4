"""Memory of a host, from <procfs>/meminfo."""

from dataclasses import dataclass, field
from pathlib import Path

from headroom_agent.notices import Notices
from headroom_agent.sampler import Moment, SampleError
from headroom_agent.samplers.files import Files
from headroom_proto.v1 import samples_pb2, telemetry_pb2

FIELDS = ("MemTotal", "MemAvailable", "Cached", "SwapTotal", "SwapFree")
HUGE = ("HugePages_Total", "HugePages_Free", "Hugepagesize")
"""Pages, and bytes of one; not there in a kernel that was built without huge pages."""


def parse(data: bytes, where: str = "meminfo") -> dict[str, int]:
    """
    Return the FIELDS and HUGE that are there, in bytes (the kernel's "kB" are KiB) or pages.

    Raises SampleError where there is no MemTotal or a value is no number.
    """
    found: dict[str, int] = {}
    text = b"\n" + data
    for name in FIELDS + HUGE:
        start = text.find(b"\n%s:" % name.encode())
        if start >= 0:
            words = text[start + len(name) + 2 :].split(b"\n", 1)[0].split()
            if not words or not words[0].isdigit():
                raise SampleError(f"{where}: {name}: expected a number of kB")
            found[name] = int(words[0]) * (1024 if len(words) > 1 else 1)
    if "MemTotal" not in found:
        raise SampleError(f"{where}: has no 'MemTotal' line; is this the procfs of a Linux host?")
    return found


def _less(whole: int | None, part: int | None) -> int | None:
    """Return the difference, never below 0; None where either is not known."""
    return None if whole is None or part is None else max(0, whole - part)


def _times(pages: int | None, size: int | None) -> int | None:
    return None if pages is None or size is None else pages * size


@dataclass(slots=True)
class MemorySampler:
    """Reads <procfs>/meminfo."""

    procfs: Path
    notices: Notices
    name: str = "memory"
    interval_seconds: float = 0.0
    files: Files = field(default_factory=Files)

    def sample(self, now: Moment) -> telemetry_pb2.Cycle:  # noqa: ARG002 - the contract's
        """Return the host's memory; raises SampleError."""
        path = f"{self.procfs}/meminfo"
        found = parse(self.files.read(path), path)
        missing = [name for name in FIELDS if name not in found]
        if missing:
            line = f"{path}: no {', '.join(missing)}: this kernel does not tell; left out"
            self.notices.fault("memory fields", line)
        total, available = found["MemTotal"], found.get("MemAvailable")
        swap, page = found.get("SwapTotal"), found.get("Hugepagesize")
        host = samples_pb2.HostSample(
            memory_total_bytes=total,
            memory_available_bytes=available,
            memory_used_bytes=_less(total, available),
            memory_cached_bytes=found.get("Cached"),
            memory_swap_total_bytes=swap,
            memory_swap_used_bytes=_less(swap, found.get("SwapFree")),
            memory_huge_total_bytes=_times(found.get("HugePages_Total"), page),
            memory_huge_free_bytes=_times(found.get("HugePages_Free"), page),
        )
        return telemetry_pb2.Cycle(host=host)

    def close(self) -> None:
        """Close the files."""
        self.files.close()
