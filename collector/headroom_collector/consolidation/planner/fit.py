"""
Best fit over time: each item goes where its load adds least to the host's peak.

The score is the multiplexing gain, (host's peak + item's peak - peak of both) / allowance: high where
the two are busy at different times. On traces it needs fewer hosts than the fullest host, the
tightest peak or the residual's dot product.
"""

from collections.abc import Iterable

import numpy as np

from headroom_collector.consolidation.planner.blocks import Blocks
from headroom_collector.consolidation.planner.model import Ints, Mask
from headroom_collector.consolidation.planner.packing import Indices, Load, Packing
from headroom_collector.consolidation.planner.task import Task

FEW = 12
"""Hosts judged by every sample, for an item that fits none by blocks."""


def by_size(task: Task, items: Ints) -> Ints:
    """Order items, the hardest first: by peak and memory, each as a share of what there is."""
    if not len(items):
        return items
    peak = task.demand.max(axis=1, initial=0)[items] / max(1, int(task.allow.max()))
    memory = task.memory[items] / max(1, int(task.room.max()))
    choice = task.masks[task.kind[items]].sum(axis=1) / len(task.allow)
    hardest = np.maximum(peak, memory) + 0.3 * (peak + memory) - (choice < 0.5)
    order: Ints = items[np.argsort(-hardest, kind="stable")]
    return order


def opening_order(task: Task) -> Indices:
    """Order the hosts: those that stay on anyway first, then the largest."""
    total = max(1, int(task.demand.sum(axis=0, dtype=np.int64).max()))
    memory = max(1, int(task.memory.sum()))
    size = task.allow / total + np.maximum(task.room, 0) / memory
    return np.lexsort((-size, ~(task.held & task.usable)))


class BestFit:
    """Best fit into hosts that are opened one after the other."""

    def __init__(self, packing: Packing, order: Indices, blocks: Blocks) -> None:
        self._packing = packing
        self._blocks = blocks
        self._load = blocks.of(packing.load)
        self._order = order
        self._peak = packing.load.max(axis=1, initial=0).astype(np.int64)
        self._open = np.zeros(len(order), dtype=np.bool_)
        for host in packing.used():
            self._open[host] = True

    def place(self, items: Iterable[int]) -> list[int]:
        """Place items one by one; returns those that fit nowhere."""
        return [item for item in items if not self._placed(item)]

    def _placed(self, item: int) -> bool:
        host = self._best(item)
        if host is None:
            host = self._opened(item)
        if host is None:
            return False
        self._packing.put(item, host)
        self._open[host] = True
        if self._blocks.length > 1:
            self._load[host] = self._blocks.of(self._packing.load[host][None])[0]
        self._peak[host] = int(self._load[host].max(initial=0))
        return True

    def _best(self, item: int) -> int | None:
        packing, task = self._packing, self._packing.task
        hosts = np.flatnonzero(self._open)
        hosts = hosts[packing.may(item, hosts)]
        if not len(hosts):
            return None
        row = self._blocks.demand[item]
        load = self._load[hosts] + row
        peak = load.max(axis=1, initial=0)
        fine = self._fine(item, hosts, load, peak)
        if not fine.any():
            return None
        gain = self._peak[hosts] + int(row.max(initial=0)) - peak
        share = gain / np.maximum(task.allow[hosts], 1)
        return int(hosts[np.where(fine, share, -np.inf).argmax()])

    def _fine(self, item: int, hosts: Indices, load: Load, peak: Indices) -> Mask:
        """Tell which hosts comply by blocks; if none, which of the least exceeded comply exactly."""
        fine = self._packing.complies(load, hosts, self._blocks.late)
        if self._blocks.length > 1 and not fine.any():
            few = np.argsort(peak - self._packing.task.allow[hosts])[:FEW]
            fine[few] = self._packing.fits(item, hosts[few])
        return fine

    def _opened(self, item: int) -> int | None:
        closed = self._order[~self._open[self._order]]
        closed = closed[self._packing.may(item, closed)]
        for start in range(0, len(closed), 32):
            some = closed[start : start + 32]
            fine = self._packing.fits(item, some)
            if fine.any():
                return int(some[fine.argmax()])
        return None


def best_fit(task: Task, blocks: Blocks) -> tuple[Packing, list[int]]:
    """Return a packing of all items from nothing, and the items that found no place."""
    packing = Packing(task)
    left = BestFit(packing, opening_order(task), blocks).place(by_size(task, task.active).tolist())
    return packing, left
