"""How long a page takes from the sample that decides it, and what evaluation costs."""

import asyncio
import os
import random as random_module
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from headroom_collector.alert_settings import Alerts, Groups, Webhook
from headroom_collector.alerts.engine import AlertEngine
from headroom_collector.alerts.evaluator import Evaluator
from headroom_collector.alerts.state import MIGRATIONS
from headroom_collector.bench.alert_replay import Anywhere, quick_rule
from headroom_collector.bench.report import Figure
from headroom_collector.config import StoreSettings
from headroom_collector.store.api import Rows, Store, StoreBatch, Thing
from headroom_collector.store.engine import open_store
from headroom_core.ceiling import Ceiling
from headroom_core.clock import SystemClock
from headroom_core.estate import Member, Placement
from headroom_proto.catalogue import catalogue

SECOND = 1_000_000_000
INTERVAL = 10.0
HOLD_SECONDS = 10.0
SEED = 3
QUIET = {
    "cpu_utilisation_ratio": 0.2,
    "cpu_steal_ratio": 0.0,
    "memory_used_bytes": 40,
    "memory_total_bytes": 100,
    "pressure_cpu_some_seconds_total": 5.0,
    "vcpus_per_core": 2.0,
}


class Clusters:
    """An estate in which every host stands in a cluster of its own."""

    def member(self, host: str) -> Member:
        """Return a host that is present."""
        return Member(host, Placement("fra1", host, "r640", assigned=True))


class Feeder:
    """Appends one sample of a host after the other; ``hot`` hosts are over the ceiling."""

    def __init__(self, store: Store, hosts: int) -> None:
        self._store = store
        self._kind = catalogue().kind("host")
        self.names = [f"host-{n:05d}" for n in range(hosts)]
        self._epoch = os.urandom(16)
        self._seqs = dict.fromkeys(self.names, 0)
        self.hot: set[str] = set()

    def feed(self, names: list[str], when: int) -> None:
        """Store one sample of each at UTC nanoseconds ``when``, and wait until they are durable."""
        futures = []
        for name in names:
            self._seqs[name] += 1
            values = QUIET | ({"cpu_utilisation_ratio": 0.8} if name in self.hot else {})
            row = [values.get(column.field) for column in self._kind.columns]
            batch = StoreBatch(
                host=name,
                epoch=self._epoch,
                seq=self._seqs[name],
                crc32=0,
                received=when,
                rows=[Rows("host", [(when, Thing(), row)])],
                interval_seconds=INTERVAL,
            )
            futures.append(self._store.append(batch))
        for future in futures:
            future.result(60)


def figures(*, short: bool) -> Iterator[Figure]:
    """Measure both, with every rule that ships."""
    hosts = 1_000 if short else 10_000
    yield from _cost(hosts, cycles=4 if short else 12)
    yield from _pages(hosts, pages=5 if short else 60)


def _cost(hosts: int, cycles: int) -> Iterator[Figure]:
    with TemporaryDirectory() as folder:
        clock = SystemClock()
        store = open_store(Path(folder), StoreSettings(), MIGRATIONS, clock)
        try:
            feeder = Feeder(store, hosts)
            config = Alerts(webhook=Webhook("http://127.0.0.1:1/"))
            evaluator = Evaluator(store, Anywhere(), Ceiling(), config, clock)
            begin = clock.now() - round(cycles * INTERVAL) * SECOND
            spent = []
            for cycle in range(cycles):
                feeder.feed(feeder.names, begin + round(cycle * INTERVAL) * SECOND)
                cpu = time.process_time()
                asyncio.run(_caught_up(evaluator))
                spent.append(time.process_time() - cpu)
        finally:
            store.close()
    share = sorted(spent)[len(spent) // 2] / INTERVAL
    yield Figure("alerts", "latency", f"evaluation_of_{hosts}_hosts", share, "cores")


async def _caught_up(evaluator: Evaluator) -> None:
    while await evaluator.look():
        pass


@asynccontextmanager
async def _hook(arrived: dict[str, float]) -> AsyncIterator[str]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        size = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
        text = (await reader.readexactly(size)).decode()
        now = time.monotonic()
        for name in [part.partition('"')[0] for part in text.split('"host": "')[1:]]:
            arrived.setdefault(name, now)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        host, port = server.sockets[0].getsockname()[:2]
        yield f"http://{host}:{port}/"


def _pages(hosts: int, pages: int) -> Iterator[Figure]:
    with TemporaryDirectory() as folder:
        store = open_store(Path(folder), StoreSettings(), MIGRATIONS, SystemClock())
        try:
            over = asyncio.run(_late(store, hosts, pages))
        finally:
            store.close()
    late = sorted(over)
    yield Figure("alerts", "latency", "pages", len(late), "count")
    for metric, share in (("p50", 0.5), ("p99", 0.99)):
        value = late[min(len(late) - 1, int(share * len(late)))]
        yield Figure("alerts", "latency", f"crossing_to_accepted_beyond_hold_{metric}", value, "s")


async def _late(store: Store, hosts: int, pages: int) -> list[float]:
    """Return the seconds beyond the hold that each page took."""
    clock, feeder = SystemClock(), Feeder(store, hosts)
    arrived: dict[str, float] = {}
    crossed: dict[str, float] = {}
    chosen = random_module.Random(SEED).sample(feeder.names, pages)  # noqa: S311  # test data
    rule = replace(quick_rule(INTERVAL), hold_seconds=HOLD_SECONDS)
    slices = [feeder.names[n::10] for n in range(10)]
    per_cycle = 5
    async with _hook(arrived) as url:
        # Every page is of a cluster of its own; the storm guard would make one of them.
        calm = Groups(storm_groups=pages + 1)
        config = Alerts(rule=rule, webhook=Webhook(url), groups=calm)
        engine = AlertEngine(store, Clusters(), Ceiling(), config, clock)
        task = asyncio.create_task(engine.run())
        beat, begin = time.monotonic(), clock.now()
        for turn in range(10 * (pages // per_cycle + 3)):
            if turn % 10 == 0:
                feeder.hot |= set(chosen[: per_cycle * (turn // 10)])
            batch = slices[turn % 10]
            now = time.monotonic()
            for name in feeder.hot.intersection(batch):
                crossed.setdefault(name, now)
            when = begin + round(turn * INTERVAL / 10 * SECOND)
            await asyncio.to_thread(feeder.feed, batch, when)
            beat += INTERVAL / 10
            await asyncio.sleep(max(0.0, beat - time.monotonic()))
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    missing = 1e9
    return [
        arrived.get(name, missing) - crossed[name] - HOLD_SECONDS
        for name in chosen
        if name in crossed
    ]
