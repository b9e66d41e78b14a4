"""
Grid of what machines used, one cell for each machine and 5 minutes, out of the store.

Roll-ups give the past and samples the newest minutes. Read a day at a time, so that a month of a
thousand machines never lies in memory twice.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headroom_collector.consolidation.machines import Machine
from headroom_collector.store.api import Reader

Floats = NDArray[np.float64]
Cells = NDArray[np.float32]
"""Half the memory; its rounding (6e-8) is far below what the measurements are worth."""
Whole = NDArray[np.int64]

BUCKET_NS = 300 * 1_000_000_000
DAY_NS = 86_400 * 1_000_000_000
LATE_NS = 1_800 * 1_000_000_000
"""Roll-ups younger than this may still lack late samples: the samples themselves are read."""
COVERAGE = 0.5
"""Share of a bucket that samples must cover to stand for it."""

_SPAN = (
    "SELECT min(time) AS oldest, max(time) AS newest FROM host_5m WHERE time >= ? AND time <= ?"
)
_WAITING = "SELECT min(bucket) AS oldest FROM dirty WHERE kind = 'host' AND bucket >= ?"
_OLDEST = "SELECT min(time) AS oldest FROM host_sample WHERE time >= ? AND time <= ?"
_ROLLED = """
    SELECT host_id, time // ? AS bucket, samples::DOUBLE AS samples,
           cpu_utilisation_ratio_mean::DOUBLE AS cpu,
           greatest(memory_used_bytes_max, domains_memory_bytes_max)::DOUBLE AS memory
    FROM host_5m WHERE time >= ? AND time < ? AND host_id IN (SELECT unnest(?))"""
_RAW = """
    SELECT host_id, time // ? AS bucket, count(*)::DOUBLE AS samples,
           avg(cpu_utilisation_ratio)::DOUBLE AS cpu,
           greatest(max(memory_used_bytes), max(domains_memory_bytes))::DOUBLE AS memory
    FROM host_sample WHERE time >= ? AND time < ? AND host_id IN (SELECT unnest(?))
    GROUP BY ALL"""
_CAPACITY = """
    SELECT host_id, max(cpus)::DOUBLE AS cpus, max(memory)::DOUBLE AS memory FROM (
        SELECT host_id, cpus_max AS cpus, memory_total_bytes_max AS memory FROM host_5m
        WHERE time >= ? AND time <= ?
        UNION ALL
        SELECT host_id, cpus, memory_total_bytes FROM host_sample WHERE time >= ? AND time <= ?
    ) WHERE host_id IN (SELECT unnest(?)) GROUP BY host_id"""


@dataclass(frozen=True, slots=True)
class Grid:
    """
    What machines used: (machines, buckets), NaN where unknown.

    ``ratio`` is CPU utilisation, ``memory`` bytes, ``first`` the number of the first bucket since
    1970. ``cpus`` and ``memory_total`` (bytes): (machines,), what was measured of them lately.
    """

    first: int
    ratio: Cells
    memory: Cells
    cpus: Floats
    memory_total: Floats

    def of(self, rows: Sequence[int]) -> "Grid":
        """Return the part of some machines."""
        index = np.array(rows, np.int64)
        return Grid(
            self.first,
            self.ratio[index],
            self.memory[index],
            self.cpus[index],
            self.memory_total[index],
        )


@dataclass(slots=True)
class _Filling:
    """
    A grid that is being filled.

    Cells whose samples cover too little of their 5 minutes are kept aside: they only serve a machine
    that has nothing better yet, so that a fresh start shows something.
    """

    first: int
    ids: Whole
    """Host ids, ascending, and the row of each."""
    rows: Whole
    intervals: Floats
    ratio: Cells
    memory: Cells
    thin: list[tuple[Whole, Whole, Floats, Floats]] = field(default_factory=list)

    def add(self, table: Any) -> None:
        """Put in cells; of two for one place the later stays."""
        if table.num_rows == 0:
            return
        row = self.rows[np.searchsorted(self.ids, _column(table, "host_id", np.int64))]
        bucket = _column(table, "bucket", np.int64) - self.first
        cpu, memory = _column(table, "cpu"), _column(table, "memory")
        covered = _column(table, "samples") * self.intervals[row] * 1e9
        good = covered >= COVERAGE * BUCKET_NS
        self.ratio[row[good], bucket[good]] = cpu[good]
        self.memory[row[good], bucket[good]] = memory[good]
        if not good.all():
            self.thin.append((row[~good], bucket[~good], cpu[~good], memory[~good]))

    def settle(self) -> None:
        """Give the machines without any good cell what there is of them."""
        unknown = np.isnan(self.ratio).all(axis=1), np.isnan(self.memory).all(axis=1)
        bare: NDArray[np.bool_] = np.logical_and(*unknown)
        for row, bucket, cpu, memory in self.thin:
            wanted = bare[row]
            self.ratio[row[wanted], bucket[wanted]] = cpu[wanted]
            self.memory[row[wanted], bucket[wanted]] = memory[wanted]


def _column(table: Any, name: str, kind: type = np.float64) -> NDArray[Any]:
    return np.asarray(table.column(name).to_numpy(), kind)


def _days(start: int, end: int) -> Iterator[tuple[int, int]]:
    """Cut [start, end) into pieces of at most a day."""
    while start < end:
        upto = min(start + DAY_NS, end)
        yield start, upto
        start = upto


def _one(reader: Reader, sql: str, parameters: Sequence[Any]) -> dict[str, int | None]:
    row: dict[str, int | None] = reader.query(sql, parameters).to_pylist()[0]
    return row


def _measured(
    reader: Reader, owner: dict[int, int], machines: int, now: int
) -> tuple[Floats, Floats]:
    """Read CPUs and memory as measured within the last day; NaN where they were not."""
    cpus, memory = np.full(machines, np.nan), np.full(machines, np.nan)
    span = [now - DAY_NS, now, now - LATE_NS, now]
    for row in reader.query(_CAPACITY, [*span, list(owner)]).to_pylist():
        place = owner[row["host_id"]]
        for found, value in ((cpus, row["cpus"]), (memory, row["memory"])):
            if value is not None and value > 0:
                found[place] = np.fmax(found[place], value)
    return cpus, memory


def _empty(owner: dict[int, int], machines: Sequence[Machine], first: int, last: int) -> _Filling:
    ids = np.array(sorted(owner), np.int64)
    shape = (len(machines), last - first + 1)
    return _Filling(
        first=first,
        ids=ids,
        rows=np.array([owner[int(host_id)] for host_id in ids], np.int64),
        intervals=np.array([machine.interval_seconds or np.inf for machine in machines]),
        ratio=np.full(shape, np.nan, np.float32),
        memory=np.full(shape, np.nan, np.float32),
    )


def _raw_from(reader: Reader, start: int, newest: int | None) -> int:
    """Return from where on samples are read: roll-ups are made newest first, with holes behind."""
    if newest is None:
        return start
    waiting = _one(reader, _WAITING, [start])["oldest"]
    return max(start, newest - LATE_NS if waiting is None else min(waiting, newest - LATE_NS))


def read_grid(reader: Reader, machines: Sequence[Machine], now: int, history: int) -> Grid:
    """
    Read what ``machines`` used over ``history`` nanoseconds up to ``now`` (UTC nanoseconds).

    Samples win over roll-ups where both are read. Raises StoreError.
    """
    owner = {host_id: row for row, machine in enumerate(machines) for host_id in machine.ids}
    start = (now - history) // BUCKET_NS * BUCKET_NS
    rolled = _one(reader, _SPAN, [start, now])
    oldest, newest = rolled["oldest"], rolled["newest"]
    raw_from = _raw_from(reader, start, newest)
    raw_oldest = _one(reader, _OLDEST, [raw_from, now])["oldest"]
    begins = [time for time in (oldest, raw_oldest) if time is not None]
    first = min(begins, default=now) // BUCKET_NS
    filling = _empty(owner, machines, first, now // BUCKET_NS)
    ids = list(owner)
    if oldest is not None and newest is not None:
        for since, until in _days(oldest, newest + 1):
            filling.add(reader.query(_ROLLED, [BUCKET_NS, since, until, ids]))
    if raw_oldest is not None:
        for since, until in _days(raw_oldest // BUCKET_NS * BUCKET_NS, now + 1):
            filling.add(reader.query(_RAW, [BUCKET_NS, since, until, ids]))
    filling.settle()
    cpus, memory = _measured(reader, owner, len(machines), now)
    return Grid(first, filling.ratio, filling.memory, cpus, memory)
