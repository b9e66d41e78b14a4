"""
Emptying by ejection: one host less, its items put elsewhere, pushing out others where they must.

An item that fits nowhere takes the place of the one or two items that were hardest to place least
often; those then look for a place. Random exchanges between hosts, each of which complies, move the
search on. A host whose items do not all find a place in time stays.
"""

import numpy as np

from headroom_collector.consolidation.planner.course import Course
from headroom_collector.consolidation.planner.energy import cost
from headroom_collector.consolidation.planner.kernels import (
    COMPILED,
    exchanges_fit,
    pairs_fit,
    swaps_fit,
)
from headroom_collector.consolidation.planner.model import NOWHERE, Ints, Mask
from headroom_collector.consolidation.planner.packing import Packing

SWAPS = 0.7
"""Share of exchanges that swap two items; the others move one."""
TRIES = 12
"""Hosts looked at for a pair to push out."""
CELLS = 4_000_000
"""Most hosts x samples that one step may touch: beyond it a step would take too long."""


def emptier(best: Packing, bound: int, course: Course, rng: np.random.Generator) -> Packing:
    """Empty hosts one after the other until time or bound is reached; returns the best packing."""
    while not done(best, bound) and not course.over():
        course.say("emptying", best.count(), bound)
        host = _victim(best, rng)
        if host is None:
            break
        found = _Ejection(best.copy(), host, rng).run(course)
        if found is not None and cost(found) < cost(best):
            best = found
    return best


def done(packing: Packing, bound: int) -> bool:
    """Tell whether nothing better is possible: no host less, where the number of hosts is the aim."""
    return packing.task.watts is None and packing.count() <= bound


def _victim(packing: Packing, rng: np.random.Generator) -> int | None:
    """Choose one of the three least filled hosts that can be emptied."""
    task = packing.task
    hosts = packing.used()
    hosts = hosts[~task.held[hosts]]
    if not len(hosts):
        return None
    cpu = packing.load[hosts].mean(axis=1) / np.maximum(task.allow[hosts], 1)
    memory = 1 - packing.free[hosts] / np.maximum(task.room[hosts], 1)
    order = np.argsort(np.maximum(cpu, memory))
    return int(hosts[order[rng.integers(min(3, len(hosts)))]])


