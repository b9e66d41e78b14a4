"""Stages of emptying: each host that gets free, after how many moves, and what that saves by then."""

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

import numpy as np

from headroom_collector.consolidation.planner.model import NOWHERE, Problem
from headroom_collector.consolidation.planner.parts import Made
from headroom_collector.consolidation.planner.savings import (
    JOULES_PER_KWH,
    YEAR_SECONDS,
    Savings,
    watts_of,
)


@dataclass(frozen=True, slots=True)
class Stage:
    """
    A host that is free after so many ``moves``; ``freed`` of them by then, this one counted.

    ``kwh_per_year`` and ``money_per_year``, in the estate's currency, are saved by all of them
    together; money None where it is not known.
    """

    host: int
    freed: int
    moves: int
    kwh_per_year: float
    money_per_year: float | None


def stages(
    problem: Problem, made: Made, spare: AbstractSet[int], savings: Savings
) -> Iterator[Stage]:
    """Yield the stages in order; hosts that stay on as a reserve save nothing and are left out."""
    points = [one for one in made.freed if one[2] not in spare]
    if not points:
        return
    saved = [watts * YEAR_SECONDS / JOULES_PER_KWH for watts in _saved(problem, made, points)]
    money = savings.yearly(problem, [host for *_, host in points], saved)
    for at, (_, moves, host) in enumerate(points):
        yield Stage(host, at + 1, moves, round(saved[at], 1), money[at])


def _saved(problem: Problem, made: Made, points: list[tuple[int, int, int]]) -> Iterator[float]:
    """Yield the watts saved at each point: idle watts of what is off, and where the work went."""
    idle, full, _ = watts_of(problem)
    capacity = np.array([max(1, host.capacity_mhz) for host in problem.hosts])
    slope = (full - idle) / capacity
    mean = problem.demand.mean(axis=1) if len(problem.demand) else np.zeros(0)
    saved, done = 0.0, 0
    for _, count, host in points:
        for vm, source, target in made.moves[done:count]:
            if source != NOWHERE:
                saved += float(mean[vm] * (slope[source] - slope[target]))
        done = count
        saved += float(idle[host])
        yield saved
