"""Draft of a plan for one part of an estate: searched, put in order, and what is left aside."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from headroom_collector.consolidation.planner.blocks import blocks_of
from headroom_collector.consolidation.planner.bounds import Bound, lower_bound
from headroom_collector.consolidation.planner.course import Course
from headroom_collector.consolidation.planner.empty import empty
from headroom_collector.consolidation.planner.energy import cheaper
from headroom_collector.consolidation.planner.model import NOWHERE, Ints, Options, Problem
from headroom_collector.consolidation.planner.order import Step, ordered, present, settle
from headroom_collector.consolidation.planner.packing import Packing
from headroom_collector.consolidation.planner.relabel import relabelled
from headroom_collector.consolidation.planner.search import first, improve
from headroom_collector.consolidation.planner.task import Task, task_of

NO_ROOM = "no host that it may use has room left for it"
OVERLOADED = "its host is above its limits and nothing more can be moved off it"
FINISHING = 2.0
"""Times that what was needed to read the task is kept for ordering and checking the plan."""
ROUNDS = 8
"""Times that VMs without a place are set aside and the rest is planned anew."""


@dataclass(slots=True)
class Draft:
    """Plan of one part in the making; ``lost`` says why VMs found no place."""

    task: Task
    state: Packing
    bound: Bound
    steps: Sequence[Step]
    curve: Sequence[tuple[int, int]] = ()
    lost: dict[int, str] = field(default_factory=dict)


def draft(problem: Problem, options: Options, course: Course) -> Draft:
    """Plan as asked until the course is over; raises PlanError where the estate contradicts itself."""
    make = _repacked if options.mode == "repack" else _emptied
    return make(problem, options, course)


def _repacked(problem: Problem, options: Options, course: Course) -> Draft:
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
    if task.watts is not None:
        cheaper(packing)
    if not task.parts and np.all(task.origin[task.active] == NOWHERE):
        return Draft(task, packing, bound, [], lost=lost)
    wanted = relabelled(task, packing.where)
    result = ordered(task, wanted)
    steps, unplaced = _newcomers(result.state, wanted)
    return Draft(task, result.state, bound, [*result.steps, *steps], lost=lost | unplaced)


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


def _emptied(problem: Problem, options: Options, course: Course) -> Draft:
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
    return Draft(task, state, bound, steps, curve, lost)


def overloaded(draft: Draft) -> dict[int, str]:
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


def placement_of(problem: Problem, draft: Draft) -> list[int]:
    """Return each VM's host, by index; NOWHERE where it has none."""
    placement = [vm.host for vm in problem.vms]
    for item in draft.task.active.tolist():
        for vm in draft.task.together(item):
            if draft.state.where[item] != NOWHERE:
                placement[vm] = int(draft.state.where[item])
    return placement


def transfers(problem: Problem, draft: Draft) -> list[tuple[int, int, int, int]]:
    """Return the moves (vm, source, target, step of the draft that it belongs to) in order."""
    found: list[tuple[int, int, int, int]] = []
    here = [vm.host for vm in problem.vms]
    spread = {part.vm for parts in draft.task.parts.values() for part in parts}
    for number, step in enumerate(draft.steps):
        alone = step.item in spread
        for vm in (step.item,) if alone else draft.task.together(step.item):
            if here[vm] != step.target:
                found.append((vm, here[vm], step.target, number))
                here[vm] = step.target
    return found
