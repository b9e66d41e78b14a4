"""
Emptying in place: as many hosts freed as possible with as few moves as possible.

Hosts are emptied one at a time, those with the fewest VMs first, all or nothing; each VM goes where
it fits best among hosts that are likely to stay.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from headroom_collector.consolidation.planner.model import Ints, Mask
from headroom_collector.consolidation.planner.order import Step
from headroom_collector.consolidation.planner.packing import Indices, Packing


@dataclass(frozen=True, slots=True)
class Emptied:
    """Steps in order, and after which of them a further host was free: (hosts freed, moves)."""

    steps: list[Step]
    curve: list[tuple[int, int]]


def relieve(packing: Packing, hosts: Indices) -> list[Step]:
    """Move VMs off hosts that they may not use, or that do not comply, until nothing can move."""
    steps: list[Step] = []
    for host in hosts.tolist():
        for item in sorted(packing.on[host], key=lambda at: -int(packing.task.demand[at].max())):
            if _fine(packing, item, host):
                continue
            target = _elsewhere(packing, item, host)
            if target is not None:
                packing.take(item)
                packing.put(item, target)
                steps.append(Step(item, host, target))
    return steps


def _fine(packing: Packing, item: int, host: int) -> bool:
    """Tell whether an item may stay on its host, which complies."""
    task, one = packing.task, np.array([host])
    rules = task.masks[task.kind[item], host]
    apart = all(packing.met[host, group] <= 1 for group in task.anti[item])
    complies = packing.complies(packing.load[one], one)[0] and packing.free[host] >= 0
    return bool(rules and apart and complies)


def _elsewhere(packing: Packing, item: int, host: int) -> int | None:
    """Return another host with room, one that is in use if there is any."""
    used = packing.used()
    target = _target(packing, item, used[used != host])
    if target is not None:
        return target
    every = np.arange(len(packing.on))
    return _target(packing, item, every[(every != host) & ~np.isin(every, used)])


def _target(packing: Packing, item: int, hosts: Indices) -> int | None:
    """Return the host where the item adds least to the peak."""
    hosts = hosts[packing.may(item, hosts)]
    if not len(hosts):
        return None
    before = packing.load[hosts].max(axis=1, initial=0)
    load = packing.load[hosts] + packing.task.demand[item]
    fine = packing.complies(load, hosts)
    if not fine.any():
        return None
    grown = (load.max(axis=1, initial=0) - before) / np.maximum(packing.task.allow[hosts], 1)
    return int(hosts[np.where(fine, grown, np.inf).argmin()])


def cheapest_first(packing: Packing) -> Indices:
    """Order the hosts that can be freed by what it takes to empty them."""
    task = packing.task
    used = [int(host) for host in packing.used() if not task.held[host]]
    count = np.array([len(packing.on[host]) for host in used], dtype=np.float64)
    size = np.array([1 - packing.free[host] / max(1, task.room[host]) for host in used])
    return np.array(used, dtype=np.int64)[np.argsort(count + size, kind="stable")]


def empty(packing: Packing, stop: Callable[[int], bool]) -> Emptied:
    """Empty hosts until none can be, or until ``stop``, told the hosts that stay on, says so."""
    found = Emptied(relieve(packing, packing.used()), [])
    order = cheapest_first(packing)
    open_ = np.zeros(len(packing.on), dtype=np.bool_)
    open_[packing.used()] = True
    rank: Ints = np.full(len(packing.on), len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    for host in order.tolist():
        if stop(int(np.count_nonzero(open_))):
            break
        open_[host] = False
        steps = _emptied(packing, host, open_, rank)
        if steps is None:
            open_[host] = True
            continue
        found.steps.extend(steps)
        found.curve.append((len(found.curve) + 1, len(found.steps)))
    return found


def _emptied(packing: Packing, host: int, open_: Mask, rank: Ints) -> list[Step] | None:
    """Empty one host into open ones, those first that are to be emptied last; None: it cannot be."""
    items = sorted(packing.on[host], key=lambda at: -int(packing.task.memory[at]))
    late = np.flatnonzero(open_ & (rank > np.median(rank[open_]) if open_.any() else open_))
    early = np.flatnonzero(open_)
    steps: list[Step] = []
    for item in items:
        target = _target(packing, item, late)
        if target is None:
            target = _target(packing, item, early)
        if target is None:
            for step in reversed(steps):
                packing.take(step.item)
                packing.put(step.item, host)
            return None
        packing.take(item)
        packing.put(item, target)
        steps.append(Step(item, host, target))
    return steps
