"""
Parts of an estate that have nothing to do with each other, planned one by one and put together.

Two hosts belong together when some VM, or some group of VMs, may use both. What is split so has
the same plans as the whole, and a better bound: the parts' bounds add up.
"""

import heapq
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from headroom_collector.consolidation.planner.bounds import Bound, lower_bound
from headroom_collector.consolidation.planner.course import Course
from headroom_collector.consolidation.planner.draft import (
    Draft,
    draft,
    overloaded,
    placement_of,
    transfers,
)
from headroom_collector.consolidation.planner.model import NOWHERE, Options, Problem
from headroom_collector.consolidation.planner.rules import kinds
from headroom_collector.consolidation.planner.task import task_of

Transfer = tuple[int, int, int]
"""A move: VM, source and target by index."""


@dataclass(frozen=True, slots=True)
class Part:
    """Hosts and VMs of the estate, by index, that are planned together."""

    hosts: tuple[int, ...]
    vms: tuple[int, ...]
    problem: Problem


@dataclass(frozen=True, slots=True)
class Made:
    """
    What became of a part, or of all, with the whole estate's indices.

    ``freed``: (hosts freed, moves) after which a further host was free, with that host.
    """

    placement: Mapping[int, int]
    moves: Sequence[Transfer]
    bound: Bound
    aside: Mapping[int, str]
    freed: Sequence[tuple[int, int, int]]
    hosts: tuple[int, ...] = ()
    pieces: tuple["Made", ...] = ()


class _Sets:
    """Sets of hosts that are joined (union by the smaller root)."""

    def __init__(self, count: int) -> None:
        self.root = list(range(count))

    def find(self, one: int) -> int:
        while self.root[one] != one:
            self.root[one] = self.root[self.root[one]]
            one = self.root[one]
        return one

    def join(self, some: Sequence[int]) -> None:
        roots = {self.find(one) for one in some}
        if roots:
            least = min(roots)
            for root in roots:
                self.root[root] = least


def split(problem: Problem) -> list[Part]:
    """Return the parts, the smallest first; raises PlanError where a rule names what is not there."""
    hosts = problem.hosts
    if len({(host.site, host.cluster) for host in hosts}) < 2:
        return [_whole(problem)]
    kind, masks = kinds(problem)
    sets = _Sets(len(hosts))
    for mask in masks:
        sets.join(np.flatnonzero(mask).tolist())
    reach: list[int] = []
    groups: dict[str, list[int]] = defaultdict(list)
    for at, vm in enumerate(problem.vms):
        may = int(masks[kind[at]].argmax()) if masks[kind[at]].any() else vm.host
        some = [one for one in (may, vm.host) if one != NOWHERE]
        sets.join(some)
        reach.append(some[0] if some else 0)
        for group in (f"together {vm.affinity}", f"apart {vm.anti_affinity}"):
            if not group.endswith(" "):
                groups[group].append(reach[-1])
    for members in groups.values():
        sets.join(members)
    return _parts(problem, sets, reach)


def _whole(problem: Problem) -> Part:
    return Part(tuple(range(len(problem.hosts))), tuple(range(len(problem.vms))), problem)


def _parts(problem: Problem, sets: _Sets, reach: Sequence[int]) -> list[Part]:
    hosts: dict[int, list[int]] = defaultdict(list)
    vms: dict[int, list[int]] = defaultdict(list)
    for at in range(len(problem.hosts)):
        hosts[sets.find(at)].append(at)
    for at, host in enumerate(reach):
        vms[sets.find(host)].append(at)
    if len(hosts) == 1:
        return [_whole(problem)]
    found = [_part(problem, hosts[root], vms[root]) for root in hosts]
    return sorted(found, key=lambda part: len(part.vms))


def _part(problem: Problem, hosts: Sequence[int], vms: Sequence[int]) -> Part:
    index = {host: at for at, host in enumerate(hosts)}
    here = [problem.vms[at] for at in vms]
    return Part(
        tuple(hosts),
        tuple(vms),
        replace(
            problem,
            hosts=tuple(problem.hosts[at] for at in hosts),
            vms=tuple(replace(vm, host=index.get(vm.host, NOWHERE)) for vm in here),
            demand=problem.demand[list(vms)],
            known=problem.known[list(vms)],
        ),
    )


def make(parts: Sequence[Part], options: Options, course: Course) -> Made:
    """Plan the parts, each with its share of the time that is left, and put them together."""
    weights = [1 + len(part.vms) for part in parts]
    found = []
    for at, part in enumerate(parts):
        share = weights[at] / sum(weights[at:])
        own = course if share == 1 else course.part(share)
        found.append(_made(part, options, own))
    return found[0] if len(found) == 1 else _together(found)


def _made(part: Part, options: Options, course: Course) -> Made:
    made = draft(part.problem, options, course)
    late = made.lost | overloaded(made)
    aside = dict(made.task.aside) | late
    bound = lower_bound(task_of(part.problem, options, aside)) if late else made.bound
    placement = placement_of(part.problem, made)
    moves = transfers(part.problem, made)
    host, vm = (*part.hosts, NOWHERE), part.vms
    return Made(
        placement={vm[at]: host[there] for at, there in enumerate(placement)},
        moves=[(vm[one], host[source], host[target]) for one, source, target, _ in moves],
        bound=bound,
        aside={vm[at]: reason for at, reason in aside.items()},
        freed=[(freed, count, host[at]) for freed, count, at in _freed(made, moves)],
        hosts=part.hosts,
    )


def _freed(
    made: Draft, moves: Sequence[tuple[int, int, int, int]]
) -> Iterator[tuple[int, int, int]]:
    """Yield (hosts freed, moves of VMs done, the host): a step may move several VMs, or none."""
    done = np.searchsorted([number for *_, number in moves], range(1, len(made.steps) + 1))
    for freed, steps in made.curve:
        if steps:
            yield freed, int(done[steps - 1]), made.steps[steps - 1].source


def _together(found: Sequence[Made]) -> Made:
    bounds = [one.bound for one in found]
    reasons = dict.fromkeys(bound.by for bound in bounds if bound.hosts)
    placement: dict[int, int] = {}
    aside: dict[int, str] = {}
    for one in found:
        placement |= one.placement
        aside |= one.aside
    moves, freed = _interleaved(found)
    hosts = sum(bound.hosts for bound in bounds)
    by = f"{len(found)} parts added up: {'; '.join(reasons)}"
    excluded = sum(bound.excluded for bound in bounds)
    return Made(placement, moves, Bound(hosts, by, excluded), aside, freed, pieces=tuple(found))


def _interleaved(found: Sequence[Made]) -> tuple[list[Transfer], list[tuple[int, int, int]]]:
    """Put the parts' moves one behind the other, those first that free a host with the fewest."""
    moves: list[Transfer] = []
    freed: list[tuple[int, int, int]] = []
    done = [0] * len(found)

    def next_(at: int, step: int) -> tuple[int, int, int] | None:
        if step >= len(found[at].freed):
            return None
        return found[at].freed[step][1] - done[at], at, step

    heap = [one for at in range(len(found)) if (one := next_(at, 0)) is not None]
    heapq.heapify(heap)
    while heap:
        _, at, step = heapq.heappop(heap)
        _, count, host = found[at].freed[step]
        moves += found[at].moves[done[at] : count]
        done[at] = count
        freed.append((len(freed) + 1, len(moves), host))
        following = next_(at, step + 1)
        if following is not None:
            heapq.heappush(heap, following)
    for at, part in enumerate(found):
        moves += part.moves[done[at] :]
    return moves, freed
