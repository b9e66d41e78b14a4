"""Plan of a consolidation: who goes where in which order, what stays on, and how good that is."""

import resource
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from headroom_collector.consolidation.planner.bounds import Bound
from headroom_collector.consolidation.planner.check import violations
from headroom_collector.consolidation.planner.clusters import by_cluster
from headroom_collector.consolidation.planner.course import Course, Progress, never, silent
from headroom_collector.consolidation.planner.model import NOWHERE, Options, Problem
from headroom_collector.consolidation.planner.outlook import CEILINGS, Outcome, curve, holdout
from headroom_collector.consolidation.planner.parts import Made, make, split
from headroom_collector.consolidation.planner.reserve import spares
from headroom_collector.consolidation.planner.savings import Savings, energy
from headroom_collector.consolidation.planner.stages import Stage, stages

SIDE = 0.2
"""Share of the time that the hold-out check and the ceiling curve may each have."""


@dataclass(frozen=True, slots=True)
class Move:
    """A VM that migrates; indices of the VM and of the hosts; ``night`` counts from 1."""

    vm: int
    source: int
    target: int
    night: int


@dataclass(frozen=True, slots=True)
class Plan:
    """
    A finished plan; hosts and VMs by index.

    ``placement`` has each VM's host, NOWHERE where it has none. ``aside`` says why VMs take no part
    (an empty reason: their host is excluded). ``pieces``: (hosts, bound) of each part of the estate
    that was planned alone. ``stages``: the hosts that are freed one after the other; ``clusters``: the
    plan by site and cluster.
    """

    problem: Problem
    options: Options
    placement: tuple[int, ...]
    moves: tuple[Move, ...]
    kept: tuple[int, ...]
    spare: tuple[int, ...]
    bound: Bound
    aside: Mapping[int, str]
    violations: tuple[str, ...]
    savings: Mapping[str, Any]
    seconds: float
    peak_memory_bytes: int
    pieces: tuple[tuple[tuple[int, ...], Bound], ...] = ()
    stages: tuple[Stage, ...] = ()
    clusters: tuple[Mapping[str, Any], ...] = ()
    notes: tuple[str, ...] = ()
    extras: Mapping[str, Any] = field(default_factory=dict)

    @property
    def freed(self) -> tuple[int, ...]:
        """Hosts that nothing runs on after the plan and that are no reserve."""
        kept = set(self.kept)
        return tuple(at for at in range(len(self.problem.hosts)) if at not in kept)

    @property
    def freed_after(self) -> tuple[tuple[int, int], ...]:
        """Hosts freed, and the moves after which they were: the curve of emptying in place."""
        return tuple((stage.freed, stage.moves) for stage in self.stages)


def peak_memory_bytes() -> int:
    """Return the most memory that this process has had resident (getrusage(2), in KiB on Linux)."""
    scale = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale


def plan(
    problem: Problem,
    options: Options,
    report: Callable[[Progress], None] = silent,
    *,
    stopped: Callable[[], bool] = never,
    clock: Callable[[], float] = time.monotonic,
    savings: Savings = energy,
) -> Plan:
    """
    Plan a consolidation.

    ``report`` hears of progress; once ``stopped`` says so the best plan so far is finished and
    returned. Raises PlanError where the estate contradicts itself.
    """
    began, limit = clock(), options.time_limit
    more = int(options.holdout) + int(options.curve)
    course = Course(began, limit * (1 - SIDE * more), report, stopped, clock)
    made = make(split(problem), options, course)
    whole = Course(began, limit, report, stopped, clock)
    extras: dict[str, Any] = {}

    def again(other: Problem, asked: Options) -> Outcome:
        share = SIDE / (len(CEILINGS) if options.curve else 1)
        side = Course(clock(), limit * share, stopped=stopped, clock=clock)
        found = make(split(other), asked, side)
        placement = _placement(other, found)
        on = {host for host in placement if host != NOWHERE}
        on |= {at for at, host in enumerate(other.hosts) if host.status == "excluded"}
        return placement, len(on), found.bound.hosts

    if options.holdout:
        whole.say("hold-out", 0, made.bound.hosts)
        extras["holdout"] = holdout(problem, options, again)
    if options.curve:
        whole.say("ceilings", 0, made.bound.hosts)
        extras["ceiling_curve"] = curve(problem, options, again)
    return _finished(problem, options, made, whole, savings, extras)


def _placement(problem: Problem, made: Made) -> tuple[int, ...]:
    return tuple(made.placement.get(at, vm.host) for at, vm in enumerate(problem.vms))


def _moves(made: Made, a_night: int) -> tuple[Move, ...]:
    return tuple(
        Move(vm, source, target, 1 + at // a_night if a_night else 1)
        for at, (vm, source, target) in enumerate(made.moves)
    )


def _kept(problem: Problem, placement: Sequence[int]) -> set[int]:
    used = {host for host in placement if host != NOWHERE}
    return used | {at for at, host in enumerate(problem.hosts) if host.status == "excluded"}


def _finished(
    problem: Problem,
    options: Options,
    made: Made,
    course: Course,
    savings: Savings,
    extras: Mapping[str, Any],
) -> Plan:
    placement = _placement(problem, made)
    spare, short = spares(problem, options, placement, made.aside)
    kept = _kept(problem, placement) | spare
    broken = violations(problem, options, placement, made.aside)
    before = [vm.host for vm in problem.vms]
    course.say("done", len(kept), made.bound.hosts)
    return Plan(
        problem=problem,
        options=options,
        placement=placement,
        moves=_moves(made, options.moves_a_night),
        kept=tuple(sorted(kept)),
        spare=tuple(sorted(spare)),
        bound=made.bound,
        aside=made.aside,
        violations=tuple(broken),
        savings=savings(problem, before, placement, spare),
        seconds=course.elapsed(),
        peak_memory_bytes=peak_memory_bytes(),
        pieces=tuple((one.hosts, one.bound) for one in made.pieces or (made,)),
        stages=tuple(stages(problem, made, spare, savings)),
        clusters=tuple(by_cluster(problem, options, made, placement, kept, savings)),
        notes=tuple(f"cluster {name} has too few hosts for the reserve" for name in short),
        extras=extras,
    )
