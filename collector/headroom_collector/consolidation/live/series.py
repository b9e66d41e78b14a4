"""Series of a live plan: what VMs and hosts used, out of the store into Parquet, a few hours at once."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from headroom_collector.consolidation.grid import BUCKET_NS, COVERAGE
from headroom_collector.consolidation.live.hosts import LiveHost
from headroom_collector.store.api import Reader

PIECE_NS = 6 * 3_600 * 1_000_000_000
"""Read at once: a quarter of a day of ten thousand VMs is some 100 MB."""
TAIL_NS = 3_600 * 1_000_000_000
"""Newest samples that may not be rolled up yet."""
FRESH_NS = 3 * 3_600 * 1_000_000_000
"""
Of a shorter history every interval counts, however few samples it has; so for a host that is new.

Longer than the two hours of past that simulated hosts bring along to a first start.
"""
OFF = (3, 5, 6, 7)
"""libvirt's states paused, shut off, crashed and suspended: such a VM uses nothing."""
MIB = float(1 << 20)

_SPAN = (
    "SELECT min(time) AS oldest, max(time) AS newest FROM {kind}_5m WHERE time >= ? AND time <= ?"
)
_VMS = """
    SELECT thing_id AS thing, host_id, time, samples::DOUBLE AS samples,
           coalesce(cpu_utilisation_ratio_mean * vcpus_max, cpu_seconds_total_delta / 300.0) AS cpu,
           state_mean::DOUBLE AS state, memory_resident_bytes_max::DOUBLE AS memory
    FROM vm_5m WHERE time >= ? AND time < ?"""
_VMS_RAW = """
    SELECT thing_id AS thing, host_id, time // ? * ? AS time, count(*)::DOUBLE AS samples,
           avg(cpu_utilisation_ratio) * max(vcpus) AS cpu,
           avg(state)::DOUBLE AS state, max(memory_resident_bytes)::DOUBLE AS memory
    FROM vm_sample WHERE time >= ? AND time < ? GROUP BY ALL"""
_HOSTS = """
    SELECT host_id AS thing, host_id, time, samples::DOUBLE AS samples,
           cpu_utilisation_ratio_mean::DOUBLE AS cpu, NULL::DOUBLE AS state,
           memory_used_bytes_max::DOUBLE AS memory
    FROM host_5m WHERE time >= ? AND time < ?"""
_HOSTS_RAW = """
    SELECT host_id AS thing, host_id, time // ? * ? AS time, count(*)::DOUBLE AS samples,
           avg(cpu_utilisation_ratio)::DOUBLE AS cpu, NULL::DOUBLE AS state,
           max(memory_used_bytes)::DOUBLE AS memory
    FROM host_sample WHERE time >= ? AND time < ? GROUP BY ALL"""


class Recorder:
    """Writes series of one kind; ``now`` and ``history`` in nanoseconds."""

    def __init__(self, reader: Reader, hosts: Sequence[LiveHost], now: int, history: int) -> None:
        self._reader = reader
        self._now, self._since = now, (now - history) // BUCKET_NS * BUCKET_NS
        ids = {one: host for host in hosts for one in host.machine.ids}
        size = max(ids, default=0) + 1
        self._per_cpu, self._whole = np.zeros(size), np.zeros(size)
        self._interval, self._young = np.full(size, np.inf), np.zeros(size, dtype=bool)
        for one, host in ids.items():
            self._per_cpu[one], self._whole[one] = host.mhz / host.cpus, host.mhz
            self._interval[one] = host.machine.interval_seconds or np.inf
            self._young[one] = now - host.machine.first_seen < FRESH_NS

    def vms(self, path: Path, names: Sequence[str], things: Mapping[int, int]) -> int:
        """Write demand.parquet; returns its rows. Raises StoreError."""
        return self._write(path, "vm", names, things, self._per_cpu, (_VMS, _VMS_RAW))

    def hosts(self, path: Path, names: Sequence[str], things: Mapping[int, int]) -> int:
        """Write host_demand.parquet; returns its rows. Raises StoreError."""
        return self._write(path, "host", names, things, self._whole, (_HOSTS, _HOSTS_RAW))

    def _write(
        self,
        path: Path,
        kind: str,
        names: Sequence[str],
        things: Mapping[int, int],
        mhz: NDArray[np.float64],
        sql: tuple[str, str],
    ) -> int:
        index = np.full(max(things, default=0) + 1, -1, dtype=np.int32)
        for thing, at in things.items():
            index[thing] = at
        schema = pa.schema(
            [
                (kind, pa.dictionary(pa.int32(), pa.string())),
                ("timestamp", pa.int64()),
                ("cpu_mhz", pa.float32()),
                ("memory_mib", pa.float32()),
            ]
        )
        rows = 0
        with pq.ParquetWriter(path, schema, compression="zstd") as writer:
            for table, fresh in self._pieces(kind, sql):
                made = self._table(table, fresh, index, mhz, pa.array(names, pa.string()), schema)
                if made.num_rows:
                    writer.write_table(made)
                    rows += made.num_rows
        return rows

    def _pieces(self, kind: str, sql: tuple[str, str]) -> Iterator[tuple[Any, bool]]:
        span = self._reader.query(_SPAN.format(kind=kind), [self._since, self._now]).to_pylist()[0]
        oldest, newest = span["oldest"], span["newest"]
        fresh = oldest is None or self._now - oldest < FRESH_NS
        if oldest is not None:
            for start in range(oldest, newest + 1, PIECE_NS):
                end = min(start + PIECE_NS, newest + BUCKET_NS)
                yield self._reader.query(sql[0], [start, end]), fresh
        tail = self._now - TAIL_NS if newest is None else newest + BUCKET_NS
        tail = max(tail, self._now - TAIL_NS) // BUCKET_NS * BUCKET_NS
        yield self._reader.query(sql[1], [BUCKET_NS, BUCKET_NS, tail, self._now + 1]), fresh

    def _table(
        self,
        table: Any,
        fresh: bool,
        index: NDArray[np.int32],
        mhz: NDArray[np.float64],
        names: Any,
        schema: Any,
    ) -> Any:
        thing, host = _whole(table, "thing"), _whole(table, "host_id")
        known = (thing < len(index)) & (host < len(mhz))
        at = np.where(known, index[np.where(known, thing, 0)], -1)
        host = np.where(known, host, 0)
        cpu = _column(table, "cpu")
        cpu = np.where(np.isin(_column(table, "state"), OFF), 0.0, cpu)
        covered = _column(table, "samples") * self._interval[host] * 1e9
        whole = fresh | self._young[host] | (covered >= COVERAGE * BUCKET_NS)
        good = (at >= 0) & ~np.isnan(cpu) & whole
        rows = np.flatnonzero(good)
        keys = pa.DictionaryArray.from_arrays(pa.array(at[rows], pa.int32()), names)
        return pa.table(
            [
                keys,
                pa.array(_whole(table, "time")[rows] // 1_000_000_000),
                pa.array((cpu * mhz[host])[rows].astype(np.float32)),
                pa.array(
                    (_column(table, "memory") / MIB)[rows].astype(np.float32), from_pandas=True
                ),
            ],
            schema=schema,
        )


def _column(table: Any, name: str) -> NDArray[np.float64]:
    return np.asarray(table.column(name).to_numpy(), np.float64)


def _whole(table: Any, name: str) -> NDArray[np.int64]:
    return np.asarray(table.column(name).to_numpy(), np.int64)
