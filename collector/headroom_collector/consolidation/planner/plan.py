"""Plan of a consolidation: who goes where in which order, what stays on, and how good that is."""

import resource
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from headroom_collector.consolidation.planner.blocks import blocks_of
from headroom_collector.consolidation.planner.bounds import Bound, lower_bound
from headroom_collector.consolidation.planner.check import violations
from headroom_collector.consolidation.planner.course import Course, Progress, never, silent
from headroom_collector.consolidation.planner.empty import empty
from headroom_collector.consolidation.planner.model import NOWHERE, Ints, Options, Problem
from headroom_collector.consolidation.planner.order import Step, ordered, present, settle
from headroom_collector.consolidation.planner.outlook import CEILINGS, Outcome, curve, holdout
from headroom_collector.consolidation.planner.packing import Packing
from headroom_collector.consolidation.planner.relabel import relabelled
from headroom_collector.consolidation.planner.reserve import spares
from headroom_collector.consolidation.planner.savings import Savings, energy
from headroom_collector.consolidation.planner.search import first, improve
from headroom_collector.consolidation.planner.task import Task, task_of

NO_ROOM = "no host that it may use has room left for it"
OVERLOADED = "its host is above its limits and nothing more can be moved off it"
SIDE = 0.2
"""Share of the time that the hold-out check and the ceiling curve may each have."""
FINISHING = 2.0
"""Times that what was needed to read the task is kept for ordering and checking the plan."""
ROUNDS = 8
"""Times that VMs without a place are set aside and the rest is planned anew."""


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
    (an empty reason: their host is excluded).
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
    freed_after: tuple[tuple[int, int], ...] = ()
    notes: tuple[str, ...] = ()
    extras: Mapping[str, Any] = field(default_factory=dict)

    @property
    def freed(self) -> tuple[int, ...]:
        """Hosts that nothing runs on after the plan and that are no reserve."""
        kept = set(self.kept)
        return tuple(at for at in range(len(self.problem.hosts)) if at not in kept)


@dataclass(slots=True)
class _Draft:
    """Plan in the making."""

    task: Task
    state: Packing
    bound: Bound
    steps: Sequence[Step]
    curve: Sequence[tuple[int, int]] = ()
    lost: dict[int, str] = field(default_factory=dict)


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
    draft = _draft(problem, options, course)
    whole = Course(began, limit, report, stopped, clock)
    extras: dict[str, Any] = {}

    def again(other: Problem, asked: Options) -> Outcome:
        share = SIDE / (len(CEILINGS) if options.curve else 1)
        draft = _repacked(other, asked, Course(clock(), limit * share, clock=clock))
        made = tuple(_placement(other, draft))
        return made, draft.state.count(), draft.bound.hosts

    if options.holdout:
        extras["holdout"] = holdout(problem, options, again)
    if options.curve:
        extras["ceiling_curve"] = curve(problem, options, again)
    return _finished(problem, options, draft, whole, savings, extras)


def _draft(problem: Problem, options: Options, course: Course) -> _Draft:
    make = _repacked if options.mode == "repack" else _emptied
    return make(problem, options, course)


def _repacked(problem: Problem, options: Options, course: Course) -> _Draft:
    lost: dict[int, str] = {}
    rng = np.random.default_rng(options.seed)
    for _ in range(ROUNDS):
        task = task_of(problem, options, lost)
        bound = lower_bound(task)
        spent = course.elapsed()
        course.say("placing", 0, bound.hosts)
        blocks = blocks_of(task)
        packing, left = first(task, blocks, rng)
        if not left:
            break
        lost |= {vm: NO_ROOM for item in left for vm in task.together(item)}
    course.say("first plan", packing.count(), bound.hosts)
    search = replace(course, limit=course.limit - FINISHING * spent)
    packing = improve(packing, blocks, bound.hosts, search, rng)
    if not task.parts and np.all(task.origin[task.active] == NOWHERE):
        return _Draft(task, packing, bound, [], lost=lost)
    wanted = relabelled(task, packing.where)
    result = ordered(task, wanted)
    steps, unplaced = _newcomers(result.state, wanted)
    return _Draft(task, result.state, bound, [*result.steps, *steps], lost=lost | unplaced)


