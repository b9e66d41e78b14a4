"""
Order of migrations in which every intermediate state complies.

A move is done when its destination would comply with the VM on it, memory and rules included, while
the source still holds it. Where moves wait for each other in a circle, one of them goes by way of
a host with room to spare. What cannot be ordered is not done: the VM stays where it is.
"""

from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from headroom_collector.consolidation.planner.model import NOWHERE, Ints
from headroom_collector.consolidation.planner.packing import Packing
from headroom_collector.consolidation.planner.task import Part, Task


@dataclass(frozen=True, slots=True)
class Step:
    """One item that moves from one host to another, both by index."""

    item: int
    source: int
    target: int


@dataclass(frozen=True, slots=True)
class Ordered:
    """Steps in order, the state that they lead to, and the items that had to stay."""

    steps: Sequence[Step]
    state: Packing
    stayed: Sequence[int]


def present(task: Task) -> Packing:
    """Return the packing as it is now; new items are on no host."""
    packing = Packing(task)
    for item in task.active.tolist():
        if task.origin[item] != NOWHERE:
            packing.put(item, int(task.origin[item]))
    for parts in task.parts.values():
        spread(packing, parts, 1)
    return packing


def spread(packing: Packing, parts: Sequence[Part], sign: int) -> None:
    """Count the members of a group that is spread over hosts, or no longer (sign -1)."""
    for part in parts:
        packing.load[part.host] += sign * part.demand.astype(np.int32)
        packing.free[part.host] -= sign * part.memory


def settle(packing: Packing, item: int, first: int) -> list[Step] | None:
    """
    Put an item that has no origin on the ``first`` host, else on any.

    Returns the moves of its members if it was spread over hosts; None where it has no place.
    """
    task = packing.task
    parts = task.parts.get(item, ())
    spread(packing, parts, -1)
    hosts = np.flatnonzero(task.masks[task.kind[item]])
    for some in (hosts[hosts == first], hosts[hosts != first]):
        fine = some[packing.may(item, some)]
        fine = fine[packing.fits(item, fine)]
        if len(fine):
            target = int(fine[0])
            packing.put(item, target)
            return [Step(part.vm, part.host, target) for part in parts if part.host != target]
    spread(packing, parts, 1)
    return None


def ordered(task: Task, wanted: Ints) -> Ordered:
    """Order the moves from where the items are to ``wanted``, each item's host."""
    return _Orderer(present(task), wanted).run()


class _Orderer:
    def __init__(self, state: Packing, wanted: Ints) -> None:
        self._state = state
        self._wanted = wanted
        self._steps: list[Step] = []
        self._waiting: dict[int, set[int]] = defaultdict(set)
        self._ready: deque[int] = deque()
        self._detoured: set[int] = set()

    def run(self) -> Ordered:
        """Do what can be done, then break circles, until neither helps."""
        task = self._state.task
        moving = [at for at in task.active.tolist() if self._moves(at)]
        moving.sort(key=lambda item: -int(task.memory[item]))
        self._ready.extend(moving)
        self._drain()
        while self._break_circle():
            self._drain()
        left = sorted(item for items in self._waiting.values() for item in items)
        return Ordered(self._steps, self._state, left)

    def _moves(self, item: int) -> bool:
        here, there = self._state.where[item], self._wanted[item]
        return bool(here != NOWHERE and there not in {NOWHERE, here})

    def _drain(self) -> None:
        while self._ready:
            item = self._ready.popleft()
            target = int(self._wanted[item])
            if self._lets_in(item, target):
                self._go(item, target)
            else:
                self._waiting[target].add(item)

    def _lets_in(self, item: int, host: int) -> bool:
        one = np.array([host])
        return bool(self._state.may(item, one)[0] and self._state.fits(item, one)[0])

    def _go(self, item: int, target: int) -> None:
        source = self._state.take(item)
        self._state.put(item, target)
        self._steps.append(Step(item, source, target))
        self._waiting[target].discard(item)
        self._ready.extend(sorted(self._waiting.pop(source, ())))

    def _break_circle(self) -> bool:
        """Send one waiting item, on a host that others wait for, by way of a host with room."""
        waited_for = {host for host, items in self._waiting.items() if items}
        for host in sorted(waited_for):
            for item in sorted(self._waiting[host]):
                source = int(self._state.where[item])
                if source not in waited_for or item in self._detoured:
                    continue
                self._detoured.add(item)
                spare = self._spare(item, source)
                if spare is not None:
                    self._go(item, spare)
                    self._waiting[int(self._wanted[item])].add(item)
                    return True
        return False

    def _spare(self, item: int, source: int) -> int | None:
        state = self._state
        hosts = np.flatnonzero(state.task.masks[state.task.kind[item]])
        hosts = hosts[(hosts != source) & state.may(item, hosts)]
        hosts = hosts[np.argsort(-state.free[hosts], kind="stable")][:64]
        fine = hosts[state.fits(item, hosts)]
        return int(fine[0]) if len(fine) else None
