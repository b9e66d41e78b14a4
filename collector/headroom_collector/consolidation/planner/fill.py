"""
Filling: one host after the other is filled as well as can be, by trials side by side.

Each trial begins with the hardest item left and goes on with items that are worth most for the room
that they take: value x (1 + multiplexing gain) / (growth of the host's crest + the item's own). The
trials differ in the random sample of items that they look at; the one that packs most value wins.
It needs fewer hosts than best fit, for more time.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from headroom_collector.consolidation.planner.blocks import Blocks
from headroom_collector.consolidation.planner.bounds import cpu_volume, memory_volume
from headroom_collector.consolidation.planner.course import never
from headroom_collector.consolidation.planner.crest import crest
from headroom_collector.consolidation.planner.fit import opening_order
from headroom_collector.consolidation.planner.kernel_fill import fill_trial
from headroom_collector.consolidation.planner.kernels import COMPILED
from headroom_collector.consolidation.planner.model import NOWHERE, Ints, Mask
from headroom_collector.consolidation.planner.packing import Packing, ragged
from headroom_collector.consolidation.planner.task import Task

Floats = NDArray[np.float64]
TOGETHER = 4096
STEEP = 8
"""How fast the resource that binds less loses its weight."""


@dataclass(frozen=True, slots=True)
class Breadth:
    """How wide filling looks: trials of a host, candidates of a trial, items considered at all."""

    trials: int = 4
    candidates: int = 128
    items: int = 2048


@dataclass(frozen=True, slots=True)
class Balance:
    """
    What makes an item hard to place, as weights of its shares of the largest host.

    ``cpu`` of its crest, ``usual`` of what it exceeds in a twentieth of the samples, ``memory``.
    """

    cpu: float
    memory: float
    usual: float


@dataclass(frozen=True, slots=True)
class Measures:
    """Items' crest in MHz, worth (the larger the earlier packed), its balance, and their blocks."""

    crest: Ints
    worth: Floats
    balance: Balance
    blocks: Blocks


def balances(task: Task) -> tuple[Balance, ...]:
    """Return balances worth trying: by the resource that binds, and by both alike."""
    hosts = max(1, cpu_volume(task)), max(1, memory_volume(task))
    cpu, memory = (min(1.0, one / max(hosts)) ** STEEP for one in hosts)
    return (
        Balance(cpu, memory, 0.2 * cpu),
        Balance(1.0, 1.0, 0.0),
        Balance(cpu, memory, 0.0),
        Balance(1.0, 0.5, 0.1),
    )


