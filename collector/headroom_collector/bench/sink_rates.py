"""How many values a core hands on to another engine, by each sink."""

import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from headroom_collector.bench import peers
from headroom_collector.bench.load import Job, cycle
from headroom_collector.bench.report import Figure
from headroom_collector.config import StoreSettings
from headroom_collector.ingest.decode import rows
from headroom_collector.sink_settings import InfluxDb, RemoteWrite
from headroom_collector.sinks import influxdb
from headroom_collector.sinks.remote_write import RemoteWriter
from headroom_collector.sinks.target import Target
from headroom_collector.sinks.task import SinkTask
from headroom_collector.store.api import StoreBatch
from headroom_collector.store.engine import DuckStore, open_store
from headroom_core.clock import SystemClock
from headroom_proto.catalogue import catalogue

CASE = "sinks"
HOSTS = 200
SECOND = 1_000_000_000


def fill(store: DuckStore, cycles: int) -> None:
    """Store some cycles of hosts with 8 virtual machines each."""
    made = cycle(Job("", "", [], 0, 0, 8))
    base = time.time_ns() - 3_600 * SECOND
    for seq in range(1, cycles + 1):
        made.time_unix_nano = base + seq * 10 * SECOND
        futures = [
            store.append(StoreBatch(f"host-{host:03d}", b"e" * 16, seq, 0, base, rows(made)))
            for host in range(HOSTS)
        ]
        for future in futures:
            future.result(60)


def rate(store: DuckStore, target: Target) -> float:
    """Return the values that a sink hands on for a second of this process's CPU time."""
    kinds = [catalogue().kind(name) for name in ("host", "vm")]
    sink = SinkTask(store, target, kinds, lambda *_: {"site": "s1"}, SystemClock())
    before = time.process_time()
    while sink.step():
        pass
    return sink.tally.sent / (time.process_time() - before)


def figures(*, short: bool) -> Iterator[Figure]:
    """Hand the same samples on by each sink, to VictoriaMetrics."""
    engine = peers.PEERS[1]
    if engine.name in peers.skipped():
        return
    with TemporaryDirectory() as name, peers.running(engine) as there, httpx.Client() as client:
        store = open_store(Path(name), StoreSettings(), [], SystemClock())
        try:
            fill(store, 4 if short else 40)
            writer = RemoteWriter(RemoteWrite(url=f"{there.url}/api/v1/write"), client)
            lines = influxdb.connect(InfluxDb(url=there.url))
            for sink, target in (("remote_write", writer), ("influxdb", lines)):
                metric = f"{sink}_values_per_core_second"
                yield Figure("ingest", CASE, metric, rate(store, target), "1/s")
            lines.close()
        finally:
            store.close()