def _newcomers(state: Packing, wanted: Ints) -> tuple[list[Step], dict[int, str]]:
    """Put items without an origin where they are wanted, or anywhere; returns moves and the lost."""
    steps: list[Step] = []
    lost: dict[int, str] = {}
    for item in state.task.active.tolist():
        if state.where[item] != NOWHERE:
            continue
        found = settle(state, item, int(wanted[item]))
        if found is None:
            lost |= dict.fromkeys(state.task.together(item), NO_ROOM)
        else:
            steps += found
    return steps, lost


def _emptied(problem: Problem, options: Options, course: Course) -> _Draft:
    task = task_of(problem, options, {})
    bound = lower_bound(task)
    state = present(task)
    first_steps, lost = _newcomers(state, state.where)
    course.say("emptying", state.count(), bound.hosts)

    def stop(hosts: int) -> bool:
        course.say("emptying", hosts, bound.hosts)
        return hosts <= bound.hosts or course.stopped()

    found = empty(state, stop)
    steps = [*first_steps, *found.steps]
    curve = [(freed, moves + len(first_steps)) for freed, moves in found.curve]
    return _Draft(task, state, bound, steps, curve, lost)


def _overloaded(draft: _Draft) -> dict[int, str]:
    """Set aside VMs on hosts that still do not comply, the largest first, until the rest does."""
    state, task = draft.state, draft.task
    found: dict[int, str] = {}
    for host in state.used().tolist():
        one = np.array([host])
        items = sorted(state.on[host], key=lambda at: -int(task.demand[at].max(initial=0)))
        for item in items:
            rules = all(state.met[host, group] <= 1 for group in task.anti[item])
            rules &= bool(task.masks[task.kind[item], host])
            fine = bool(state.complies(state.load[one], one)[0]) and state.free[host] >= 0
            if fine and rules:
                continue
            state.take(item)
            found |= dict.fromkeys(task.together(item), OVERLOADED)
    return found


def _placement(problem: Problem, draft: _Draft) -> list[int]:
    placement = [vm.host for vm in problem.vms]
    for item in draft.task.active.tolist():
        for vm in draft.task.together(item):
            if draft.state.where[item] != NOWHERE:
                placement[vm] = int(draft.state.where[item])
    return placement


def _moves(problem: Problem, draft: _Draft, a_night: int) -> tuple[Move, ...]:
    found: list[Move] = []
    here = [vm.host for vm in problem.vms]
    spread = {part.vm for parts in draft.task.parts.values() for part in parts}
    for step in draft.steps:
        alone = step.item in spread
        for vm in (step.item,) if alone else draft.task.together(step.item):
            if here[vm] != step.target:
                night = 1 + len(found) // a_night if a_night else 1
                found.append(Move(vm, here[vm], step.target, night))
                here[vm] = step.target
    return tuple(found)


def _finished(
    problem: Problem,
    options: Options,
    draft: _Draft,
    course: Course,
    savings: Savings,
    extras: Mapping[str, Any],
) -> Plan:
    late = draft.lost | _overloaded(draft)
    aside = dict(draft.task.aside) | late
    bound = lower_bound(task_of(problem, options, aside)) if late else draft.bound
    placement = _placement(problem, draft)
    moves = _moves(problem, draft, options.moves_a_night)
    spare, short = spares(problem, options, placement)
    kept = {host for host in placement if host != NOWHERE} | spare
    kept |= {at for at, host in enumerate(problem.hosts) if host.status == "excluded"}
    broken = violations(problem, options, placement, aside)
    before = [vm.host for vm in problem.vms]
    course.say("done", len(kept), bound.hosts)
    return Plan(
        problem=problem,
        options=options,
        placement=tuple(placement),
        moves=moves,
        kept=tuple(sorted(kept)),
        spare=tuple(sorted(spare)),
        bound=bound,
        aside=aside,
        violations=tuple(broken),
        savings=savings(problem, before, placement),
        seconds=course.elapsed(),
        peak_memory_bytes=peak_memory_bytes(),
        freed_after=tuple(draft.curve),
        notes=tuple(f"cluster {name} has too few hosts for the reserve" for name in short),
        extras=extras,
    )
