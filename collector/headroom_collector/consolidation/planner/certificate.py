"""
Certificates: weights of items that prove a lower bound above the volume, checkable in integers.

Items have whole sizes in one resource, and no host has more of it than ``capacity``. If any items
that fit one host together weigh at most ``unit``, then no plan has fewer hosts than the weight of
all items / unit. That the weights are such is an integer knapsack, which anybody can solve again.
"""

from dataclasses import dataclass

import numpy as np

from headroom_collector.consolidation.planner.model import Ints

SCALE = 1_000_000
ROUNDS = 300
MOST_SIZES = 40
MOST_STEPS = 40_000
CUTS = 200
"""Thresholds tried for weights by threshold."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """``weights[i]`` is the weight of each of the ``counts[i]`` items of size ``sizes[i]``."""

    resource: str
    sample: int | None
    capacity: int
    sizes: tuple[int, ...]
    counts: tuple[int, ...]
    weights: tuple[int, ...]
    unit: int

    @property
    def hosts(self) -> int:
        """The bound that it proves."""
        weight = sum(w * n for w, n in zip(self.weights, self.counts, strict=True))
        return -(-weight // self.unit)


def heaviest(sizes: Ints, weights: Ints, capacity: int) -> Ints:
    """Return, for each capacity from 0 on, the greatest weight that fits, any number of each item."""
    best: Ints = np.zeros(capacity + 1, dtype=np.int64)
    for size, weight in zip(sizes.tolist(), weights.tolist(), strict=True):
        if weight <= 0:
            continue
        for start in range(size, capacity + 1, size):
            here = best[start : start + size]
            np.maximum(here, best[start - size : start - size + len(here)] + weight, out=here)
    return best


def _pattern(best: Ints, sizes: Ints, weights: Ints) -> Ints:
    """Return how many of each item the heaviest packing has."""
    found: Ints = np.zeros(len(sizes), dtype=np.int64)
    at = len(best) - 1
    while best[at] > 0:
        at = int(np.searchsorted(best, best[at]))
        fits = np.flatnonzero(sizes <= at)
        one = next(
            int(i) for i in fits if weights[i] and best[at - sizes[i]] + weights[i] == best[at]
        )
        found[one] += 1
        at -= int(sizes[one])
    return found


def by_patterns(sizes: Ints, counts: Ints, capacity: int) -> tuple[Ints, int] | None:
    """
    Return weights from the linear relaxation of cutting stock, and their unit.

    Patterns are generated one by one (Gilmore and Gomory 1961): the dual prices of the basis are
    the weights, the heaviest pattern under them enters. None where there are too many sizes.
    """
    step = int(np.gcd.reduce(np.append(sizes, capacity)))
    sizes, capacity = sizes // step, capacity // step
    if len(sizes) > MOST_SIZES or int((capacity // sizes).sum()) > MOST_STEPS:
        return None
    basis = np.diag(capacity // sizes).astype(np.float64)
    found, best_bound = None, 0.0
    for _ in range(ROUNDS):
        prices = np.maximum(np.linalg.solve(basis.T, np.ones(len(sizes))), 0)
        weights = np.floor(prices * SCALE + 1e-6).astype(np.int64)
        heavy = heaviest(sizes, weights, capacity)
        unit = int(heavy[-1])
        if unit and float(weights @ counts) / unit > best_bound:
            found, best_bound = (weights, unit), float(weights @ counts) / unit
        if unit <= SCALE + len(sizes) * int((capacity // sizes).max()):
            break
        entering = _pattern(heavy, sizes, weights).astype(np.float64)
        direction = np.linalg.solve(basis, entering)
        level = np.linalg.solve(basis, counts.astype(np.float64))
        ratio = np.where(direction > 1e-9, level / np.maximum(direction, 1e-9), np.inf)
        basis[:, int(ratio.argmin())] = entering
    return found


def by_threshold(sizes: Ints, counts: Ints, capacity: int) -> tuple[Ints, int]:
    """
    Return weights that leave out small items and round large ones up, and their unit.

    For a threshold a up to half the capacity: items above capacity - a weigh all of it, those from
    a on their size, smaller ones nothing (Martello and Toth's bound L2 as weights).
    """
    small = sizes[(sizes > 0) & (2 * sizes <= capacity)]
    cuts = np.unique(np.append(small[:: max(1, len(small) // CUTS)], (1, capacity // 2)))
    best, found = -1, sizes
    for cut in cuts.tolist():
        weights = np.where(sizes > capacity - cut, capacity, np.where(sizes >= cut, sizes, 0))
        total = int(weights @ counts)
        if total > best:
            best, found = total, weights
    return found, capacity


def certified(
    items: Ints, capacity: int, resource: str, sample: int | None = None, *, patterns: bool
) -> Certificate | None:
    """Return the best certificate for items of such sizes; None where none of them has a size."""
    sizes, counts = np.unique(items[items > 0], return_counts=True)
    if not len(sizes) or sizes[-1] > capacity:
        return None
    tried = [by_threshold(sizes, counts, capacity)]
    if patterns:
        more = by_patterns(sizes, counts, capacity)
        tried += [more] if more else []
    made = [
        Certificate(
            resource,
            sample,
            capacity,
            tuple(sizes.tolist()),
            tuple(counts.tolist()),
            tuple(weights.tolist()),
            unit,
        )
        for weights, unit in tried
    ]
    return max(made, key=lambda one: one.hosts)
