"""
Demand of a cluster's machines on one grid of 5-minute samples, aligned in time.

Peaks of machines are never added up: only what they needed at the same moment. A sample that is
missing is unknown, not 0; it is filled with the machine's own 95th percentile, and the share of the
samples that were really there is said.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from headroom_collector.consolidation.machines import Machine
from headroom_collector.store.api import Reader

Floats = NDArray[np.float64]
Unit = Literal["cores", "logical CPUs"]

BUCKET_NS = 300 * 1_000_000_000
HISTORY_NS = 30 * 86_400 * 1_000_000_000
"""How far back demand is read: a month has month-ends, and three weeks are the least to rely on."""
LATE_NS = 1_800 * 1_000_000_000
"""Roll-ups younger than this may still lack late samples: the samples themselves are read."""
COVERAGE = 0.5
"""Share of a bucket that samples must cover, and share of the machines that a moment must know."""
FILL_PERCENTILE = 95.0

_ROLLED = """
    SELECT host_id, time // ? AS bucket, samples::DOUBLE AS samples,
           cpu_utilisation_ratio_mean::DOUBLE AS cpu, cpus_max::DOUBLE AS cpus,
           greatest(memory_used_bytes_max, domains_memory_bytes_max)::DOUBLE AS memory,
           memory_total_bytes_max::DOUBLE AS memory_total
    FROM host_5m WHERE time >= ? AND time <= ? AND host_id IN (SELECT unnest(?))"""

_RAW = """
    SELECT host_id, time // ? AS bucket, count(*)::DOUBLE AS samples,
           avg(cpu_utilisation_ratio)::DOUBLE AS cpu, max(cpus)::DOUBLE AS cpus,
           greatest(max(memory_used_bytes), max(domains_memory_bytes))::DOUBLE AS memory,
           max(memory_total_bytes)::DOUBLE AS memory_total
    FROM host_sample WHERE time >= ? AND time <= ? AND host_id IN (SELECT unnest(?))
    GROUP BY ALL"""


@dataclass(frozen=True, slots=True)
class Demand:
    """
    What machines needed, and what they have.

    ``cpu`` in ``unit`` and ``memory`` in bytes: (machines, samples), filled, without samples where
    nothing is known; ``times``: start of each sample's 5 minutes in UTC nanoseconds; capacities:
    (machines,). ``completeness``: share of the samples that were measured, a ratio. ``filled``:
    machines whose capacity is not known and is taken for the largest one of the cluster, so that the
    bound stays one.
    """

    times: NDArray[np.int64]
    unit: Unit
    cpu: Floats
    cpu_capacity: Floats
    memory: Floats
    memory_capacity: Floats
    completeness: float
    history_seconds: float
    filled: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Cells:
    """Measured cells: which machine (row), which bucket, and their values, NaN where unknown."""

    row: NDArray[np.int64]
    bucket: NDArray[np.int64]
    samples: Floats
    cpu: Floats
    cpus: Floats
    memory: Floats
    memory_total: Floats


def _cells(tables: Sequence[Any], machines: Sequence[Machine]) -> _Cells:
    owner = {host_id: row for row, machine in enumerate(machines) for host_id in machine.ids}

    def column(name: str) -> Floats:
        return np.concatenate(
            [np.asarray(table.column(name).to_numpy(), np.float64) for table in tables]
        )

    def whole(name: str) -> NDArray[np.int64]:
        return np.concatenate(
            [np.asarray(table.column(name).to_numpy(), np.int64) for table in tables]
        )

    ids = whole("host_id")
    known = np.array(sorted(owner), np.int64)
    rows = np.array([owner[int(host_id)] for host_id in known], np.int64)
    return _Cells(
        row=rows[np.searchsorted(known, ids)],
        bucket=whole("bucket"),
        samples=column("samples"),
        cpu=column("cpu"),
        cpus=column("cpus"),
        memory=column("memory"),
        memory_total=column("memory_total"),
    )


def _read(reader: Reader, machines: Sequence[Machine], now: int, history: int) -> _Cells:
    """Read roll-ups, then the samples from shortly before the newest of them on: the latter win."""
    start = (now - history) // BUCKET_NS * BUCKET_NS
    newest = reader.query("SELECT max(time) AS newest FROM host_5m WHERE time >= ?", [start])
    rolled_to = newest.column("newest")[0].as_py()
    raw_from = start if rolled_to is None else max(start, rolled_to - LATE_NS)
    ids = [host_id for machine in machines for host_id in machine.ids]
    rolled = reader.query(_ROLLED, [BUCKET_NS, start, now, ids])
    return _cells([rolled, reader.query(_RAW, [BUCKET_NS, raw_from, now, ids])], machines)


def _steady(cells: _Cells, machines: Sequence[Machine]) -> NDArray[np.bool_]:
    """
    Mark the cells that stand for their 5 minutes: samples cover half of them.

    A machine that has no such cell yet keeps what it has, so that a fresh start shows something.
    """
    intervals = np.array([machine.interval_seconds or np.inf for machine in machines])
    covered = cells.samples * intervals[cells.row] * 1e9 >= COVERAGE * BUCKET_NS
    good = np.zeros(len(machines), bool)
    good[cells.row[covered]] = True
    marked: NDArray[np.bool_] = covered | ~good[cells.row]
    return marked


def _grid(values: Floats, cells: _Cells, first: int, shape: tuple[int, int]) -> Floats:
    # Of two values for one cell the later one stays: samples come after roll-ups.
    grid = np.full(shape, np.nan)
    grid[cells.row, cells.bucket - first] = values
    return grid


def _fill(grid: Floats) -> Floats:
    """Fill gaps with the row's 95th percentile; rows of which nothing is known are left out (0)."""
    filled = np.zeros_like(grid)
    for row, values in enumerate(grid):
        known = values[~np.isnan(values)]
        if known.size:
            usual = np.percentile(known, FILL_PERCENTILE)
            filled[row] = np.where(np.isnan(values), usual, values)
    return filled


