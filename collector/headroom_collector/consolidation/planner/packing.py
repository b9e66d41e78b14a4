"""Packing: which item is on which host, kept up to date with every host's load over time."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from headroom_collector.consolidation.planner.kernels import COMPILED, fits_each
from headroom_collector.consolidation.planner.model import NOWHERE, Ints, Mask
from headroom_collector.consolidation.planner.task import Task

Load = NDArray[np.int32]
Indices = NDArray[np.integer[Any]]


def ragged(lists: Sequence[Sequence[int]]) -> tuple[Ints, Ints]:
    """Return lists of whole numbers as one array, with where each begins, and its end at last."""
    first: Ints = np.zeros(len(lists) + 1, dtype=np.int64)
    if not any(lists):
        return first, first[:0]
    first[1:] = np.cumsum([len(one) for one in lists])
    flat: Ints = np.array([one for some in lists for one in some], dtype=np.int64)
    return first, flat


class Packing:
    """
    State of a plan in the making; the rules are the task's, the numbers exact integers.

    ``load`` has shape (hosts, samples) in MHz, ``free`` the memory left in MiB, ``where`` each
    item's host, ``on`` each host's items, ``met`` how often each host meets each anti-affinity
    group.
    """

    def __init__(self, task: Task) -> None:
        hosts = len(task.allow)
        self.task = task
        self.load: Load = np.zeros((hosts, task.demand.shape[1]), dtype=np.int32)
        self.free: Ints = task.room.copy()
        self.where: Ints = np.full(len(task.memory), NOWHERE, dtype=np.int64)
        self.on: list[set[int]] = [set() for _ in range(hosts)]
        self.met = np.zeros((hosts, task.groups), dtype=np.int32)

    def copy(self) -> Self:
        """Return a packing of the same state that changes on its own."""
        made = type(self).__new__(type(self))
        made.task = self.task
        made.load, made.free = self.load.copy(), self.free.copy()
        made.where, made.met = self.where.copy(), self.met.copy()
        made.on = [set(items) for items in self.on]
        return made

    def put(self, item: int, host: int) -> None:
        """Put an item on a host, whether it fits or not."""
        self.load[host] += self.task.demand[item]
        self.free[host] -= self.task.memory[item]
        self.where[item] = host
        self.on[host].add(item)
        for group in self.task.anti[item]:
            self.met[host, group] += 1

    def take(self, item: int) -> int:
        """Take an item off its host; returns that host."""
        host = int(self.where[item])
        self.load[host] -= self.task.demand[item]
        self.free[host] += self.task.memory[item]
        self.where[item] = NOWHERE
        self.on[host].discard(item)
        for group in self.task.anti[item]:
            self.met[host, group] -= 1
        return host

    def settle(self) -> None:
        """Bring ``on`` in line with ``where``, which was filled by other means."""
        for items in self.on:
            items.clear()
        for item in np.flatnonzero(self.where != NOWHERE).tolist():
            self.on[int(self.where[item])].add(item)

    def may(self, item: int, hosts: Indices) -> Mask:
        """Tell of each host whether memory and rules, all but the CPU, let the item in."""
        task = self.task
        found: Mask = (self.free[hosts] >= task.memory[item]) & task.masks[task.kind[item]][hosts]
        for group in task.anti[item]:
            found &= self.met[hosts, group] == 0
        return found

    def fits(self, item: int, hosts: Indices) -> Mask:
        """Tell of each host whether its CPU would still comply with the item on it."""
        task = self.task
        if not COMPILED:
            return self.complies(self.load[hosts] + task.demand[item], hosts)
        fine: Mask = np.ones(len(hosts), dtype=np.bool_)
        fits_each(self.load, task.demand[item], hosts, task.allow, task.hard, task.late, fine)
        return fine

    def complies(
        self, load: NDArray[np.integer[Any]], hosts: Indices, late: int | None = None
    ) -> Mask:
        """Tell of loads, one row for each of ``hosts``, whether they comply, ``late`` columns or not."""
        task = self.task
        late = task.late if late is None else late
        allow = task.allow[hosts].astype(np.int32)
        if not late:
            fine: Mask = load.max(axis=1, initial=0) <= allow
            return fine
        over = np.count_nonzero(load > allow[:, None], axis=1)
        most: Mask = (over <= late) & (load.max(axis=1, initial=0) <= task.hard[hosts])
        return most

    def used(self) -> Indices:
        """Return the hosts that have items, in order."""
        return np.array([at for at, items in enumerate(self.on) if items], dtype=np.int64)

    def count(self) -> int:
        """Count the hosts that stay on: those with items, and those held whatever the plan."""
        busy = np.array([bool(items) for items in self.on])
        return int(np.count_nonzero(busy | self.task.held))
