"""What the agent costs its host: CPU a cycle, memory, threads, beside node_exporter."""

import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from headroom_collector import ready
from headroom_collector.bench.process import Cost, cost
from headroom_collector.bench.report import Figure
from headroom_collector.cli import processes
from headroom_collector.cli.client import client
from headroom_collector.tls import Authority
from headroom_core.clock import SystemClock

PEER = "node_exporter"
PROGRAM = "prometheus-node-exporter"
WARM_CYCLES = 5


@dataclass(frozen=True, slots=True)
class Measured:
    """Cost of one program over some cycles."""

    cpu_ms_per_cycle: float
    values_per_cycle: float
    end: Cost


def measure(pid: int, cycles: int, values: Callable[[], float]) -> Measured:
    """Watch a process for ``cycles`` seconds; ``values`` gives how many it reports in one."""
    begin = cost(pid)
    started = time.monotonic()
    time.sleep(cycles)
    end = cost(pid)
    took = time.monotonic() - started
    return Measured((end.cpu_seconds - begin.cpu_seconds) * 1e3 / took, values(), end)


@contextmanager
def running_agent(folder: Path) -> Iterator[tuple[int, Path]]:
    """Run a collector and an agent at 1 Hz, TLS and spool on; yields the agent's pid."""
    with ExitStack() as stack:
        flags = ["collector", "--data", str(folder), "--log-level", "error"]
        flags += ["--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0"]
        children = [processes.start("collector", "headroom_collector.cli", flags)]
        stack.callback(processes.stop_all, children)
        at = _wait(folder)
        files = Authority.open(folder / "tls", SystemClock()).issue_host("bench")
        flags = ["--collector", at.grpc, "--interval", "1", "--tls", str(files.cert.parent)]
        flags += ["--spool", str(folder / "spool.db")]
        children.append(processes.start("agent", "headroom_agent", flags))
        time.sleep(WARM_CYCLES)
        yield children[1].process.pid, folder


def _wait(folder: Path) -> ready.Ready:
    for _ in range(600):
        found = ready.read(folder)
        if found is not None:
            return found
        time.sleep(0.05)
    raise TimeoutError("the collector was not ready within 30 s")


def agent_values(folder: Path) -> float:
    """Return how many values the agent's newest cycle brought."""
    with client(folder) as http:
        answer = http.get("/api/v1/latest", params={"host": "bench", "limit": 1000}).json()
    return float(len(answer["items"]))


@contextmanager
def running_peer() -> Iterator[tuple[int, str]]:
    """Run node_exporter, default collectors; yields pid and URL."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [PROGRAM, f"--web.listen-address=127.0.0.1:{port}"]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)  # noqa: S603  # Debian's program
    try:
        time.sleep(1)
        yield process.pid, f"http://127.0.0.1:{port}/metrics"
    finally:
        process.terminate()
        process.wait(10)


def peer(cycles: int) -> Measured:
    """Scrape node_exporter once a second, as long as our agent was watched."""
    with running_peer() as (pid, url), httpx.Client() as http:
        values = [
            float(sum(not line.startswith("#") for line in http.get(url).text.splitlines()))
            for _ in range(WARM_CYCLES)
        ]
        begin, started = cost(pid), time.monotonic()
        for cycle in range(cycles):
            http.get(url)
            time.sleep(max(0.0, started + cycle + 1 - time.monotonic()))
        end = cost(pid)
    return Measured((end.cpu_seconds - begin.cpu_seconds) * 1e3 / cycles, values[-1], end)


def rows(found: Measured) -> dict[str, tuple[float, str]]:
    """Return each metric's value and unit."""
    return {
        "cpu_ms_per_cycle": (found.cpu_ms_per_cycle, "ms"),
        "us_per_value": (found.cpu_ms_per_cycle * 1e3 / found.values_per_cycle, "us"),
        "values_per_cycle": (found.values_per_cycle, "1"),
        "rss_bytes": (float(found.end.rss_bytes), "bytes"),
        "pss_bytes": (float(found.end.pss_bytes), "bytes"),
        "threads": (float(found.end.threads), "1"),
    }


def figures(*, short: bool) -> Iterator[Figure]:
    """Measure the agent and its peer in one run, 60 cycles at 1 Hz (15 in short form)."""
    cycles = 15 if short else 60
    with TemporaryDirectory() as folder, running_agent(Path(folder)) as (pid, data):
        ours = measure(pid, cycles, lambda: agent_values(data))
    there = shutil.which(PROGRAM) is not None
    theirs = peer(cycles) if there else None
    skipped = {} if there else {PEER: f"not installed: apt-get install {PROGRAM}"}
    mine = rows(ours)
    other = rows(theirs) if theirs is not None else {}
    for metric, (value, unit) in mine.items():
        peers = {PEER: other[metric][0]} if other else {}
        yield Figure("agent", "host", metric, value, unit, peers, skipped)
