"""
Reserve for failures: any k hosts of a cluster may be lost, and the rest still carries its work.

The rest carries it when, without the k largest hosts that are on, it has the memory for all VMs of
the cluster and, at ``reserve_cap`` of its CPUs, room for their demand in every sample.
"""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from headroom_collector.consolidation.planner.model import NOWHERE, Ints, Options, Problem


def spares(
    problem: Problem, options: Options, placement: Sequence[int]
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
    for (site, cluster), hosts in clusters.items():
        rows = np.flatnonzero(np.isin(where, hosts))
        kept = {int(host) for host in where[rows]}
        needs = _needs(problem, rows)
        idle = [at for at in hosts if at not in kept and problem.hosts[at].status == "active"]
        idle.sort(key=lambda at: (-problem.hosts[at].memory_mib, -problem.hosts[at].capacity_mhz))
        while not _enough(problem, options, kept, needs):
            if not idle:
                short.append(f"{site or '-'}/{cluster or '-'}")
                break
            kept.add(idle.pop(0))
        found |= kept - set(where[rows].tolist()) - {NOWHERE}
    return found, short


def _needs(problem: Problem, rows: Ints) -> tuple[int, int]:
    """Return the memory in MiB and the highest CPU demand in MHz of some VMs together."""
    memory = sum(problem.vms[int(row)].memory_mib for row in rows)
    total = np.zeros(problem.samples, dtype=np.int64)
    for start in range(0, len(rows), 4096):
        total += problem.demand[rows[start : start + 4096]].sum(axis=0, dtype=np.int64)
    return memory, int(total.max(initial=0))


def _enough(problem: Problem, options: Options, kept: set[int], needs: tuple[int, int]) -> bool:
    memory = sorted(problem.hosts[at].memory_mib for at in kept)
    cpu = sorted(
        problem.hosts[at].capacity_mhz * options.reserve_cap - problem.hosts[at].overhead_mhz
        for at in kept
    )
    left = max(0, len(kept) - options.reserve)
    return sum(memory[:left]) >= needs[0] and sum(cpu[:left]) >= needs[1]
