"""
How good the plans are and how long they take, on real traces.

Seconds are CPU seconds of this process, so that a busy machine does not change them; the planner
uses one core. Each plan is checked again by code that had no part in making it.
"""

import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from headroom_collector.bench import traces
from headroom_collector.bench.report import Figure
from headroom_collector.consolidation.planner.kernels import COMPILED
from headroom_collector.consolidation.planner.model import Options, Problem
from headroom_collector.consolidation.planner.plan import Plan, plan
from headroom_collector.consolidation.planner.report import gap_ratio

DATA = "HEADROOM_BENCH_DATA"
QUANTILES = {"all": 1.0, "p99": 0.99, "p95": 0.95}


@dataclass(frozen=True, slots=True)
class Case:
    """One case: how to make its problem, what to ask, and the seconds it may take."""

    name: str
    make: Callable[[Path], Problem]
    options: Options
    short: bool = False


def data_folder() -> Path:
    """Return the folder of traces, which may not be there."""
    named = os.environ.get(DATA)
    return Path(named) if named else Path(__file__).parents[4] / "shared" / "data"


def _planetlab(day: str, gib: int, rule: str, seconds: float) -> Case:
    def make(folder: Path) -> Problem:
        return traces.planetlab(folder, day, gib * 1024)

    options = Options(quantile=QUANTILES[rule], time_limit=seconds, holdout=False)
    name = f"planetlab-{day}-{gib}gb-{rule}"
    return Case(name, make, options, short=day == traces.DAYS[0])


def cases() -> Iterator[Case]:
    """Yield every case, the small ones first."""
    for day in traces.DAYS:
        for rule in QUANTILES:
            yield _planetlab(day, 4, rule, 2.0)
    for day in traces.DAYS:
        for rule in QUANTILES:
            yield _planetlab(day, 16, rule, 10.0 if rule == "p95" else 4.0)
    yield Case("fleet-1000", traces.fleet, Options(time_limit=20, holdout=False))
    yield Case("fleet-8000x30d", _month, Options(time_limit=0, holdout=False))
    yield Case("fleet-100000x7d", _week, Options(time_limit=30, holdout=False))
    yield Case(
        "empty-in-place",
        lambda folder: traces.placed(traces.fleet(folder)),
        Options(mode="empty", time_limit=30, holdout=False),
        short=True,
    )


def _month(folder: Path) -> Problem:
    return traces.bitbrains(folder, 8000, 30, 1000)


def _week(folder: Path) -> Problem:
    return traces.bitbrains(folder, 100_000, 7, 10_000)


def measured(case: Case, folder: Path) -> Iterator[Figure]:
    """Plan one case and yield its figures."""
    sys.stderr.write(f"plan: {case.name}\n")
    problem = case.make(folder)
    found = plan(problem, case.options, clock=time.process_time)
    yield from (
        Figure("plan", case.name, metric, value, unit)
        for metric, value, unit in (
            ("hosts", len(found.kept), "1"),
            ("lower_bound", found.bound.hosts, "1"),
            ("gap_ratio", gap_ratio(found), "1"),
            ("seconds", round(found.seconds, 3), "s"),
            ("peak_memory_bytes", found.peak_memory_bytes, "B"),
            ("violations", len(found.violations), "1"),
        )
    )
    if case.options.mode == "empty":
        yield from _moves(case, found)


def _moves(case: Case, found: Plan) -> Iterator[Figure]:
    """Yield the moves that free the first half of the estate's hosts, and the hosts freed."""
    half = len(found.problem.hosts) // 2
    moves = next((moves for freed, moves in found.freed_after if freed >= half), 0)
    yield Figure("plan", case.name, "moves_first_half", moves, "1")
    yield Figure("plan", case.name, "hosts_freed", len(found.freed), "1")


def _warm(folder: Path) -> None:
    """Have the optional kernels compiled, or loaded, before anything is timed."""
    if COMPILED:
        small = traces.planetlab(folder, traces.DAYS[1], 16 * 1024)
        for problem in (small, replace(small, demand=small.demand.astype(np.int32))):
            for quantile in QUANTILES.values():
                plan(problem, Options(quantile=quantile, time_limit=0.3, holdout=False))


def figures(*, short: bool, case: str | None = None) -> Iterator[Figure]:
    """Plan every case, or one, on the traces; skipped, with the reason, where there are none."""
    folder = data_folder()
    if not (folder / "planetlab").is_dir():
        why = f"no traces in {folder.name}: name their folder in {DATA}"
        yield Figure("plan", "traces", "skipped", 1, "1", skipped={"traces": why})
        return
    _warm(folder)
    for one in cases():
        if (one.short or not short) and case in {None, one.name}:
            yield from measured(one, folder)
