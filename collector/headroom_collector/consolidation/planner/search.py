"""
Search for fewer hosts: the estate is filled anew, again and again, until time or bound is reached.

The passes differ in their random samples and in how wide they look; the best is kept.
"""

from dataclasses import replace
from itertools import count

import numpy as np

from headroom_collector.consolidation.planner.blocks import Blocks
from headroom_collector.consolidation.planner.course import Course
from headroom_collector.consolidation.planner.eject import done, emptier
from headroom_collector.consolidation.planner.energy import cost
from headroom_collector.consolidation.planner.fill import (
    Balance,
    Breadth,
    Floats,
    Measures,
    balances,
    fill,
    measures_of,
)
from headroom_collector.consolidation.planner.fit import best_fit
from headroom_collector.consolidation.planner.packing import Packing
from headroom_collector.consolidation.planner.task import Task

BREADTHS = (Breadth(1, 128), Breadth(4, 128), Breadth(8, 64), Breadth(2, 128))
NARROW = Breadth(1, 128, 2048)
EVEN = Balance(1.0, 1.0, 0.0)
"""For estates so large that best fit, which looks at every open host, would take long."""
LARGE = 3e10
"""Additions that best fit may take, some 10 s of one core."""
LESSON = 0.05
"""How much more an item is worth after a pass that put it on a host that stayed poorly filled."""
FORGETTING = 16
"""Passes after which what was learnt so is forgotten."""
NEAR = 0.01
"""Gap to the bound below which filling anew is left out: emptying the last hosts does it sooner."""
FILLING = 0.95
"""Share of the time for filling anew; the rest goes into emptying hosts of the best plan."""


def first(task: Task, blocks: Blocks, rng: np.random.Generator) -> tuple[Packing, list[int]]:
    """Return a first packing, quickly, and the items that found no place."""
    hosts = min(len(task.allow), len(task.active))
    if len(task.active) * hosts * blocks.demand.shape[1] / 4 > LARGE:
        packing, rest = fill(task, measures_of(task, blocks, [EVEN])[0], rng, NARROW)
        return packing, rest.tolist()
    return best_fit(task, blocks)


def improve(
    best: Packing, blocks: Blocks, bound: int, course: Course, rng: np.random.Generator
) -> Packing:
    """Return the best packing found until the time is over or the bound is reached."""
    filling = course.part(FILLING if best.count() > bound * (1 + NEAR) or best.task.watts else 0)
    if not filling.over():
        best = _refilled(best, blocks, bound, filling, rng)
    return emptier(best, bound, course, rng)


def _refilled(
    best: Packing, blocks: Blocks, bound: int, course: Course, rng: np.random.Generator
) -> Packing:
    """Fill anew: once by each balance, then by the one that does best on average, wider."""
    task = best.task
    tried = measures_of(task, blocks, balances(task))
    total, passes = np.zeros(len(tried)), np.zeros(len(tried))
    lift = np.ones(len(task.memory))
    for turn in count():
        if turn < len(tried):
            at, wide = turn, BREADTHS[0]
        else:
            at, wide = int(np.argmin(total / passes)), BREADTHS[turn % len(BREADTHS)]
        course.say("filling", best.count(), bound)
        known = (
            tried[at]
            if turn % 2 or task.late
            else replace(tried[at], worth=tried[at].worth * lift)
        )
        packing, left = fill(task, known, rng, wide, course.over)
        if course.over():
            return best
        lift = np.ones(len(lift)) if turn % FORGETTING == 0 else learnt(packing, tried[at], lift)
        total[at] += cost(packing) * (1 + len(left))
        passes[at] += 1
        if not len(left) and cost(packing) < cost(best):
            best = packing
            if done(best, bound):
                return best
    return best


def learnt(packing: Packing, known: Measures, lift: Floats) -> Floats:
    """
    Return by how much each item's worth is lifted after a pass.

    Items on hosts that are filled worse than a well filled one come earlier next time (Joslin and
    Clements 1999 call it squeaky wheels), the others later.
    """
    active = packing.task.active
    placed = active[packing.where[active] >= 0]
    where = packing.where[placed]
    value = np.bincount(where, known.worth[placed], len(packing.on))
    used = packing.used()
    if not len(used):
        return lift
    short = np.zeros(len(value))
    short[used] = np.clip(1 - value[used] / np.quantile(value[used], 0.9), 0, 1)
    found: Floats = lift.copy()
    found[placed] *= 1 + LESSON * (short[where] - short[used].mean())
    return found
