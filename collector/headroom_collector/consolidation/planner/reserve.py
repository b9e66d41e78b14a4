"""
Reserve for failures: any k hosts of a cluster may be lost, and the rest still carries its work.

It is tried out, host by host: the VMs of the lost hosts are started again on the others, memory and
rules obeyed, with ``reserve_cap`` of each CPU as the limit in every sample. Where there are too many
ways to lose k hosts to try them all, k hosts are kept empty, each as large as any that may be lost:
every lost host has one to move to. What could not be started again anywhere, because it is pinned or
on a local disk, is lost with its host and not counted.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from itertools import combinations, islice
from math import comb

import numpy as np
from numpy.typing import NDArray

from headroom_collector.consolidation.planner.model import NOWHERE, Ints, Options, Problem
from headroom_collector.consolidation.planner.rules import kinds

MOST = 600
"""Ways to lose k hosts that are tried one by one."""


def spares(
    problem: Problem,
    options: Options,
    placement: Sequence[int],
    aside: Collection[int] = (),
) -> tuple[set[int], list[str]]:
    """Return hosts to keep on beside those with VMs, and the clusters that fall short even so."""
    if not options.reserve:
        return set(), []
    found: set[int] = set()
    short = []
    clusters: dict[tuple[str, str], list[int]] = defaultdict(list)
    for at, host in enumerate(problem.hosts):
        clusters[host.site, host.cluster].append(at)
    where = np.array(placement)
    estate = _Estate(problem, options, where, aside)
    for (site, cluster), hosts in clusters.items():
        used = {int(host) for host in where[np.isin(where, hosts)]}
        idle = [at for at in hosts if at not in used and problem.hosts[at].status == "active"]
        idle.sort(key=lambda at: (-problem.hosts[at].memory_mib, -problem.hosts[at].capacity_mhz))
        kept = set(used)
        while not estate.survives(kept, used):
            if not idle:
                short.append(f"{site or '-'}/{cluster or '-'}")
                break
            kept.add(idle.pop(0))
        found |= kept - used
    return found, short


class _Estate:
    """The finished plan, as what is started again after a failure sees it."""

    def __init__(
        self, problem: Problem, options: Options, where: Ints, aside: Collection[int]
    ) -> None:
        self._problem, self._lost = problem, options.reserve
        self._kind, self._masks = kinds(problem)
        self._on: dict[int, list[int]] = defaultdict(list)
        for vm, host in enumerate(where.tolist()):
            if host != NOWHERE:
                self._on[host].append(vm)
        self._aside = set(aside)
        capacity = np.array([host.capacity_mhz for host in problem.hosts])
        overhead = np.array([host.overhead_mhz for host in problem.hosts])
        self._cap = np.floor(options.reserve_cap * capacity + 1e-6).astype(np.int64) - overhead

    def survives(self, kept: set[int], used: set[int]) -> bool:
        """Tell whether ``kept`` hosts, of which ``used`` have VMs, may lose any k."""
        if not used:
            return True
        if len(kept) <= self._lost:
            return False
        spare = kept - used
        if len(spare) >= self._lost and self._dominated(spare, used):
            return True
        if comb(len(kept), self._lost) > MOST:
            return False
        state = _State(self._problem, self._on, self._aside, sorted(kept))
        order = sorted(kept, key=lambda host: -len(self._on[host]))
        ways = islice(combinations(order, self._lost), MOST + 1)
        return all(self._restarts(state, lost) for lost in ways)

    def _dominated(self, spare: set[int], used: set[int]) -> bool:
        """Tell whether enough spares are, each, as large as any used host and open to the same VMs."""
        hosts, on = self._problem.hosts, self._masks
        memory = max(hosts[at].memory_mib for at in used)
        load = max(self._cap[at] for at in used)
        kinds_used = {int(self._kind[vm]) for at in used for vm in self._movable(at)}
        fine = [
            at
            for at in spare
            if hosts[at].memory_mib >= memory
            and self._cap[at] >= load
            and all(on[kind, at] for kind in kinds_used)
        ]
        return len(fine) >= self._lost

    def _movable(self, host: int) -> list[int]:
        return [
            vm
            for vm in self._on[host]
            if vm not in self._aside and self._masks[self._kind[vm]].sum() > 1
        ]

    def _restarts(self, state: "_State", lost: tuple[int, ...]) -> bool:
        """Tell whether the VMs of the lost hosts all find a place; the state is as before."""
        vms = [vm for host in lost for vm in self._movable(host)]
        vms.sort(key=lambda vm: -self._problem.vms[vm].memory_mib)
        done: list[tuple[int, int]] = []
        try:
            for vm in vms:
                host = self._place(state, vm, lost)
                if host is None:
                    return False
                state.put(vm, host, 1)
                done.append((vm, host))
            return True
        finally:
            for vm, host in done:
                state.put(vm, host, -1)

    def _place(self, state: "_State", vm: int, lost: tuple[int, ...]) -> int | None:
        mask = self._masks[self._kind[vm]]
        row, facts = self._problem.demand[vm], self._problem.vms[vm]
        hosts = [at for at in state.hosts if mask[at] and at not in lost]
        hosts.sort(key=lambda at: -state.free[at])
        for host in hosts:
            if state.free[host] < facts.memory_mib:
                return None
            if facts.anti_affinity and state.met[host, facts.anti_affinity]:
                continue
            if int((state.load[host] + row).max(initial=0)) <= self._cap[host]:
                return host
        return None


class _State:
    def __init__(
        self, problem: Problem, on: dict[int, list[int]], aside: set[int], hosts: list[int]
    ) -> None:
        self._problem, self.hosts = problem, hosts
        self.load: dict[int, NDArray[np.int64]] = {}
        self.free: dict[int, int] = {}
        self.met: dict[tuple[int, str], int] = defaultdict(int)
        for host in hosts:
            counted = [vm for vm in on[host] if vm not in aside]
            self.load[host] = problem.demand[counted].sum(axis=0, dtype=np.int64)
            used = sum(problem.vms[vm].memory_mib for vm in on[host])
            self.free[host] = problem.hosts[host].memory_mib - used
            for vm in on[host]:
                if problem.vms[vm].anti_affinity:
                    self.met[host, problem.vms[vm].anti_affinity] += 1

    def put(self, vm: int, host: int, sign: int) -> None:
        """Put a VM on a host, or take it off again (sign -1)."""
        facts = self._problem.vms[vm]
        self.load[host] = self.load[host] + sign * self._problem.demand[vm].astype(np.int64)
        self.free[host] -= sign * facts.memory_mib
        if facts.anti_affinity:
            self.met[host, facts.anti_affinity] += sign
