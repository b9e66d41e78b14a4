"""Many hosts on one collector: real TLS connections, acknowledged after a durable commit."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from headroom_collector import ready
from headroom_collector.bench.load import Job, values
from headroom_collector.bench.process import cost
from headroom_collector.bench.report import Figure
from headroom_collector.cli import processes
from headroom_collector.config import StoreSettings
from headroom_collector.store.engine import open_store
from headroom_collector.tls import Authority
from headroom_core.clock import SystemClock

START_SECONDS = 60.0
STOP_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Load:
    """
    The load of ``hosts`` that send every 10 s, over ``connections``.

    A connection is one host by its certificate, so each sends for several: its cycles come that
    much faster.
    """

    case: str
    hosts: int
    vms: int
    cpus: int
    connections: int
    seconds: float
    interval: float = 10.0

    def job(self, address: str, ca: Path, folders: list[Path]) -> Job:
        """Return what the generator is told."""
        each = self.interval * self.connections / self.hosts
        names = [str(folder) for folder in folders]
        return Job(
            address, str(ca), names, each, max(1, int(self.seconds / each)), self.vms, self.cpus
        )


LOADS = (
    Load("10k-hosts", 10_000, 8, 0, 3_000, 600.0),
    Load("10k-hosts-128-cpus", 10_000, 8, 128, 3_000, 120.0),
    Load("50k-hosts", 50_000, 8, 0, 3_000, 120.0),
)


def shorter(load: Load) -> Load:
    """Return a tenth of it, for some seconds."""
    return replace(load, hosts=load.hosts // 10, connections=load.connections // 10, seconds=10.0)


@contextmanager
def collector(folder: Path, grpc: str = "127.0.0.1:0") -> Iterator[tuple[int, ready.Ready]]:
    """Run a collector with default settings; yields its pid and where it listens."""
    flags = ["--data", str(folder), "--grpc", grpc, "--http", "127.0.0.1:0"]
    child = processes.start(
        "collector",
        "headroom_collector.cli",
        ["collector", *flags, "--log-level", "error"],
    )
    try:
        until = time.monotonic() + START_SECONDS
        while (found := ready.read(folder)) is None:
            if time.monotonic() > until:
                raise TimeoutError(f"the collector was not ready within {START_SECONDS:g} s")
            time.sleep(0.05)
        yield child.process.pid, found
    finally:
        child.stop(STOP_SECONDS)


@dataclass(frozen=True, slots=True)
class Measured:
    """What one run came to; memory in bytes, times in seconds."""

    answer: dict[str, float]
    cpu_seconds: float
    rss_bytes: int
    per_connection: float
    stored: int
    distinct: int


def _generate(job: Job, pid: int) -> tuple[dict[str, float], float, int, float]:
    """Run the generator; returns its answer, the collector's CPU seconds, memory, base memory."""
    command = [sys.executable, "-m", "headroom_collector.bench.load"]
    base = cost(pid)
    with subprocess.Popen(  # noqa: S603  # our own module
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        if child.stdin is None or child.stdout is None:
            raise RuntimeError("no pipes")
        print(json.dumps(asdict(job)), file=child.stdin, flush=True)
        answer: dict[str, Any] = json.loads(child.stdout.readline())
        connected = cost(pid)
        print("go", file=child.stdin, flush=True)
        answer |= json.loads(child.stdout.readline())
        end = cost(pid)
    grown = (connected.rss_bytes - base.rss_bytes) / len(job.folders)
    return answer, end.cpu_seconds - connected.cpu_seconds, end.rss_bytes, grown


def measure(load: Load) -> tuple[Measured, int]:
    """Run one load; returns what came of it, and the values in a cycle."""
    with TemporaryDirectory() as name:
        data = Path(name) / "data"
        data.mkdir()
        authority = Authority.open(data / "tls", SystemClock())
        files = [authority.issue_host(f"load-{n:05d}") for n in range(load.connections)]
        folders = [one.cert.parent for one in files]
        with collector(data) as (pid, at):
            job = load.job(at.grpc, files[0].ca, folders)
            answer, cpu, rss, grown = _generate(job, pid)
        store = open_store(data / "store", StoreSettings(), [], SystemClock())
        try:
            table = store.query(
                "SELECT count(*) AS n, count(DISTINCT (host_id, time)) AS d FROM host_sample"
                " WHERE host_id IN (SELECT id FROM hosts WHERE name LIKE 'load-%')"
            )
            stored, distinct = (int(table.column(at)[0].as_py()) for at in ("n", "d"))
        finally:
            store.close()
    return Measured(answer, cpu, rss, grown, stored, distinct), values(job)


def figures(load: Load) -> Iterator[Figure]:
    """Measure one load."""
    found, each = measure(load)
    answer = found.answer
    brought = answer["acked"] * each
    rows: tuple[tuple[str, float, str], ...] = (
        ("lost", answer["sent"] - found.distinct, "batches"),
        ("duplicated", found.stored - found.distinct, "batches"),
        ("sent_again", answer["again"], "1"),
        ("values_per_second", brought / answer["seconds"], "1/s"),
        ("values_per_core_second", brought / found.cpu_seconds, "1/s"),
        ("ack_p50_seconds", answer["ack_p50"], "s"),
        ("ack_p99_seconds", answer["ack_p99"], "s"),
        ("ack_max_seconds", answer["ack_max"], "s"),
        ("rss_bytes", float(found.rss_bytes), "bytes"),
        ("connections", float(load.connections), "1"),
        ("bytes_per_connection", found.per_connection, "bytes"),
        ("connect_seconds", answer["connect_seconds"], "s"),
    )
    for metric, value, unit in rows:
        yield Figure("ingest", load.case, metric, value, unit)
