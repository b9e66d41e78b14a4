"""
Coarse task: a long history as maxima of blocks, so that placing is quick and still complies.

The sum of maxima is never below the maximum of sums, so what complies coarsely complies. Where
samples may be late: when at most late // block blocks are above the ceiling, at most ``late``
samples are.
"""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headroom_collector.consolidation.planner.model import NOWHERE, Ints
from headroom_collector.consolidation.planner.packing import Packing
from headroom_collector.consolidation.planner.task import Task

Series = NDArray[np.signedinteger[Any]]

COLUMNS = 320
"""Columns up to which a task is placed as it is."""
BLOCKS = (4, 6, 12, 24, 48, 96)
TOGETHER = 2048


def block_maxima(demand: Series, block: int) -> Series:
    """Return each row's maximum in each block of samples, shape (rows, blocks)."""
    rows, samples = demand.shape
    whole = samples // block
    found = np.empty((rows, -(-samples // block)), dtype=demand.dtype)
    for start in range(0, rows, TOGETHER):
        part = demand[start : start + TOGETHER]
        middle = part[:, : whole * block].reshape(len(part), whole, block)
        found[start : start + TOGETHER, :whole] = middle.max(axis=2)
        if whole * block < samples:
            found[start : start + TOGETHER, whole] = part[:, whole * block :].max(axis=1)
    return found


def coarse(task: Task) -> Task:
    """Return the task at a resolution that is quick to place; itself where it is short."""
    samples = task.demand.shape[1]
    if samples <= COLUMNS:
        return task
    block = next((one for one in BLOCKS if samples <= one * COLUMNS), BLOCKS[-1])
    return replace(task, demand=block_maxima(task.demand, block), late=task.late // block)


def refined(task: Task, where: Ints) -> Packing:
    """Return the packing of a task with each item where it says."""
    packing = Packing(task)
    for item in np.flatnonzero(where != NOWHERE).tolist():
        packing.put(item, int(where[item]))
    return packing
