"""
Savings of a plan in energy: linear power between idle and full load.

P(u) = idle + (full - idle) x u, u the share of its cores that a host uses; summed over the samples.
Where a host's watts are not known, the median two-socket SPECpower_ssj2008 result of 2021 stands in
(119 W idle, 566 W full), and the figure says for how many hosts. The linear form is the usual
approximation; real servers draw a little more than it in the middle of their range.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from headroom_collector.consolidation.planner.model import NOWHERE, STEP_SECONDS, Problem

IDLE_WATTS = 119.0
FULL_WATTS = 566.0
YEAR_SECONDS = 365.25 * 86_400
JOULES_PER_KWH = 3.6e6

Savings = Callable[[Problem, Sequence[int], Sequence[int]], dict[str, Any]]
"""Given the estate, the placement now and the one planned, hosts by index: the plan's ``savings``."""


def _watts(problem: Problem) -> tuple[Any, Any, int]:
    idle = [IDLE_WATTS if h.idle_watts is None else h.idle_watts for h in problem.hosts]
    full = [FULL_WATTS if h.max_watts is None else h.max_watts for h in problem.hosts]
    known = sum(h.idle_watts is not None and h.max_watts is not None for h in problem.hosts)
    return np.array(idle), np.maximum(np.array(full), np.array(idle)), known


def _mean_watts(problem: Problem, placement: Sequence[int], on: Any) -> float:
    idle, full, _ = _watts(problem)
    mean = np.zeros(len(problem.hosts))
    for row in range(0, len(problem.vms), 4096):
        where = np.array(placement[row : row + 4096])
        placed = where != NOWHERE
        used = problem.demand[row : row + 4096].mean(axis=1)
        np.add.at(mean, where[placed], used[placed])
    capacity = np.array([max(1, host.capacity_mhz) for host in problem.hosts])
    power = idle + (full - idle) * np.minimum(1, mean / capacity)
    return float(power[on].sum())


def energy(problem: Problem, before: Sequence[int], after: Sequence[int]) -> dict[str, Any]:
    """Return watts before (every host on) and after (hosts without VMs off), and kWh a year."""
    every = np.ones(len(problem.hosts), dtype=np.bool_)
    on = np.array([host.status == "excluded" for host in problem.hosts], dtype=np.bool_)
    on[[host for host in after if host != NOWHERE]] = True
    now = before if any(host != NOWHERE for host in before) else after
    watts_before = _mean_watts(problem, now, every)
    watts_after = _mean_watts(problem, after, on)
    known = _watts(problem)[2]
    saved = watts_before - watts_after
    return {
        "power_watts_before": round(watts_before, 1),
        "power_watts_after": round(watts_after, 1),
        "energy_kwh_per_year": round(saved * YEAR_SECONDS / JOULES_PER_KWH, 1),
        "hosts_with_known_watts": known,
        "basis": "given" if known == len(problem.hosts) else "default" if not known else "mixed",
        "source": "linear between idle and full load; default SPECpower 2021 medians, 119 and 566 W",
        "samples_seconds": STEP_SECONDS,
    }
