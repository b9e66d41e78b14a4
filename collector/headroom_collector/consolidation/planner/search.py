"""
Search for fewer hosts: the estate is filled anew, again and again, until time or bound is reached.

The passes differ in their random samples and in how wide they look; the best is kept.
"""

from itertools import cycle

import numpy as np

from headroom_collector.consolidation.planner.coarse import coarse, refined
from headroom_collector.consolidation.planner.course import Course
from headroom_collector.consolidation.planner.eject import emptier
from headroom_collector.consolidation.planner.fill import Breadth, fill, measures_of
from headroom_collector.consolidation.planner.fit import best_fit
from headroom_collector.consolidation.planner.packing import Packing
from headroom_collector.consolidation.planner.task import Task

PASSES = (Breadth(1, 128), Breadth(4, 128), Breadth(8, 64), Breadth(2, 128))
NARROW = Breadth(1, 48, 512)
"""For estates so large that best fit, which looks at every open host, would take long."""
LARGE = 3e10
"""Additions that best fit may take, some 10 s of one core."""
FILLING = 0.8
"""Share of the time for filling anew; the rest goes into emptying hosts of the best plan."""


def first(task: Task, rng: np.random.Generator) -> tuple[Packing, list[int]]:
    """Return a first packing, quickly, and the items that found no place."""
    quick = coarse(task)
    hosts = min(len(task.allow), len(task.active))
    if len(task.active) * hosts * quick.demand.shape[1] / 4 > LARGE:
        packing, rest = fill(quick, measures_of(quick), rng, NARROW)
        left = rest.tolist()
    else:
        packing, left = best_fit(quick)
    if quick is task:
        return packing, left
    return refined(task, packing.where), left


def improve(
    task: Task, best: Packing, bound: int, course: Course, rng: np.random.Generator
) -> Packing:
    """Return the best packing found until the time is over or the bound is reached."""
    quick = coarse(task)
    known = measures_of(quick)
    count, where = best.count(), best.where
    filling = course.part(FILLING)
    for wide in cycle(PASSES):
        if count <= bound or filling.over():
            break
        course.say("filling", count, bound)
        packing, left = fill(quick, known, rng, wide, filling.over)
        if not len(left) and packing.count() < count:
            count, where = packing.count(), packing.where
    if where is not best.where:
        best = refined(task, where)
    return emptier(best, bound, course, rng)
