"""Watts of hosts and the mean demand of items: what decides how much a packing draws."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from headroom_collector.consolidation.planner.model import Demand, Problem
from headroom_collector.consolidation.planner.savings import watts_of

Floats = NDArray[np.float64]
TOGETHER = 4096


@dataclass(frozen=True, slots=True)
class Watts:
    """
    What decides about energy.

    By host: ``idle`` watts, ``slope`` watts for each MHz of load; by item: ``mean`` MHz.
    """

    idle: Floats
    slope: Floats
    mean: Floats


def watts_for(problem: Problem, demand: Demand) -> Watts:
    """Return those of an estate, whose items have that ``demand``; unknown watts are the default's."""
    idle, full, _ = watts_of(problem)
    capacity = np.array([max(1, host.capacity_mhz) for host in problem.hosts])
    mean = np.empty(len(demand))
    for row in range(0, len(mean), TOGETHER):
        mean[row : row + TOGETHER] = demand[row : row + TOGETHER].mean(axis=1)
    return Watts(idle, (full - idle) / capacity, mean)
