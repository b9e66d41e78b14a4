"""Cost of a running process, from the kernel's own accounting."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU in seconds since its start, memory in bytes, threads."""

    cpu_seconds: float
    rss_bytes: int
    pss_bytes: int
    threads: int


def cost(pid: int, procfs: Path = Path("/proc")) -> Cost:
    """
    Read what a process has cost so far.

    CPU time is field 1 of each thread's ``schedstat`` in nanoseconds (kernel documentation,
    scheduler/sched-stats), memory ``smaps_rollup``. OSError where it runs no more.
    """
    folder = procfs / str(pid)
    tasks = list((folder / "task").iterdir())
    nanoseconds = sum(int((task / "schedstat").read_text().split()[0]) for task in tasks)
    sizes = {}
    for line in (folder / "smaps_rollup").read_text().splitlines()[1:]:
        name, value, *_ = line.split()
        sizes[name.rstrip(":")] = int(value) * 1024
    return Cost(nanoseconds / 1e9, sizes["Rss"], sizes["Pss"], len(tasks))


def tree(pid: int, procfs: Path = Path("/proc")) -> Cost:
    """Add up what a process and all its descendants have cost; OSError where it runs no more."""
    total = cost(pid, procfs)
    for task in (procfs / str(pid) / "task").iterdir():
        for child in (task / "children").read_text().split():
            found = tree(int(child), procfs)
            total = Cost(
                total.cpu_seconds + found.cpu_seconds,
                total.rss_bytes + found.rss_bytes,
                total.pss_bytes + found.pss_bytes,
                total.threads + found.threads,
            )
    return total
