"""
Blocks: a long history as maxima of blocks of samples, so that placing is quick and still complies.

A load's maximum in a block plus an item's is never below the maximum of both, so what complies by
blocks complies. Where samples may be late: when at most late // block blocks are above the
ceiling, at most ``late`` samples are.
"""

from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from headroom_collector.consolidation.planner.task import Task

Series = NDArray[np.signedinteger[Any]]
Width = TypeVar("Width", bound=np.signedinteger[Any])

COLUMNS = 400
"""Samples up to which blocks are of one sample; else blocks are chosen to have about as many."""
LENGTHS = (4, 6, 12, 24, 48, 96)
TOGETHER = 2048


@dataclass(frozen=True, slots=True)
class Blocks:
    """Items' maxima by block, shape (items, blocks), blocks of ``length`` samples, and late blocks."""

    demand: Series
    length: int
    late: int

    def of(self, load: NDArray[np.int32]) -> NDArray[np.int32]:
        """Return the block maxima of loads, shape (loads, blocks)."""
        return load if self.length == 1 else block_maxima(load, self.length)


def block_maxima(demand: NDArray[Width], block: int) -> NDArray[Width]:
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


def blocks_of(task: Task) -> Blocks:
    """Return the items' blocks; the samples themselves where there are few."""
    samples = task.demand.shape[1]
    if samples <= COLUMNS:
        return Blocks(task.demand, 1, task.late)
    length = next((one for one in LENGTHS if samples <= one * COLUMNS), LENGTHS[-1])
    return Blocks(block_maxima(task.demand, length), length, task.late // length)
