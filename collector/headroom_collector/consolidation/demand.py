"""
Demand of a cluster's machines on one grid of 5-minute samples, aligned in time.

Peaks of machines are never added up: only what they needed at the same moment. A sample that is
missing is unknown, not 0; it is filled with the machine's own 95th percentile, and the share of the
samples that were really there is said.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from headroom_collector.consolidation.grid import BUCKET_NS, Cells, Floats, Grid, Whole, read_grid
from headroom_collector.consolidation.machines import Machine
from headroom_collector.store.api import Reader

__all__ = ["BUCKET_NS", "HISTORY_NS", "Demand", "Unit", "demand_of", "read_demand"]

Unit = Literal["cores", "logical CPUs"]

HISTORY_NS = 30 * 86_400 * 1_000_000_000
"""How far back demand is read: a month has month-ends, and three weeks are the least to rely on."""
KNOWN = 0.5
"""Share of the machines that a moment must know."""
FILL_PERCENTILE = 95.0


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

    times: Whole
    unit: Unit
    cpu: Cells
    cpu_capacity: Floats
    memory: Cells
    memory_capacity: Floats
    completeness: float
    history_seconds: float
    filled: tuple[str, ...]


def _fill(grid: Cells) -> Cells:
    """Fill gaps with the row's 95th percentile; rows of which nothing is known become 0."""
    filled = grid.copy()
    for values in filled:
        gaps = np.isnan(values)
        if gaps.all():
            values[:] = 0
        elif gaps.any():
            values[gaps] = np.percentile(values[~gaps], FILL_PERCENTILE)
    return filled


def _moments(grid: Cells, first: int, now: int) -> NDArray[np.bool_]:
    """Mark the samples to judge by: those of which half of the machines are known, and over."""
    heard = ~np.isnan(grid)
    alive = max(1, int(heard.any(axis=1).sum()))
    known = heard.sum(axis=0)
    usable: NDArray[np.bool_] = known >= KNOWN * alive
    settled = usable & ((first + np.arange(grid.shape[1]) + 1) * BUCKET_NS <= now)
    if settled.any():
        return settled
    return usable if usable.any() else known.astype(bool)


def _facts(values: list[float | None]) -> Floats:
    return np.array([np.nan if value is None else value for value in values])


def _capacity(known: Floats, otherwise: float) -> Floats:
    """Take an unknown capacity for the largest that is known: so the bound errs to the low side."""
    largest = float(np.nanmax(known)) if (~np.isnan(known)).any() else otherwise
    return np.where(np.isnan(known), largest, known)


def _history(times: Whole, machines: Sequence[Machine], now: int) -> float:
    if times.size == 0:
        return 0.0
    start = max(int(times[0]), min(machine.first_seen for machine in machines))
    return max(0.0, (min(now, int(times[-1]) + BUCKET_NS) - start) / 1e9)


def _capacities(grid: Grid, machines: Sequence[Machine]) -> tuple[Unit, Floats, Floats]:
    """Return the unit of CPU demand, and CPU and memory capacities, NaN where unknown."""
    cores = _facts([machine.cores for machine in machines])
    logical = _facts([machine.cpus for machine in machines])
    logical = np.where(np.isnan(logical), grid.cpus, logical)
    memory = _facts([machine.memory_bytes for machine in machines])
    memory = np.where(np.isnan(grid.memory_total), memory, grid.memory_total)
    if np.isnan(cores).any():
        return "logical CPUs", logical, memory
    return "cores", cores, memory


def demand_of(grid: Grid, machines: Sequence[Machine], now: int) -> Demand:
    """
    Make the demand of one cluster out of the grid of its ``machines``; ``now`` in UTC nanoseconds.

    CPU demand is utilisation times the machine's physical cores where all machines of the cluster
    know them, otherwise times its logical CPUs. Memory is the greater of what was used and what is
    promised to running virtual machines: never overcommitted.
    """
    unit, cpu_known, memory_known = _capacities(grid, machines)
    cpu_capacity = _capacity(cpu_known, 1.0)
    moments = _moments(grid.ratio, grid.first, now)
    times = (grid.first + np.flatnonzero(moments)) * BUCKET_NS
    ratio, used = grid.ratio[:, moments], grid.memory[:, moments]
    measured = ~np.isnan(ratio)
    memory_is_known = bool((~np.isnan(memory_known)).any() and (~np.isnan(used)).any())
    unknown = np.isnan(cpu_known) | np.isnan(memory_known)
    cpu = (
        _fill(ratio) * cpu_capacity.astype(np.float32)[:, None] if measured.any() else ratio[:, :0]
    )
    return Demand(
        times=times,
        unit=unit,
        cpu=cpu,
        cpu_capacity=cpu_capacity,
        memory=_fill(used) if memory_is_known else used[:, :0],
        memory_capacity=_capacity(memory_known, np.nan),
        completeness=float(measured.mean()) if measured.size else 0.0,
        history_seconds=_history(times, machines, now),
        filled=tuple(m.name for m, gap in zip(machines, unknown, strict=True) if gap),
    )


def read_demand(
    reader: Reader, machines: Sequence[Machine], now: int, history: int = HISTORY_NS
) -> Demand:
    """
    Read the demand of one cluster's ``machines`` over ``history`` nanoseconds up to ``now``.

    See ``demand_of``. Raises StoreError.
    """
    return demand_of(read_grid(reader, machines, now, history), machines, now)
