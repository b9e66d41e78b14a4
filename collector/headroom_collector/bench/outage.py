"""After an outage: every agent is back, nobody is paged, and the backlog drains."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from headroom_collector.bench import hosts
from headroom_collector.bench.load import Job, values
from headroom_collector.bench.process import cost
from headroom_collector.bench.report import Figure
from headroom_collector.config import StoreSettings
from headroom_collector.store.engine import open_store
from headroom_collector.tls import Authority
from headroom_core.clock import SystemClock

RECONNECT, BACKLOG = "reconnect", "backlog"
VMS = 8
DAY_CYCLES = 8_640
"""Cycles of a day at 10 s."""
AGENTS = 1_000


def measure(connections: int, backlog: int) -> tuple[dict[str, Any], float, int]:
    """Run it; returns the generator's answers, the collector's CPU seconds, and pages sent."""
    with TemporaryDirectory() as name:
        data = Path(name) / "data"
        data.mkdir()
        authority = Authority.open(data / "tls", SystemClock())
        files = [authority.issue_host(f"load-{n:05d}") for n in range(connections)]
        folders = [str(one.cert.parent) for one in files]
        command = [sys.executable, "-m", "headroom_collector.bench.storm"]
        with subprocess.Popen(  # noqa: S603  # our own module
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as child:
            if child.stdin is None or child.stdout is None:
                raise RuntimeError("no pipes")
            with hosts.collector(data) as (_, at):
                job = Job(at.grpc, str(files[0].ca), folders, 10.0, 0, VMS)
                print(
                    json.dumps({"job": asdict(job), "backlog": backlog}),
                    file=child.stdin,
                    flush=True,
                )
                answer: dict[str, Any] = json.loads(child.stdout.readline())
            with hosts.collector(data, at.grpc) as (pid, _):
                before = cost(pid).cpu_seconds
                answer |= json.loads(child.stdout.readline())
                time.sleep(2.0)  # for a page that were on its way
                spent = cost(pid).cpu_seconds - before
        return answer, spent, _pages(data)


def _pages(data: Path) -> int:
    store = open_store(data / "store", StoreSettings(), [], SystemClock())
    try:
        return int(store.query("SELECT count(*) FROM outbox").column(0)[0].as_py())
    finally:
        store.close()


def reconnect(*, short: bool) -> Iterator[Figure]:
    """Stop and start a collector with many streams, and see how soon all are back."""
    connections = 300 if short else 3_000
    answer, _, pages = measure(connections, 1)
    for metric, value, unit in (
        ("connections", answer["back"], "1"),
        ("seconds", answer["reconnect_seconds"], "s"),
        ("pages", pages, "1"),
    ):
        yield Figure("ingest", RECONNECT, metric, float(value), unit)


def backlog(*, short: bool) -> Iterator[Figure]:
    """Have agents bring backlogs; the time for 1,000 days of them is by the rate that was measured."""
    agents, cycles = (50, 96) if short else (200, 1_440)
    answer, spent, _ = measure(agents, cycles)
    brought = agents * cycles * values(Job("", "", [], 0, 0, VMS))
    rate = agents * cycles / answer["drain_seconds"]
    for metric, value, unit in (
        ("cycles_per_second", rate, "1/s"),
        ("values_per_core_second", brought / spent, "1/s"),
        ("seconds", AGENTS * DAY_CYCLES / rate, "s"),
    ):
        yield Figure("ingest", BACKLOG, metric, value, unit)