def _moments(grid: Floats, first: int, now: int) -> NDArray[np.bool_]:
    """Mark the samples to judge by: those of which half of the machines are known, and over."""
    heard = ~np.isnan(grid)
    alive = max(1, int(heard.any(axis=1).sum()))
    known = heard.sum(axis=0)
    usable: NDArray[np.bool_] = known >= COVERAGE * alive
    settled = usable & ((first + np.arange(grid.shape[1]) + 1) * BUCKET_NS <= now)
    if settled.any():
        return settled
    return usable if usable.any() else known.astype(bool)


def _largest(grid_of: Floats, row: NDArray[np.int64], machines: int) -> Floats:
    """Largest value of each machine, NaN where none is known."""
    found = np.full(machines, -np.inf)
    np.fmax.at(found, row, grid_of)
    return np.where(np.isfinite(found), found, np.nan)


def _facts(values: list[float | None]) -> Floats:
    return np.array([np.nan if value is None else value for value in values])


def _capacity(known: Floats, otherwise: float) -> Floats:
    """Take an unknown capacity for the largest that is known: so the bound errs to the low side."""
    largest = float(np.nanmax(known)) if (~np.isnan(known)).any() else otherwise
    return np.where(np.isnan(known), largest, known)


def _history(times: NDArray[np.int64], machines: Sequence[Machine], now: int) -> float:
    if times.size == 0:
        return 0.0
    start = max(int(times[0]), min(machine.first_seen for machine in machines))
    return max(0.0, (min(now, int(times[-1]) + BUCKET_NS) - start) / 1e9)


def read_demand(
    reader: Reader, machines: Sequence[Machine], now: int, history: int = HISTORY_NS
) -> Demand:
    """
    Read the demand of one cluster's ``machines`` over ``history`` nanoseconds up to ``now``.

    CPU demand is utilisation times the machine's physical cores where all machines of the cluster
    know them, otherwise times its logical CPUs. Memory is the greater of what was used and what is
    promised to running virtual machines: never overcommitted. Raises StoreError.
    """
    cells = _read(reader, machines, now, history)
    cores = _facts([machine.cores for machine in machines])
    logical = _facts([machine.cpus for machine in machines])
    logical = np.where(np.isnan(logical), _largest(cells.cpus, cells.row, len(machines)), logical)
    unit: Unit = "logical CPUs" if np.isnan(cores).any() else "cores"
    cpu_known = cores if unit == "cores" else logical
    memory_known = _facts([machine.memory_bytes for machine in machines])
    measured = _largest(cells.memory_total, cells.row, len(machines))
    memory_known = np.where(np.isnan(measured), memory_known, measured)
    cpu_capacity = _capacity(cpu_known, 1.0)
    first = int(cells.bucket.min()) if cells.bucket.size else 0
    width = int(cells.bucket.max()) - first + 1 if cells.bucket.size else 0
    shape = (len(machines), width)
    steady = _steady(cells, machines)
    ratio = _grid(np.where(steady, cells.cpu, np.nan), cells, first, shape)
    used = _grid(np.where(steady, cells.memory, np.nan), cells, first, shape)
    moments = _moments(ratio, first, now)
    times = (first + np.flatnonzero(moments)) * BUCKET_NS
    ratio, used = ratio[:, moments], used[:, moments]
    unknown = np.isnan(cpu_known) | np.isnan(memory_known)
    return Demand(
        times=times,
        unit=unit,
        cpu=_fill(ratio) * cpu_capacity[:, None] if (~np.isnan(ratio)).any() else ratio[:, :0],
        cpu_capacity=cpu_capacity,
        memory=_fill(used) if (~np.isnan(memory_known)).any() else used[:, :0],
        memory_capacity=_capacity(memory_known, np.nan),
        completeness=float((~np.isnan(ratio)).mean()) if ratio.size else 0.0,
        history_seconds=_history(times, machines, now),
        filled=tuple(m.name for m, gap in zip(machines, unknown, strict=True) if gap),
    )
