"""
Lower bounds on the hosts that any plan needs, in exact integers.

Volume: at each sample the hosts that are kept must have room for all demand of that moment, and no
choice of n hosts has more room than the n largest. With late samples a host may go up to its hard
limit in ``late`` of them: then, over any s samples, n hosts take at most (s - min(s, late)) times
their allowances plus min(s, late) times their hard limits, which is tightest at the s busiest.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from headroom_collector.consolidation.planner.certificate import Certificate, certified
from headroom_collector.consolidation.planner.model import Ints
from headroom_collector.consolidation.planner.task import Task

BUSIEST = 40
"""Samples, those with the most demand, at which a certificate by CPU is looked for."""


@dataclass(frozen=True, slots=True)
class Bound:
    """
    No plan keeps fewer than ``hosts``; ``by`` says which argument proves it.

    ``excluded`` hosts are among them: they stay whatever the plan. A bound above the volume bound
    has its ``certificate``.
    """

    hosts: int
    by: str
    excluded: int = 0
    certificate: Certificate | None = None


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
    if len(task.active) == len(task.demand):
        return np.asarray(task.demand.sum(axis=0, dtype=np.int64))
    for start in range(0, len(task.active), 4096):
        found += task.demand[task.active[start : start + 4096]].sum(axis=0, dtype=np.int64)
    return found


def memory_volume(task: Task) -> int:
    """Bound by memory."""
    return fewest(int(task.memory[task.active].sum()), task.room[task.usable])


def certificates(task: Task) -> Iterator[Certificate]:
    """Yield certificates by memory and, where no sample may be late, by CPU at the busiest samples."""
    room = int(task.room[task.usable].max(initial=0))
    allow = int(task.allow[task.usable].max(initial=0))
    found = [certified(task.memory[task.active], room, "memory", patterns=True)]
    if not task.late and len(task.active):
        totals = _totals(task)
        for sample in np.argsort(-totals, kind="stable")[:BUSIEST].tolist():
            items = task.demand[task.active, sample].astype(np.int64)
            found.append(certified(items, allow, "CPU", sample, patterns=False))
    yield from (one for one in found if one is not None)


def lower_bound(task: Task) -> Bound:
    """Return the best bound on the hosts that stay on."""
    excluded = int(np.count_nonzero(~task.usable))
    held = int(np.count_nonzero(task.held & task.usable))
    best = max(
        (cpu_volume(task), "CPU of all VMs together at each sample"),
        (memory_volume(task), "memory of all VMs together"),
        (held, "hosts that stay on whatever the plan"),
    )
    proof = max(certificates(task), key=lambda one: one.hosts, default=None)
    if proof is not None and proof.hosts > best[0]:
        by = f"{proof.resource} in whole VMs"
        return Bound(proof.hosts + excluded, by, excluded, proof)
    return Bound(best[0] + excluded, best[1], excluded)
