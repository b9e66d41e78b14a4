"""Task of packing: the estate's rules as arrays, with all that cannot take part set aside."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from headroom_collector.consolidation.planner.bundles import Items, items_of
from headroom_collector.consolidation.planner.model import (
    NOWHERE,
    Demand,
    Ints,
    Mask,
    Options,
    Problem,
)
from headroom_collector.consolidation.planner.watts import Watts, watts_for

IMPOSSIBLE = "alone above the limit of every host that it may use"
CONTRADICTORY = "no host obeys all of its rules"
UNKNOWN = "no sample of it is known"
TOGETHER = 4096
"""Rows worked on at once, so that memory stays small."""


@dataclass(frozen=True, slots=True)
class Limits:
    """``allow`` and ``hard`` in MHz, ``room`` in MiB by host; see Task."""

    allow: Ints
    hard: Ints
    room: Ints
    usable: Mask
    late: int


@dataclass(frozen=True, slots=True)
class Part:
    """A member of an affinity group that is now spread over hosts: where it is, MHz and MiB."""

    vm: int
    host: int
    demand: Demand
    memory: int


@dataclass(frozen=True, slots=True)
class Task:
    """
    What has to be packed; one row per VM, of which ``active`` take part.

    Members of an affinity group are one: the first stands for all, its row is their sum.
    ``allow`` and ``hard`` in MHz and ``room`` in MiB by host; ``room`` is less what stays there.
    ``masks[kind[vm]]`` has the hosts that the VM may use. ``held`` are hosts that stay on
    whatever the plan. ``watts`` are given where energy is to be made small. ``late`` samples of a host may exceed ``allow``, none ``hard``. ``parts``
    has the groups that are spread over hosts; such an item has no origin.
    """

    demand: Demand
    memory: Ints
    active: Ints
    origin: Ints
    kind: Ints
    masks: Mask
    anti: tuple[tuple[int, ...], ...]
    groups: int
    members: Mapping[int, tuple[int, ...]]
    allow: Ints
    hard: Ints
    room: Ints
    usable: Mask
    held: Mask
    late: int
    aside: Mapping[int, str]
    watts: Watts | None
    parts: Mapping[int, tuple[Part, ...]]

    def together(self, item: int) -> tuple[int, ...]:
        """Return the VMs that an item stands for."""
        return self.members.get(item, (item,))


def task_of(problem: Problem, options: Options, lost: Mapping[int, str]) -> Task:
    """
    Return the task without the ``lost`` VMs, whose reasons are given.

    Raises PlanError where a rule names what does not exist.
    """
    limits, items = limits_of(problem, options), items_of(problem)
    energy = options.mode == "repack" and options.objective == "energy"
    aside = dict(lost) | _aside(problem, limits.usable, items)
    heads = _heads(problem, items, aside)
    possible = _fit_alone(items, heads, limits)
    for item in heads[~possible].tolist():
        reason = IMPOSSIBLE if np.any(items.masks[items.kind[item]]) else CONTRADICTORY
        aside |= dict.fromkeys(items.members.get(item, (item,)), reason)
    held = ~limits.usable
    room = limits.room.copy()
    for at in aside:
        host = problem.vms[at].host
        if host != NOWHERE:
            held[host] = True
            room[host] -= problem.vms[at].memory_mib
    return Task(
        demand=items.demand,
        memory=items.memory,
        active=heads[possible],
        origin=_origins(problem, items),
        kind=items.kind,
        masks=items.masks,
        anti=items.anti,
        groups=items.groups,
        members=items.members,
        allow=limits.allow,
        hard=limits.hard,
        room=room,
        usable=limits.usable,
        held=held,
        late=limits.late,
        aside=aside,
        watts=watts_for(problem, items.demand) if energy else None,
        parts=_parts(problem, items, heads[possible]),
    )


def limits_of(problem: Problem, options: Options) -> Limits:
    """Return what each host may carry."""
    hosts = problem.hosts
    capacity = np.array([host.capacity_mhz for host in hosts], dtype=np.int64)
    overhead = np.array([host.overhead_mhz for host in hosts], dtype=np.int64)
    ceiling = [options.ceiling if host.ceiling is None else host.ceiling for host in hosts]
    allow = np.floor(np.array(ceiling) * capacity + 1e-6).astype(np.int64)
    hard = np.maximum(np.floor(options.hard_cap * capacity + 1e-6).astype(np.int64), allow)
    return Limits(
        allow=allow - overhead,
        hard=hard - overhead,
        room=np.array([host.memory_mib for host in hosts], dtype=np.int64),
        usable=np.array([host.status != "excluded" for host in hosts], dtype=np.bool_),
        late=options.violations_allowed(problem.samples),
    )


def _aside(problem: Problem, usable: Mask, items: Items) -> dict[int, str]:
    """Return the VMs that stay without being asked; "" where that is no failure."""
    found = {}
    for index, vm in enumerate(problem.vms):
        if vm.host != NOWHERE and not usable[vm.host]:
            found[index] = ""
        elif problem.known[index] <= 0:
            found[index] = UNKNOWN
    for group in items.members.values():
        reasons = [found[one] for one in group if one in found]
        if reasons:
            found |= {one: found.get(one, reasons[0]) for one in group}
    return found


def _heads(problem: Problem, items: Items, aside: Mapping[int, str]) -> Ints:
    followers = {one for group in items.members.values() for one in group[1:]}
    return np.array(
        [at for at in range(len(problem.vms)) if at not in followers and at not in aside],
        dtype=np.int64,
    )


def _origins(problem: Problem, items: Items) -> Ints:
    origin = np.array([vm.host for vm in problem.vms], dtype=np.int64)
    for head, group in items.members.items():
        if len({problem.vms[one].host for one in group}) > 1:
            origin[head] = NOWHERE
    return origin


def _parts(problem: Problem, items: Items, active: Ints) -> dict[int, tuple[Part, ...]]:
    """Return the members, on hosts, of each group that is spread over several places."""
    found = {}
    for head in active.tolist():
        group = items.members.get(head, ())
        if len({problem.vms[one].host for one in group}) > 1:
            found[head] = tuple(
                Part(one, problem.vms[one].host, problem.demand[one], problem.vms[one].memory_mib)
                for one in group
                if problem.vms[one].host != NOWHERE
            )
    return found


def _fit_alone(items: Items, heads: Ints, limits: Limits) -> Mask:
    """Tell of each item whether some host that it may use could carry it alone."""
    needs = np.empty((len(items.memory), 3), dtype=np.int64)
    needs[:, 2] = items.memory
    for start in range(0, len(needs), TOGETHER):
        demand = items.demand[start : start + TOGETHER]
        peak = demand.max(axis=1, initial=0)
        needs[start : start + TOGETHER, 1] = peak
        needs[start : start + TOGETHER, 0] = _edges(demand, limits.late) if limits.late else peak
    found: Mask = np.zeros(len(heads), dtype=np.bool_)
    for kind in np.unique(items.kind[heads]):
        hosts = np.flatnonzero(items.masks[kind])
        some = np.flatnonzero(items.kind[heads] == kind)
        columns = (limits.allow, limits.hard, limits.room)
        classes = np.unique(np.stack([one[hosts] for one in columns], axis=1), axis=0)
        for one in classes:
            found[some] |= np.all(needs[heads[some]] <= one, axis=1)
    return found


def _edges(demand: Demand, late: int) -> Ints:
    """Return the demand of each VM that only ``late`` of its samples exceed, in MHz."""
    if late >= demand.shape[1]:
        return np.zeros(len(demand), dtype=np.int64)
    at = demand.shape[1] - 1 - late
    return np.partition(demand, at, axis=1)[:, at].astype(np.int64)
