"""Where the agent's memory and CPU time go: what each part it loads takes, and each thread uses."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from headroom_collector.bench.report import Figure

PARTS: Mapping[str, tuple[str, ...]] = {
    "python": (),
    "standard_library": ("logging", "socket", "threading", "dataclasses", "argparse", "tomllib"),
    "tls": ("ssl",),
    "sqlite": ("sqlite3",),
    "protobuf": ("headroom_proto.v1.telemetry_pb2",),
    "h2": ("h2.connection",),
    "agent": (
        "headroom_agent.__main__",
        "headroom_agent.agent",
        "headroom_agent.wire.http2",
        "headroom_agent.samplers.energy",
    ),
    "grpcio_instead_of_h2": ("headroom_agent.wire.grpcio",),
}
"""Modules of each part, in the order in which they are loaded; the last one only when asked for."""
SCRIPT = """
import json, sys
def resident():
    for line in open("/proc/self/smaps_rollup"):
        if line.startswith("Rss:"):
            return int(line.split()[1]) * 1024
sizes = {}
for part, modules in json.loads(sys.argv[1]).items():
    for module in modules:
        __import__(module)
    sizes[part] = resident()
print(json.dumps(sizes))
"""
THREADS = ("main", "samplers", "transport")
"""The agent's threads in the order in which they begin: spooling, reading, sending."""


def memory() -> Iterator[Figure]:
    """Yield the resident bytes that each part adds to a fresh process."""
    done = subprocess.run(  # noqa: S603 - this interpreter with a script of ours
        [sys.executable, "-c", SCRIPT, json.dumps(PARTS)],
        capture_output=True,
        text=True,
        check=True,
    )
    before = 0
    for part, size in json.loads(done.stdout).items():
        yield Figure("agent", "host", f"rss_bytes_{part}", float(size - before), "bytes")
        before = size


def thread_seconds(pid: int, procfs: Path = Path("/proc")) -> dict[str, float]:
    """Return the CPU seconds of each of the agent's threads so far; others are left out."""
    tasks = sorted(int(task.name) for task in (procfs / str(pid) / "task").iterdir())
    return {
        name: int((procfs / str(pid) / "task" / str(task) / "schedstat").read_text().split()[0])
        / 1e9
        for name, task in zip(THREADS, tasks, strict=False)
    }


def cpu(begin: Mapping[str, float], end: Mapping[str, float], cycles: float) -> Iterator[Figure]:
    """Yield each thread's milliseconds a cycle."""
    for name in THREADS:
        if name in begin and name in end:
            used = (end[name] - begin[name]) * 1e3 / cycles
            yield Figure("agent", "host", f"cpu_ms_per_cycle_{name}", used, "ms")
