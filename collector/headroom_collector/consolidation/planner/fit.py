"""
Best fit over time: each item goes where its load adds least to the host's peak.

The score is the multiplexing gain, (host's peak + item's peak - peak of both) / allowance: high where
the two are busy at different times. On traces it needs fewer hosts than the fullest host, the
tightest peak or the residual's dot product.
"""

from collections.abc import Iterable

import numpy as np

from headroom_collector.consolidation.planner.blocks import Blocks
from headroom_collector.consolidation.planner.kernel_fit import place_all
from headroom_collector.consolidation.planner.kernels import COMPILED
from headroom_collector.consolidation.planner.model import NOWHERE, Ints
from headroom_collector.consolidation.planner.packing import Indices, Packing, ragged
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
    """
    Order the hosts: those that stay on anyway first, then the largest, or the most frugal.

    Last come those that a single item may use, such as hosts without a hypervisor.
    """
    total = max(1, int(task.demand.sum(axis=0, dtype=np.int64).max()))
    memory = max(1, int(task.memory.sum()))
    size = task.allow / total + np.maximum(task.room, 0) / memory
    if task.watts is not None:
        full = task.watts.idle + task.watts.slope * np.maximum(task.allow, 0) / 2
        size = size / np.maximum(full, 1e-9)
    kinds = np.bincount(task.kind[task.active], minlength=len(task.masks))
    alone = (kinds[:, None] * task.masks).sum(axis=0) < 2
    return np.lexsort((-size, alone, ~(task.held & task.usable)))


class BestFit:
    """Best fit into hosts that are opened one after the other."""

    def __init__(self, packing: Packing, order: Indices, blocks: Blocks) -> None:
        self._packing, self._blocks, self._order = packing, blocks, order
        self._open = np.zeros(len(order), dtype=np.bool_)
        self._hosts = np.empty(len(order), dtype=np.int64)
        self._count = 0
        self._load = np.zeros((len(order), blocks.demand.shape[1]), dtype=np.int32)
        self._sum = np.empty_like(self._load)
        self._peak = np.zeros(len(order), dtype=np.int64)

    def place(self, items: Iterable[int]) -> list[int]:
        """Place items one by one; returns those that fit nowhere."""
        return [item for item in items if not self._placed(item)]

    def _placed(self, item: int) -> bool:
        slot = self._best(item) if self._count else None
        if slot is None:
            slot = self._opened(item)
        if slot is None:
            return False
        host = int(self._hosts[slot])
        self._packing.put(item, host)
        self._load[slot] = self._blocks.of(self._packing.load[host][None])[0]
        self._peak[slot] = int(self._load[slot].max(initial=0))
        return True

    def _best(self, item: int) -> int | None:
        """Return the slot of the open host with the largest gain."""
        packing, count = self._packing, self._count
        hosts = self._hosts[:count]
        may = packing.may(item, hosts)
        if not may.any():
            return None
        row = self._blocks.demand[item]
        load = np.add(self._load[:count], row, out=self._sum[:count])
        peak = load.max(axis=1, initial=0)
        fine = may & packing.complies(load, hosts, self._blocks.late)
        if self._blocks.length > 1 and not fine.any():
            excess = np.where(may, peak - packing.task.allow[hosts], np.iinfo(np.int64).max)
            few = np.argsort(excess, kind="stable")[:FEW]
            few = few[may[few]]
            fine[few] = packing.fits(item, hosts[few])
        if not fine.any():
            return None
        gain = self._peak[:count] + int(row.max(initial=0)) - peak
        share = gain / np.maximum(packing.task.allow[hosts], 1)
        return int(np.where(fine, share, -np.inf).argmax())

    def _opened(self, item: int) -> int | None:
        closed = self._order[~self._open[self._order]]
        closed = closed[self._packing.may(item, closed)]
        for start in range(0, len(closed), 32):
            some = closed[start : start + 32]
            fine = self._packing.fits(item, some)
            if fine.any():
                host = int(some[fine.argmax()])
                self._hosts[self._count] = host
                self._open[host] = True
                self._count += 1
                return self._count - 1
        return None


def best_fit(task: Task, blocks: Blocks) -> tuple[Packing, list[int]]:
    """Return a packing of all items from nothing, and the items that found no place."""
    packing, order = Packing(task), opening_order(task)
    items = by_size(task, task.active)
    if COMPILED:
        return packing, _compiled(packing, order, blocks, items)
    return packing, BestFit(packing, order, blocks).place(items.tolist())


def _compiled(packing: Packing, order: Indices, blocks: Blocks, items: Ints) -> list[int]:
    """Do the same by the compiled kernel; returns the items that found no place."""
    task = packing.task
    first, groups = ragged(task.anti)
    place_all(
        items,
        task.demand,
        blocks.demand,
        blocks.length,
        (task.late, blocks.late),
        task.memory,
        task.kind,
        task.masks,
        packing.met,
        first,
        groups,
        (task.allow, task.hard),
        order,
        packing.load,
        packing.free,
        packing.where,
        FEW,
    )
    packing.settle()
    return [item for item in items.tolist() if packing.where[item] == NOWHERE]
