"""A plan by site and cluster: hosts, moves, bound, power and money of each."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from headroom_collector.consolidation.planner.model import NOWHERE, Options, Problem
from headroom_collector.consolidation.planner.parts import Made
from headroom_collector.consolidation.planner.savings import (
    JOULES_PER_KWH,
    YEAR_SECONDS,
    Savings,
    host_watts,
)

Place = tuple[str, str]


def by_cluster(
    problem: Problem,
    options: Options,
    made: Made,
    placement: Sequence[int],
    kept: Collection[int],
    savings: Savings,
) -> list[dict[str, Any]]:
    """
    Return one row for each site and cluster.

    The bound is None where VMs may leave the cluster, the ceiling the lowest of its hosts; watts and money as ``savings`` has them.
    """
    hosts = problem.hosts
    members: dict[Place, list[int]] = defaultdict(list)
    for at, host in enumerate(hosts):
        members[host.site, host.cluster].append(at)
    moves: dict[Place, int] = defaultdict(int)
    for _, _, target in made.moves:
        moves[hosts[target].site, hosts[target].cluster] += 1
    failed: dict[Place, int] = defaultdict(int)
    for vm, reason in made.aside.items():
        at = placement[vm]
        if reason and at != NOWHERE:
            failed[hosts[at].site, hosts[at].cluster] += 1
    bounds = _bounds(problem, made)
    before = [vm.host for vm in problem.vms]
    now = before if any(host != NOWHERE for host in before) else placement
    watts = host_watts(problem, now), host_watts(problem, placement)
    found = []
    for place, some in members.items():
        on = [at for at in some if at in kept]
        power = float(watts[0][some].sum()), float(watts[1][on].sum()) if on else 0.0
        off = [at for at in some if at not in kept]
        kwh = (power[0] - power[1]) * YEAR_SECONDS / JOULES_PER_KWH
        money = savings.yearly(problem, off, [*[0.0] * (len(off) - 1), kwh]) if off else [0.0]
        found.append(
            {
                "site": place[0],
                "cluster": place[1],
                "ceiling_ratio": min(
                    options.ceiling if (own := hosts[at].ceiling) is None else own for at in some
                ),
                "hosts": len(some),
                "hosts_kept": len(on),
                "hosts_freed": len(off),
                "moves": moves[place],
                "cannot_comply": failed[place],
                "lower_bound": bounds[place],
                "power_watts_before": round(power[0], 1),
                "power_watts_after": round(power[1], 1),
                "money_per_year": money[-1],
                "freed": [hosts[at].name for at in off],
            }
        )
    return found


def _bounds(problem: Problem, made: Made) -> Mapping[Place, int | None]:
    hosts = problem.hosts
    found: dict[Place, int | None] = {(host.site, host.cluster): 0 for host in hosts}
    for part in made.pieces or (made,):
        places = {(hosts[at].site, hosts[at].cluster) for at in part.hosts}
        for place in places:
            known = found[place]
            alone = len(places) == 1 and known is not None
            found[place] = (known or 0) + part.bound.hosts if alone else None
    return found
