"""Outlook of a plan: how it would have done in a week it did not know, and what the ceiling costs."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from headroom_collector.consolidation.planner.model import (
    NOWHERE,
    STEP_SECONDS,
    WEEK_SECONDS,
    Options,
    Problem,
)

CEILINGS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
LEAST_WEEKS = 2
OFTEN = 0.01
"""Share of a host's samples above the ceiling from which it counts as often above it."""

Outcome = tuple[tuple[int, ...], int, int]
"""A plan's placement, the hosts it keeps, and the lower bound."""
Planner = Callable[[Problem, Options], Outcome]


def holdout(problem: Problem, options: Options, planner: Planner) -> dict[str, Any] | None:
    """
    Plan on all but the last week and test on that week; None where the history is under two.

    Shares are ratios; the highest host reading is a share of its capacity.
    """
    week = WEEK_SECONDS // STEP_SECONDS
    if problem.samples < LEAST_WEEKS * week:
        return None
    past = replace(problem, demand=problem.demand[:, :-week])
    placement, kept, _ = planner(past, options)
    where = np.array(placement)
    over, often, most = [], 0, 0.0
    for at, host in enumerate(problem.hosts):
        rows = np.flatnonzero(where == at)
        if not len(rows) or not host.capacity_mhz:
            continue
        load = problem.demand[rows, -week:].sum(axis=0, dtype=np.int64) + host.overhead_mhz
        ceiling = options.ceiling if host.ceiling is None else host.ceiling
        share = float((load > ceiling * host.capacity_mhz).mean())
        over.append(share)
        often += share > OFTEN
        most = max(most, float(load.max()) / host.capacity_mhz)
    return {
        "history_days": (problem.samples - week) * STEP_SECONDS / 86_400,
        "hosts_kept": kept,
        "samples_above_ceiling_ratio": round(float(np.mean(over)), 6) if over else 0.0,
        "hosts_often_above_ratio": round(often / len(over), 4) if over else 0.0,
        "highest_utilisation_ratio": round(most, 4),
    }


def _kept_by_cluster(problem: Problem, placement: Sequence[int]) -> list[dict[str, Any]]:
    on = {host for host in placement if host != NOWHERE}
    counts: dict[tuple[str, str], int] = {}
    for at, host in enumerate(problem.hosts):
        place = host.site, host.cluster
        counts[place] = counts.get(place, 0) + (at in on or host.status == "excluded")
    return [
        {"site": site, "cluster": cluster, "hosts_kept": count}
        for (site, cluster), count in counts.items()
    ]


def curve(problem: Problem, options: Options, planner: Planner) -> list[dict[str, Any]]:
    """Return hosts kept, lower bound and VMs placed for ceilings from 30 to 90 %."""
    found = []
    hosts = tuple(replace(host, ceiling=None) for host in problem.hosts)
    problem = replace(problem, hosts=hosts)
    for ceiling in CEILINGS:
        asked = replace(options, ceiling=ceiling, hard_cap=max(ceiling, options.hard_cap))
        placement, kept, bound = planner(problem, asked)
        placed = sum(host != NOWHERE for host in placement)
        found.append(
            {
                "ceiling_ratio": ceiling,
                "hosts_kept": kept,
                "lower_bound": bound,
                "vms_placed": placed,
                "clusters": _kept_by_cluster(problem, placement),
            }
        )
    return found
