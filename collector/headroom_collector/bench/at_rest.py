"""Bytes a value at rest: a month of real virtual machines, ours beside Prometheus and VictoriaMetrics."""

import itertools
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from headroom_collector.bench import peers
from headroom_collector.bench.alert_traces import data_folder
from headroom_collector.bench.report import Figure
from headroom_collector.config import StoreSettings
from headroom_collector.sinks.remote_write import encoded_field, encoded_labels, encoded_sample
from headroom_collector.sinks.sender import chunks
from headroom_collector.sinks.target import Part
from headroom_collector.store.api import Rows, StoreBatch, Thing, Value
from headroom_collector.store.engine import open_store
from headroom_core.clock import SystemClock
from headroom_proto.catalogue import catalogue

CASE = "at-rest"
SECOND = 1_000_000_000
MIB = 1 << 20
VMS_A_HOST = 8
FIELDS = ("cpu_utilisation_ratio", "cpu_seconds_total", "memory_resident_bytes")

Trace = dict[str, tuple[NDArray[np.int64], NDArray[np.float64]]]
"""By virtual machine: Unix seconds, and a row for each with a value a field."""


def trace(days: int) -> Trace:
    """Read the first days of the month: utilisation, CPU time and memory of 400 machines."""
    folder = data_folder() / "bitbrains"
    table = pq.read_table(folder / "2013-8.parquet")
    first = pc.min(table["timestamp"]).as_py()
    table = table.filter(pc.less(table["timestamp"], first + days * 86_400))
    sizes = pq.read_table(folder / "2013-8-vms.parquet").to_pylist()
    found: Trace = {}
    for size in sizes:
        part = table.filter(pc.equal(table["vm"], size["vm"])).sort_by("timestamp")
        used = part["cpu_mhz"].to_numpy() / (size["cpu_mhz_provisioned"] or 1.0)
        seconds = np.cumsum(used * size["vcpus"] * 300.0)
        memory = part["memory_mib"].to_numpy() * MIB
        rows = np.stack([np.minimum(used, 1.05), seconds, np.round(memory)], axis=1)
        found[str(size["vm"])] = (part["timestamp"].to_numpy().astype(np.int64), rows)
    return found


def moments(found: Trace) -> Iterator[tuple[int, list[tuple[str, NDArray[np.float64]]]]]:
    """Yield (Unix seconds, what each machine says then), in the order of time."""
    lines = [
        (int(when), vm, rows[place])
        for vm, (times, rows) in found.items()
        for place, when in enumerate(times)
    ]
    lines.sort(key=lambda line: line[0])
    for when, group in itertools.groupby(lines, key=lambda line: line[0]):
        yield when, [(vm, row) for _, vm, row in group]


def ours(found: Trace) -> float:
    """Return the bytes of the store's file a value."""
    kind = catalogue().kind("vm")
    places = [[column.field for column in kind.columns].index(field) for field in FIELDS]
    hosts = {vm: f"host-{number // VMS_A_HOST:03d}" for number, vm in enumerate(found)}
    seqs = dict.fromkeys(hosts.values(), 0)
    count = 0
    with TemporaryDirectory() as name:
        folder = Path(name)
        store = open_store(folder, StoreSettings(raw_days=100_000), [], SystemClock())
        waiting = []
        for when, said in moments(found):
            by_host: dict[str, list[tuple[int, Thing, list[Value]]]] = {}
            for vm, row in said:
                values: list[Value] = [None] * len(kind.columns)
                for place, value in zip(places, row.tolist(), strict=True):
                    values[place] = int(value) if kind.columns[place].integer else value
                count += len(FIELDS)
                thing = Thing(vm, {"uuid": vm, "vm": vm})
                by_host.setdefault(hosts[vm], []).append((when * SECOND, thing, values))
            for host, rows in by_host.items():
                seqs[host] += 1
                rows_ = [Rows("vm", rows)]
                batch = StoreBatch(host, b"e" * 16, seqs[host], 0, when * SECOND, rows_)
                waiting.append(store.append(batch))
            if len(waiting) > 4_000:
                waiting.pop().result(60)
                waiting.clear()
        store.close()
        return sum(path.stat().st_size for path in folder.rglob("*.duckdb*")) / count


def theirs(peer: peers.Peer, found: Trace) -> float:
    """Return the bytes of a peer's compacted data a value."""
    kind = catalogue().kind("vm")
    columns = [kind.column(field) for field in FIELDS]
    labels = {
        vm: [
            encoded_labels(
                {"__name__": str(column.metric), "vm": vm, "host": f"host-{at // 8:03d}"}
            )
            for column in columns
        ]
        for at, vm in enumerate(found)
    }
    count = 0
    with peers.running(peer) as engine:
        for when, said in moments(found):
            parts = [
                Part(encoded_field(1, known + encoded_sample(when * SECOND, value)), 1)
                for vm, row in said
                for known, value in zip(labels[vm], row.tolist(), strict=True)
            ]
            count += len(parts)
            engine.feed(chunks(parts))
        return engine.compacted_bytes() / count


def figures(*, short: bool) -> Iterator[Figure]:
    """Store the same values in each and look at what they take; skipped without the traces."""
    missing = peers.skipped()
    if not (data_folder() / "bitbrains").is_dir():
        return
    found = trace(2 if short else 31)
    rates = {peer.name: theirs(peer, found) for peer in peers.PEERS if peer.name not in missing}
    yield Figure("ingest", CASE, "bytes_per_value", ours(found), "bytes", rates, missing)