class _Ejection:
    def __init__(self, state: Packing, host: int, rng: np.random.Generator) -> None:
        self._state, self._rng = state, rng
        used = state.used()
        self._hosts = used[used != host]
        self._pool = sorted(state.on[host], key=lambda item: int(state.task.demand[item].max()))
        self._penalty = np.ones(len(state.where))
        for item in self._pool:
            state.take(item)

    def run(self, course: Course, most: int = 20_000) -> Packing | None:
        """Place the pool; None where time is over or so many steps did not do."""
        for _ in range(most if len(self._hosts) else 0):
            if not self._pool:
                return self._state
            if course.over():
                return None
            item = self._pool.pop()
            if not self._insert(item):
                self._push(item)
            self._exchange()
        return None if self._pool else self._state

    def _insert(self, item: int) -> bool:
        hosts = self._hosts[self._state.may(item, self._hosts)]
        hosts = hosts[self._state.fits(item, hosts)]
        if not len(hosts):
            return False
        self._state.put(item, int(self._rng.choice(hosts)))
        return True

    def _push(self, item: int) -> None:
        """Put the item in the place of others, which go to the pool; back to it where none gives way."""
        self._penalty[item] += 1
        host, out = self._single(item)
        cost = float(self._penalty[list(out)].sum()) if out else np.inf
        if cost > 2:
            other = self._pair(item, cost)
            host, out = other if other[1] else (host, out)
        if not out:
            self._pool.insert(0, item)
            return
        for one in out:
            self._state.take(one)
        self._state.put(item, host)
        self._pool[:0] = out

    def _single(self, item: int) -> tuple[int, tuple[int, ...]]:
        """Return the least penalised item that makes room by leaving, with its host."""
        state, task = self._state, self._state.task
        open_ = task.masks[task.kind[item]].copy()
        closed = np.ones(len(open_), dtype=np.bool_)
        closed[self._hosts] = False
        open_ &= ~closed
        items = np.flatnonzero(state.where != NOWHERE)
        items = items[open_[state.where[items]]]
        hosts = state.where[items]
        some = state.free[hosts] + task.memory[items] >= task.memory[item]
        items, hosts = items[some], hosts[some]
        items, hosts = self._hot(item, items, hosts)
        fine = self._swaps(item, items, hosts)
        fine &= self._apart(item, items, hosts)
        items, hosts = items[fine], hosts[fine]
        if not len(items):
            return NOWHERE, ()
        best = (self._penalty[items] + 0.5 * self._rng.random(len(items))).argmin()
        return int(hosts[best]), (int(items[best]),)

    def _swaps(self, item: int, items: Ints, hosts: Ints) -> Mask:
        """Tell of each of ``items`` whether its host complies with ``item`` in its place."""
        state, task = self._state, self._state.task
        if not COMPILED:
            load = state.load[hosts] + task.demand[item] - task.demand[items]
            return state.complies(load, hosts)
        fine = np.zeros(len(items), dtype=np.bool_)
        limits = task.allow, task.hard
        swaps_fit(state.load, task.demand, item, items, hosts, limits, task.late, fine)
        return fine

    def _pairs(self, item: int, host: int, one: Ints, two: Ints) -> Mask:
        """Tell of each pair on a host whether it complies with ``item`` in their place."""
        state, task = self._state, self._state.task
        if not COMPILED:
            load = (state.load[host] + task.demand[item]) - task.demand[one] - task.demand[two]
            return state.complies(load, np.full(len(one), host))
        fine = np.zeros(len(one), dtype=np.bool_)
        limits = int(task.allow[host]), int(task.hard[host])
        pairs_fit(state.load[host], task.demand, item, one, two, limits, task.late, fine)
        return fine

    def _exchanges(self, here: Ints, there: Ints, mine: Ints, other: Ints, fine: Mask) -> Mask:
        """Tell of ``fine`` exchanges whether both hosts comply afterwards; NOWHERE: nothing back."""
        state, task = self._state, self._state.task
        if COMPILED:
            limits = task.allow, task.hard
            ends, items = (here, there), (mine, other)
            exchanges_fit(state.load, task.demand, ends, items, limits, task.late, fine)
            return fine
        swap = (other != NOWHERE)[:, None]
        change = task.demand[mine].astype(np.int32) - np.where(swap, task.demand[other], 0)
        fine &= state.complies(state.load[here] - change, here)
        fine &= state.complies(state.load[there] + change, there)
        return fine

    def _hot(self, item: int, items: Ints, hosts: Ints) -> tuple[Ints, Ints]:
        """Leave out the items whose leaving does not do at the item's own highest samples."""
        task = self._state.task
        keep = 12
        if task.late or task.demand.shape[1] <= keep:
            return items, hosts
        hot = np.argpartition(task.demand[item], -keep)[-keep:]
        load = self._state.load[:, hot] + (task.demand[item][hot] - task.allow[:, None])
        fine = np.all(load[hosts] <= task.demand[np.ix_(items, hot)], axis=1)
        return items[fine], hosts[fine]

    def _apart(self, item: int, items: Ints, hosts: Ints) -> Mask:
        state = self._state
        found = np.ones(len(items), dtype=np.bool_)
        for group in state.task.anti[item]:
            own = [group in state.task.anti[one] for one in items.tolist()]
            found &= state.met[hosts, group] - np.array(own, dtype=np.int64) <= 0
        return found

    def _pair(self, item: int, cost: float) -> tuple[int, tuple[int, ...]]:
        """Return two items of one host that cost less and make room by leaving."""
        state, task = self._state, self._state.task
        best: tuple[int, tuple[int, ...]] = (NOWHERE, ())
        if task.anti[item]:
            return best
        for host in self._rng.permutation(self._hosts)[:TRIES].tolist():
            on = np.array(sorted(state.on[host]), dtype=np.int64)
            if len(on) < 2 or not task.masks[task.kind[item], host]:
                continue
            one, two = (on[at] for at in np.triu_indices(len(on), 1))
            price = self._penalty[one] + self._penalty[two]
            freed = task.memory[one] + task.memory[two] + state.free[host]
            some = (price < cost) & (freed >= task.memory[item])
            one, two, price = one[some], two[some], price[some]
            fine = self._pairs(item, host, one, two)
            if fine.any():
                at = int(np.where(fine, price, np.inf).argmin())
                cost, best = float(price[at]), (host, (int(one[at]), int(two[at])))
        return best

    def _exchange(self) -> None:
        """Exchange or move random items between random pairs of hosts wherever that complies."""
        state, task = self._state, self._state.task
        hosts = self._rng.permutation(self._hosts)[: CELLS // max(1, task.demand.shape[1])]
        half = len(hosts) // 2
        if task.groups or not half:
            return
        here, there = hosts[:half], hosts[half : 2 * half]
        one = self._one_each()
        mine, other = one[here], np.where(self._rng.random(half) < SWAPS, one[there], NOWHERE)
        some = mine != NOWHERE
        here, there, mine, other = here[some], there[some], mine[some], other[some]
        swap = other != NOWHERE
        memory = task.memory[mine] - np.where(swap, task.memory[other], 0)
        fine = task.masks[task.kind[mine], there]
        fine &= np.where(swap, task.masks[task.kind[other], here], fine)
        fine &= (state.free[here] + memory >= 0) & (state.free[there] - memory >= 0)
        fine = self._exchanges(here, there, mine, other, fine)
        for at in np.flatnonzero(fine).tolist():
            a, b = int(mine[at]), int(other[at])
            state.take(a)
            if b != NOWHERE:
                state.take(b)
                state.put(b, int(here[at]))
            state.put(a, int(there[at]))

    def _one_each(self) -> Ints:
        """Return a random item of each host, NOWHERE where it has none."""
        where = self._state.where
        items = self._rng.permutation(len(where))
        items = items[where[items] != NOWHERE]
        found: Ints = np.full(len(self._state.on), NOWHERE, dtype=np.int64)
        found[where[items]] = items
        return found