def measures_of(task: Task, blocks: Blocks, tried: Sequence[Balance]) -> list[Measures]:
    """Measure the items of a task, once for each balance."""
    size = len(task.memory)
    high, usual = np.zeros(size, dtype=np.int64), np.zeros(size, dtype=np.int64)
    often = max(blocks.late, blocks.demand.shape[1] // 20)
    for start in range(0, size, TOGETHER):
        rows = blocks.demand[start : start + TOGETHER]
        high[start : start + TOGETHER] = crest(rows, blocks.late)
        usual[start : start + TOGETHER] = crest(rows, often)
    allow, room = max(1, int(task.allow.max())), max(1, int(task.room.max()))
    return [
        Measures(
            high,
            one.cpu * high / allow
            + one.usual * usual / allow
            + one.memory * task.memory / room
            + 1e-6,
            one,
            blocks,
        )
        for one in tried
    ]


class _Trials:
    """Trials of filling one host with some of the items ``ids``."""

    def __init__(
        self, packing: Packing, host: int, ids: Ints, known: Measures, wide: Breadth
    ) -> None:
        task, count = packing.task, wide.trials
        self._task, self._host, self._ids = task, host, ids
        self._blocks, self._late = known.blocks, known.blocks.late
        self._demand = known.blocks.demand[ids]
        self._memory = task.memory[ids]
        self._crest, self._worth = known.crest[ids], known.worth[ids]
        self._cpu = known.balance.cpu
        self._share = known.balance.memory / max(1, int(task.room[host]))
        self._allow, self._hard = max(1, int(task.allow[host])), int(task.hard[host])
        self._exact = np.repeat(packing.load[host][None], count, axis=0)
        self._load = self._blocks.of(self._exact)
        self._free = np.full(count, packing.free[host])
        self._high = crest(self._load, self._late)
        self._value = np.zeros(count)
        self._rank: Floats = np.zeros((count, len(ids)))
        self.chosen: Mask = np.zeros((count, len(ids)), dtype=np.bool_)
        self._groups = _groups(task, ids)

    def run(self, rng: np.random.Generator, wide: Breadth) -> Ints:
        """Fill; returns the items that the best trial chose."""
        count, items = self._rank.shape
        self._rank[:] = self._worth**2 * rng.random((count, items))
        if COMPILED:
            return self._compiled(wide)
        self._begin(int(self._worth.argmax()))
        look = min(wide.candidates, items)
        for _ in range(4 * items + 4):
            if look < items:
                some = np.argpartition(self._rank, items - look, axis=1)[:, items - look :]
                some.sort(axis=1)
            else:
                some = np.tile(np.arange(items), (count, 1))
            if not self._round(some):
                break
        best: Ints = self._ids[self.chosen[self._value.argmax()]]
        return best

    def _compiled(self, wide: Breadth) -> Ints:
        """Do the same by the compiled kernel."""
        order = np.argsort(-self._rank, axis=1)
        begin, items = int(self._worth.argmax()), len(self._ids)
        apart = self._apart()
        for trial in range(len(order)):
            exact = self._exact[trial]
            load = exact if self._blocks.length == 1 else self._load[trial]
            self._value[trial] = fill_trial(
                order[trial],
                begin,
                self._ids,
                self._task.demand,
                self._demand,
                self._blocks.length,
                self._late,
                self._memory,
                self._crest,
                self._worth,
                (self._cpu, self._share),
                (self._allow, self._hard, int(self._free[trial])),
                min(wide.candidates, items),
                exact,
                load,
                apart,
                self.chosen[trial],
            )
        best: Ints = self._ids[self.chosen[self._value.argmax()]]
        return best

    def _apart(self) -> tuple[Ints, Ints, Ints, Ints]:
        """Return each item's anti-affinity groups, and each group's items, as ragged arrays."""
        if not self._groups:
            none: Ints = np.zeros(len(self._ids) + 1, dtype=np.int64)
            return none, none[:0], none[:1], none[:0]
        own = [self._task.anti[item] for item in self._ids.tolist()]
        members = [self._groups.get(group, []) for group in range(self._task.groups)]
        return (*ragged(own), *ragged(members))

    def _begin(self, first: int) -> None:
        """Begin every trial with one item, if it fits."""
        load = self._load + self._demand[first]
        high = crest(load, self._late)
        if (
            high[0] <= self._allow
            and load[0].max(initial=0) <= self._hard
            and self._memory[first] <= self._free[0]
        ):
            trials = np.arange(len(high))
            self._take(trials, np.full(len(high), first))

    def _round(self, some: Ints) -> bool:
        """Let each trial take the best of some candidates; False when there are none left."""
        rank = np.take_along_axis(self._rank, some, axis=1)
        if not (rank > 0).any():
            return False
        load = self._load[:, None, :] + self._demand[some]
        high = crest(load, self._late)
        fine = (rank > 0) & (high <= self._allow) & (self._memory[some] <= self._free[:, None])
        if self._late:
            fine &= load.max(axis=2) <= self._hard
        np.put_along_axis(self._rank, some, np.where(fine, rank, 0), axis=1)
        score = np.where(fine, self._score(some, high), 0)
        best = score.argmax(axis=1)
        trials = np.flatnonzero(score[np.arange(len(best)), best] > 0)
        self._take(trials, some[trials, best[trials]])
        return True

    def _score(self, some: Ints, high: Ints) -> Floats:
        grown = (high - self._high[:, None]) / self._allow
        own = self._crest[some] / self._allow
        taken = self._cpu * (grown + own) + self._share * 2 * self._memory[some]
        found: Floats = self._worth[some] * (1 + self._cpu * (own - grown)) / (1e-3 + taken)
        return np.maximum(found, 1e-12)

    def _take(self, trials: Ints, items: Ints) -> None:
        self._exact[trials] += self._task.demand[self._ids[items]]
        if self._blocks.length == 1:
            self._load = self._exact
        else:
            self._load[trials] = self._blocks.of(self._exact[trials])
        self._free[trials] -= self._memory[items]
        self._value[trials] += self._worth[items]
        self._high[trials] = crest(self._load[trials], self._late)
        self._rank[trials, items] = 0
        self.chosen[trials, items] = True
        if self._groups:
            for trial, item in zip(trials.tolist(), items.tolist(), strict=True):
                for group in self._task.anti[int(self._ids[item])]:
                    self._rank[trial, self._groups[group]] = 0


def _groups(task: Task, ids: Ints) -> dict[int, list[int]]:
    """Return the positions of the items of each anti-affinity group."""
    found: dict[int, list[int]] = {}
    if task.groups:
        for at, item in enumerate(ids.tolist()):
            for group in task.anti[item]:
                found.setdefault(group, []).append(at)
    return found


def fill(
    task: Task,
    known: Measures,
    rng: np.random.Generator,
    wide: Breadth,
    stop: Callable[[], bool] = never,
) -> tuple[Packing, Ints]:
    """Return a packing of all items from nothing, and those left without a place, or by a stop."""
    packing = Packing(task)
    left = task.active.copy()
    for host in opening_order(task).tolist():
        if not len(left) or stop():
            break
        if len(fill_host(packing, host, left, known, rng, wide)):
            left = left[packing.where[left] == NOWHERE]
    return packing, left


def fill_host(
    packing: Packing,
    host: int,
    left: Ints,
    known: Measures,
    rng: np.random.Generator,
    wide: Breadth,
) -> Ints:
    """Fill one host from the items left; returns those that it took."""
    task = packing.task
    fine = task.masks[task.kind[left], host] & (task.memory[left] <= packing.free[host])
    ids: Ints = left[fine]
    if len(ids) > wide.items:
        order = rng.random(len(ids))
        order[known.worth[ids].argmax()] = np.inf
        ids = ids[np.argpartition(order, -wide.items)[-wide.items :]]
    if not len(ids):
        return ids
    chosen = _Trials(packing, host, ids, known, wide).run(rng, wide)
    for item in chosen.tolist():
        packing.put(item, host)
    return chosen
