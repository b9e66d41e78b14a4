"""
Gaps of measured demand: unknown, never zero.

A gap is taken as that VM's 95th percentile (nearest rank) of its known samples in the same hour of
the day, else of all its known samples.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from headroom_collector.consolidation.planner.model import DAY_SECONDS, STEP_SECONDS, Demand

UNKNOWN = -1
HOUR_SECONDS = 3600
RANK = 0.95
TOGETHER = 512
"""VMs filled at once, so that memory stays small."""


def _ranked(values: NDArray[Any]) -> NDArray[Any]:
    """Return the percentile along the last axis, UNKNOWN where nothing is known."""
    if not values.shape[-1]:
        return np.full(values.shape[:-1], UNKNOWN, dtype=values.dtype)
    ordered = np.sort(values, axis=-1)
    length = values.shape[-1]
    missing = np.count_nonzero(ordered == UNKNOWN, axis=-1)
    at = missing + np.ceil(RANK * (length - missing)).astype(np.int64) - 1
    found: NDArray[Any] = np.take_along_axis(ordered, np.maximum(at, 0)[..., None], axis=-1)[
        ..., 0
    ]
    return found


def fill(demand: Demand, start: int) -> tuple[Demand, NDArray[np.float64]]:
    """
    Fill the gaps of ``demand`` (VMs, samples; UNKNOWN in gaps) in place.

    ``start`` in Unix seconds. Returns it with the share of known samples by VM; a VM without any
    gets zeros, which stand for nothing: its share is 0.
    """
    samples = demand.shape[1]
    missing = np.zeros(len(demand), dtype=np.int64)
    for row in range(0, len(demand), TOGETHER):
        part = demand[row : row + TOGETHER]
        missing[row : row + TOGETHER] = np.count_nonzero(part == UNKNOWN, axis=1)
    seconds = (start + np.arange(samples) * STEP_SECONDS) % DAY_SECONDS
    hour = seconds // HOUR_SECONDS
    holed = np.flatnonzero((missing > 0) & (missing < samples))
    for first in range(0, len(holed), TOGETHER):
        rows = holed[first : first + TOGETHER]
        demand[rows] = _filled(demand[rows], hour)
    demand[missing == samples] = 0
    return demand, 1 - missing / max(1, samples)


def _filled(part: NDArray[Any], hour: NDArray[np.int64]) -> NDArray[Any]:
    overall = _ranked(part)
    for one in range(24):
        columns = np.flatnonzero(hour == one)
        values = part[:, columns]
        gap = values == UNKNOWN
        if gap.any():
            usual = _ranked(values)
            usual = np.where(usual == UNKNOWN, overall, usual)
            part[:, columns] = np.where(gap, usual[:, None], values)
    return part
