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

SHORT = 400
"""Samples up to which a block is one sample."""
COLUMNS = 200
"""Blocks of a longer history, about."""
LENGTHS = (4, 6, 12, 24, 48, 96)


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
    found: NDArray[Width] = np.maximum.reduceat(
        demand, np.arange(0, demand.shape[1], block), axis=1
    )
    return found


def blocks_of(task: Task) -> Blocks:
    """Return the items' blocks; the samples themselves where there are few."""
    samples = task.demand.shape[1]
    if samples <= SHORT:
        return Blocks(task.demand, 1, task.late)
    length = next((one for one in LENGTHS if samples <= one * COLUMNS), LENGTHS[-1])
    return Blocks(block_maxima(task.demand, length), length, task.late // length)
