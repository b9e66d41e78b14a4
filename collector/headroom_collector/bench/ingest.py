"""How much a collector takes in: durable values a second and core."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from headroom_collector.bench import at_rest, capacity, hosts, outage, sink_rates
from headroom_collector.bench.report import Figure
from headroom_collector.config import StoreSettings
from headroom_collector.store.api import Rows, StoreBatch, Thing
from headroom_collector.store.engine import open_store
from headroom_core.clock import SystemClock
from headroom_proto.catalogue import Kind, catalogue

HOSTS = 1000
VMS = 8
STORE_CASE = "store-1000-hosts"


CASES: dict[str, Callable[..., Iterator[Figure]]] = {
    capacity.CASE: capacity.figures,
    at_rest.CASE: at_rest.figures,
    outage.RECONNECT: outage.reconnect,
    outage.BACKLOG: outage.backlog,
    sink_rates.CASE: sink_rates.figures,
}


def batch(host: int, seq: int, epoch: bytes, kinds: tuple[Kind, Kind]) -> StoreBatch:
    """Return one cycle of one host with its virtual machines; every value is known."""
    when = time.time_ns() + seq
    rows = []
    for kind, things in zip(kinds, (1, VMS), strict=True):
        values = tuple(
            host + seq + at if column.integer else (host * 31 + seq * 7 + at) % 997 / 997
            for at, column in enumerate(kind.columns)
        )
        named = [
            Thing() if kind.name == "host" else Thing(f"vm-{host}-{n}") for n in range(things)
        ]
        rows.append(Rows(kind.name, [(when, thing, values) for thing in named]))
    return StoreBatch(f"host-{host:05d}", epoch, seq, 0, when, rows)


def figures(*, short: bool, case: str | None = None) -> Iterator[Figure]:
    """Measure the store alone, then whole collectors under the load of many hosts."""
    if case in {None, STORE_CASE}:
        yield from store_figures(short=short)
    for name, measured in CASES.items():
        if case in {None, name}:
            yield from measured(short=short)
    for load in hosts.LOADS:
        if case == load.case or (case is None and (load is hosts.LOADS[0] or not short)):
            yield from hosts.figures(hosts.shorter(load) if short else load)


def store_figures(*, short: bool) -> Iterator[Figure]:
    """Append cycles of 1,000 hosts with 8 virtual machines each, and wait until all are durable."""
    kinds = (catalogue().kind("host"), catalogue().kind("vm"))
    values = HOSTS * (len(kinds[0].columns) + VMS * len(kinds[1].columns))
    cycles = 3 if short else 20
    epochs = [os.urandom(16) for _ in range(HOSTS)]
    with TemporaryDirectory() as folder:
        store = open_store(Path(folder), StoreSettings(), [], SystemClock())
        try:
            rates, per_core = [], []
            for seq in range(1, cycles + 1):
                made = [batch(host, seq, epochs[host], kinds) for host in range(HOSTS)]
                wall, cpu = time.monotonic(), time.process_time()
                for future in [store.append(one) for one in made]:
                    future.result(60)
                rates.append(values / (time.monotonic() - wall))
                per_core.append(values / (time.process_time() - cpu))
        finally:
            store.close()
    for metric, found in (("values_per_second", rates), ("values_per_core_second", per_core)):
        yield Figure("ingest", STORE_CASE, metric, sorted(found)[len(found) // 2], "1/s")
