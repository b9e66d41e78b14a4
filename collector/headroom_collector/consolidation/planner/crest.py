"""Crest of a load: what it must stay under, the highest sample that does not count as late."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Series = NDArray[np.integer[Any]]


def crest(load: Series, late: int) -> NDArray[np.int64]:
    """
    Return, along the last axis, the value that at most ``late`` samples exceed; same unit.

    Without late samples that is the maximum. 0 where all samples may be late.
    """
    samples = load.shape[-1]
    if late >= samples:
        return np.zeros(load.shape[:-1], dtype=np.int64)
    if not late:
        most: NDArray[np.int64] = load.max(axis=-1).astype(np.int64)
        return most
    at = samples - 1 - late
    found: NDArray[np.int64] = np.partition(load, at, axis=-1)[..., at].astype(np.int64)
    return found
