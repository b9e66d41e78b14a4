"""Bundles: the VMs of an affinity group as one item, since they share a host or none."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from headroom_collector.consolidation.planner.model import Demand, Ints, Mask, Problem
from headroom_collector.consolidation.planner.rules import kinds


@dataclass(frozen=True, slots=True)
class Items:
    """
    Items by row, one for each VM; the first member of a bundle stands for all of it.

    ``members`` has the bundles, ``anti`` each item's anti-affinity groups, of which there are
    ``groups``; ``masks[kind[item]]`` the hosts it may use.
    """

    demand: Demand
    memory: Ints
    kind: Ints
    masks: Mask
    anti: tuple[tuple[int, ...], ...]
    groups: int
    members: Mapping[int, tuple[int, ...]]


def items_of(problem: Problem) -> Items:
    """Return the items; raises PlanError where a rule names what does not exist."""
    kind, masks = kinds(problem)
    memory = np.array([vm.memory_mib for vm in problem.vms], dtype=np.int64)
    names: dict[str, int] = {}
    for vm in problem.vms:
        if vm.anti_affinity:
            names.setdefault(vm.anti_affinity, len(names))
    anti = tuple((names[vm.anti_affinity],) if vm.anti_affinity else () for vm in problem.vms)
    plain = Items(problem.demand, memory, kind, masks, anti, len(names), {})
    groups: dict[str, list[int]] = defaultdict(list)
    for at, vm in enumerate(problem.vms):
        if vm.affinity:
            groups[vm.affinity].append(at)
    bundles = {group[0]: tuple(group) for group in groups.values() if len(group) > 1}
    return _bundled(plain, bundles) if bundles else plain


def _bundled(plain: Items, members: Mapping[int, tuple[int, ...]]) -> Items:
    demand, memory = plain.demand.astype(np.int32), plain.memory.copy()
    kind, masks, anti = plain.kind.copy(), list(plain.masks), list(plain.anti)
    for head, group in members.items():
        rows = list(group)
        demand[head] = plain.demand[rows].sum(axis=0, dtype=np.int32)
        memory[head] = plain.memory[rows].sum()
        together = tuple(one for at in rows for one in plain.anti[at])
        apart = len(set(together)) < len(together)
        mask = plain.masks[plain.kind[rows]].all(axis=0)
        kind[head] = len(masks)
        masks.append(np.zeros_like(mask) if apart else mask)
        anti[head] = together
    return Items(demand, memory, kind, np.array(masks), tuple(anti), plain.groups, members)
