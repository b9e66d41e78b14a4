"""
Lower bounds on the hosts that any plan needs, in exact integers.

Volume: at each sample the hosts that are kept must have room for all demand of that moment, and no
choice of n hosts has more room than the n largest. With late samples a host may go up to its hard
limit in ``late`` of them: then, over any s samples, n hosts take at most (s - min(s, late)) times
their allowances plus min(s, late) times their hard limits, which is tightest at the s busiest.
"""

from dataclasses import dataclass

import numpy as np

from headroom_collector.consolidation.planner.model import Ints
from headroom_collector.consolidation.planner.task import Task


@dataclass(frozen=True, slots=True)
class Bound:
    """No plan keeps fewer than ``hosts``; ``by`` says which argument proves it."""

    hosts: int
    by: str
    weights: tuple[int, ...] = ()
    sizes: tuple[int, ...] = ()
    capacity: int = 0


def fewest(demand: int, limits: Ints, spare: int = 0) -> int:
    """
    Count the hosts, largest first, whose ``limits`` cover ``demand``, the ``spare`` largest lost.

    All hosts plus one where even all do not cover it.
    """
    if demand <= 0:
        return 0
    room = np.sort(limits[limits > 0])[::-1][spare:].cumsum()
    return spare + int(np.searchsorted(room, demand)) + 1


def _late_volume(totals: Ints, task: Task, allow: Ints, hard: Ints) -> int:
    busiest = np.sort(totals)[::-1].cumsum()
    count = np.arange(1, len(totals) + 1)
    late = np.minimum(count, task.late)
    low, high = 1, len(allow) + 1
    a, h = np.sort(allow)[::-1].cumsum(), np.sort(hard)[::-1].cumsum()
    while low < high:
        middle = (low + high) // 2
        if np.all(busiest <= (count - late) * a[middle - 1] + late * h[middle - 1]):
            high = middle
        else:
            low = middle + 1
    return low


def cpu_volume(task: Task) -> int:
    """Bound by CPU."""
    if not len(task.active):
        return 0
    totals = _totals(task)
    allow, hard = (np.maximum(one[task.usable], 0) for one in (task.allow, task.hard))
    if not task.late:
        return fewest(int(totals.max(initial=0)), allow)
    return _late_volume(totals, task, allow, hard)


def _totals(task: Task) -> Ints:
    """Return the demand of all items together at each sample, in MHz."""
    found: Ints = np.zeros(task.demand.shape[1], dtype=np.int64)
    for start in range(0, len(task.active), 4096):
        found += task.demand[task.active[start : start + 4096]].sum(axis=0, dtype=np.int64)
    return found


def memory_volume(task: Task) -> int:
    """Bound by memory."""
    return fewest(int(task.memory[task.active].sum()), task.room[task.usable])


def lower_bound(task: Task) -> Bound:
    """Return the best bound on the hosts that stay on."""
    forced = int(np.count_nonzero(task.held))
    found = [
        Bound(cpu_volume(task), "CPU of all VMs together at each sample"),
        Bound(memory_volume(task), "memory of all VMs together"),
        Bound(forced, "hosts that stay on whatever the plan"),
    ]
    return max(found, key=lambda bound: bound.hosts)
