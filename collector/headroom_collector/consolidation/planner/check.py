"""Check of a finished plan, from the estate's own facts and by none of the code that made the plan."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from headroom_collector.consolidation.planner.model import NOWHERE, Ints, Options, Problem


def violations(
    problem: Problem, options: Options, placement: Sequence[int], aside: Mapping[int, str]
) -> list[str]:
    """
    Return what a placement breaks, one line each; none where it complies.

    ``placement`` has each VM's host, NOWHERE where it has none; VMs in ``aside`` count with their
    memory only.
    """
    where = np.array(placement, dtype=np.int64)
    found = list(_cpu(problem, options, where, aside))
    found += _memory(problem, where, aside)
    found += _rules(problem, placement, aside)
    return found


def _cpu(
    problem: Problem, options: Options, where: Ints, aside: Mapping[int, str]
) -> Iterator[str]:
    counted = where.copy()
    counted[list(aside)] = NOWHERE
    late = options.violations_allowed(problem.samples)
    order = np.argsort(counted, kind="stable")
    edges = np.searchsorted(counted[order], np.arange(len(problem.hosts) + 1))
    for at, host in enumerate(problem.hosts):
        rows = order[edges[at] : edges[at + 1]]
        if not len(rows):
            continue
        load = problem.demand[rows].sum(axis=0, dtype=np.int64) + host.overhead_mhz
        ceiling = options.ceiling if host.ceiling is None else host.ceiling
        allow = host.capacity_mhz * ceiling + 1e-6
        over = int(np.count_nonzero(load > allow))
        if over > late:
            yield f"{host.name}: {over} samples above the ceiling, {late} allowed"
        elif over and load.max() > max(allow, host.capacity_mhz * options.hard_cap + 1e-6):
            yield f"{host.name}: {int(load.max())} MHz, above the hard cap"


def _memory(problem: Problem, where: Ints, aside: Mapping[int, str]) -> Iterator[str]:
    used: dict[int, int] = defaultdict(int)
    touched = {int(host) for vm, host in enumerate(where) if vm not in aside}
    for vm, host in enumerate(where):
        used[int(host)] += problem.vms[vm].memory_mib
    for host in touched - {NOWHERE}:
        if used[host] > problem.hosts[host].memory_mib:
            yield f"{problem.hosts[host].name}: {used[host]} MiB of memory, more than it has"


def _rules(problem: Problem, placement: Sequence[int], aside: Mapping[int, str]) -> Iterator[str]:
    together: dict[str, set[int]] = defaultdict(set)
    apart: dict[tuple[str, int], int] = defaultdict(int)
    for at, vm in enumerate(problem.vms):
        host = placement[at]
        if at in aside or host == NOWHERE:
            continue
        yield from _own(problem, at, host)
        if vm.affinity:
            together[vm.affinity].add(host)
        if vm.anti_affinity:
            apart[vm.anti_affinity, host] += 1
    for group, hosts in together.items():
        if len(hosts) > 1:
            yield f"affinity group {group}: on {len(hosts)} hosts"
    for (group, host), count in apart.items():
        if count > 1:
            yield f"anti-affinity group {group}: {count} on {problem.hosts[host].name}"


def _own(problem: Problem, at: int, host: int) -> Iterator[str]:
    """Yield what one VM's place breaks of its own rules."""
    vm, there = problem.vms[at], problem.hosts[host]
    if vm.vcpus > there.cores:
        yield f"{vm.name}: {vm.vcpus} vCPUs on the {there.cores} cores of {there.name}"
    if vm.pinned and there.name != vm.pinned:
        yield f"{vm.name}: on {there.name}, but pinned to {vm.pinned}"
    if there.status not in {"active", "bare"} or (there.status == "bare" and vm.host != host):
        yield f"{vm.name}: on {there.name}, which is in {there.status}"
    if vm.host not in {NOWHERE, host}:
        yield from _border(problem, at, host)


def _border(problem: Problem, at: int, host: int) -> Iterator[str]:
    vm, there = problem.vms[at], problem.hosts[host]
    here = problem.hosts[vm.host]
    if vm.local:
        yield f"{vm.name}: moved, but its disk or device is local"
    if (here.site, here.cluster) != (there.site, there.cluster):
        yield f"{vm.name}: moved from {here.name} to another cluster, {there.name}"
    if here.cpu_vendor and here.cpu_vendor != there.cpu_vendor:
        yield f"{vm.name}: moved to {there.name}, a CPU of another vendor"
    if here.cpu_level is not None and (there.cpu_level or -1) < here.cpu_level:
        yield f"{vm.name}: moved to {there.name}, whose CPU level is lower"
