"""Rules that decide which host a VM may use, as one mask for each kind of VM."""

from collections import defaultdict

import numpy as np

from headroom_collector.consolidation.planner.model import (
    NOWHERE,
    Ints,
    Mask,
    PlanError,
    Problem,
    Vm,
)


def kinds(problem: Problem) -> tuple[Ints, Mask]:
    """Return each VM's kind and each kind's hosts, shape (kinds, hosts)."""
    numbers: dict[tuple[object, ...], int] = {}
    masks: list[Mask] = []
    kind = np.zeros(len(problem.vms), dtype=np.int64)
    facts = _Columns(problem)
    for index, vm in enumerate(problem.vms):
        key = facts.key(vm)
        if key not in numbers:
            numbers[key] = len(masks)
            masks.append(facts.mask(vm))
        kind[index] = numbers[key]
    shape = (len(masks), len(problem.hosts))
    return kind, np.array(masks, dtype=np.bool_).reshape(shape)


class _Columns:
    """Columns of the hosts that decide which VM may use which of them."""

    def __init__(self, problem: Problem) -> None:
        hosts = problem.hosts
        self._hosts = hosts
        self._index = {host.name: at for at, host in enumerate(hosts)}
        self._border = np.array([f"{host.site}\x1f{host.cluster}" for host in hosts])
        self._site = np.array([host.site for host in hosts])
        self._cluster = np.array([host.cluster for host in hosts])
        self._vendor = np.array([host.cpu_vendor for host in hosts])
        self._level = np.array([-1 if h.cpu_level is None else h.cpu_level for h in hosts])
        self._cores = np.array([host.cores for host in hosts])
        self._usable = np.array([host.status == "active" for host in hosts], dtype=np.bool_)
        self._pools = _pools(problem)

    def key(self, vm: Vm) -> tuple[object, ...]:
        """Return what decides about a VM's hosts."""
        here: object = None
        if vm.host != NOWHERE:
            host = self._hosts[vm.host]
            here = (host.site, host.cluster, host.cpu_vendor, host.cpu_level)
        own = (vm.site, vm.cluster, vm.cpu_vendor, vm.cpu_level, vm.licence_pool, vm.pinned)
        alone = vm.local or (vm.host != NOWHERE and self._hosts[vm.host].status == "bare")
        return (here, vm.host if alone else None, vm.vcpus, *own)

    def mask(self, vm: Vm) -> Mask:
        """Return the hosts that a VM may use; raises PlanError for a host that is not there."""
        found: Mask = self._usable & (self._cores >= vm.vcpus)
        if vm.host != NOWHERE:
            host = self._hosts[vm.host]
            found &= self._border == self._border[vm.host]
            found &= self._cpu(host.cpu_vendor, host.cpu_level)
            if host.status == "bare":
                found[vm.host] = host.cores >= vm.vcpus
        found &= self._cpu(vm.cpu_vendor, vm.cpu_level)
        if vm.site:
            found &= self._site == vm.site
        if vm.cluster:
            found &= self._cluster == vm.cluster
        if vm.licence_pool:
            found &= self._pools[vm.licence_pool]
        if vm.pinned:
            found &= self._only(vm, self._index.get(vm.pinned))
        if vm.local and vm.host != NOWHERE:
            found &= self._only(vm, vm.host)
        return found

    def _cpu(self, vendor: str, level: int | None) -> Mask:
        found: Mask = np.ones(len(self._hosts), dtype=np.bool_)
        if vendor:
            found &= self._vendor == vendor
        if level is not None:
            found &= self._level >= level
        return found

    def _only(self, vm: Vm, host: int | None) -> Mask:
        if host is None:
            raise PlanError(f"VM {vm.name} is pinned to {vm.pinned}: no such host")
        found: Mask = np.zeros(len(self._hosts), dtype=np.bool_)
        found[host] = True
        return found


def _pools(problem: Problem) -> dict[str, Mask]:
    """Return each licence pool's hosts: those that say so, else those where its VMs run now."""
    found: dict[str, Mask] = {}
    said: dict[str, list[int]] = defaultdict(list)
    now: dict[str, list[int]] = defaultdict(list)
    for at, host in enumerate(problem.hosts):
        for pool in host.licence_pools:
            said[pool].append(at)
    for vm in problem.vms:
        if vm.licence_pool and vm.host != NOWHERE:
            now[vm.licence_pool].append(vm.host)
    for pool in {vm.licence_pool for vm in problem.vms if vm.licence_pool}:
        found[pool] = np.zeros(len(problem.hosts), dtype=np.bool_)
        found[pool][said.get(pool) or now.get(pool) or []] = True
    return found
