"""
Savings of a plan in energy: linear power between idle and full load.

P(u) = idle + (full - idle) x u, u the share of its cores that a host uses; summed over the samples.
Where a host's watts are not known, the median two-socket SPECpower_ssj2008 result of 2021 stands in
(119 W idle, 566 W full), and the figure says for how many hosts. The linear form is the usual
approximation; real servers draw a little more than it in the middle of their range.
"""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from headroom_collector.consolidation.planner.model import NOWHERE, STEP_SECONDS, Problem

IDLE_WATTS = 119.0
FULL_WATTS = 566.0
YEAR_SECONDS = 365.25 * 86_400
JOULES_PER_KWH = 3.6e6
SOURCE = "linear between idle and full load; default SPECpower 2021 medians, 119 and 566 W"


class Savings(Protocol):
    """Tells what a plan saves."""

    def __call__(
        self,
        problem: Problem,
        before: Sequence[int],
        after: Sequence[int],
        spare: AbstractSet[int] = frozenset(),
    ) -> dict[str, Any]:
        """
        Return the plan's ``savings``.

        Given are the placement now and the one planned, hosts by index, and the hosts that stay on
        with nothing on them.
        """
        ...

    def yearly(
        self, problem: Problem, off: Sequence[int], kwh: Sequence[float]
    ) -> list[float | None]:
        """Return the money saved a year once the first, the first two, ... of ``off`` are off."""
        ...


def watts_of(problem: Problem) -> tuple[Any, Any, int]:
    """Return idle and full watts by host, and of how many hosts they are known."""
    idle = [IDLE_WATTS if h.idle_watts is None else h.idle_watts for h in problem.hosts]
    full = [FULL_WATTS if h.max_watts is None else h.max_watts for h in problem.hosts]
    known = sum(h.idle_watts is not None and h.max_watts is not None for h in problem.hosts)
    return np.array(idle), np.maximum(np.array(full), np.array(idle)), known


def host_watts(problem: Problem, placement: Sequence[int]) -> NDArray[np.float64]:
    """Return the mean watts of each host under a placement, as if every one were on."""
    idle, full, _ = watts_of(problem)
    mean = np.zeros(len(problem.hosts))
    for row in range(0, len(problem.vms), 4096):
        where = np.array(placement[row : row + 4096])
        placed = where != NOWHERE
        used = problem.demand[row : row + 4096].mean(axis=1)
        np.add.at(mean, where[placed], used[placed])
    capacity = np.array([max(1, host.capacity_mhz) for host in problem.hosts])
    power = idle + (full - idle) * np.minimum(1, mean / capacity)
    found: NDArray[np.float64] = power
    return found


class _Energy:
    """Energy alone."""

    def __call__(
        self,
        problem: Problem,
        before: Sequence[int],
        after: Sequence[int],
        spare: AbstractSet[int] = frozenset(),
    ) -> dict[str, Any]:
        """Return watts before (every host on) and after (hosts without VMs off), and kWh a year."""
        on = np.array([host.status == "excluded" for host in problem.hosts], dtype=np.bool_)
        on[[host for host in after if host != NOWHERE]] = True
        on[list(spare)] = True
        now = before if any(host != NOWHERE for host in before) else after
        watts_before = float(host_watts(problem, now).sum())
        watts_after = float(host_watts(problem, after)[on].sum())
        known = watts_of(problem)[2]
        saved = watts_before - watts_after
        return {
            "power_watts_before": round(watts_before, 1),
            "power_watts_after": round(watts_after, 1),
            "energy_kwh_per_year": round(saved * YEAR_SECONDS / JOULES_PER_KWH, 1),
            "hosts_with_known_watts": known,
            "basis": "given"
            if known == len(problem.hosts)
            else "default"
            if not known
            else "mixed",
            "source": SOURCE,
            "samples_seconds": STEP_SECONDS,
        }

    def yearly(
        self, problem: Problem, off: Sequence[int], kwh: Sequence[float]
    ) -> list[float | None]:
        """Return None for each: without prices no money is known."""
        del problem, off
        return [None] * len(kwh)


energy = _Energy()
