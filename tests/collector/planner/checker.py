"""Checker of plans that shares no code with the planner: plain Python integers, JSON and files."""

from collections import Counter, defaultdict
from fractions import Fraction


def loads(vms, demand, placement, skip=()):
    """Return each host's demand by sample, as lists of integers."""
    found: dict[str, list[int]] = {}
    for vm in vms:
        host = placement.get(vm)
        if host is None or vm in skip:
            continue
        row = demand[vm]
        have = found.setdefault(host, [0] * len(row))
        for at, value in enumerate(row):
            have[at] += value
    return found


def host_faults(host, series, memory, ceiling, quantile, hard):
    """Yield what is wrong with one host of capacity cores x core_mhz under that load."""
    capacity = host["cores"] * host["core_mhz"]
    spent = host.get("overhead_mhz", 0)
    allow = Fraction(str(ceiling)) * capacity - spent
    cap = max(allow, Fraction(str(hard)) * capacity - spent)
    late = int((1 - Fraction(str(quantile))) * len(series))
    over = [value for value in series if value > allow]
    if len(over) > late:
        yield f"{host['host']}: {len(over)} of {len(series)} samples over the ceiling"
    if over and max(over) > cap:
        yield f"{host['host']}: over the hard cap"
    if memory > host["memory_mib"]:
        yield f"{host['host']}: {memory} MiB of {host['memory_mib']}"


def state_faults(estate, placement, skip=(), *, ceiling=0.4, quantile=1.0, hard=1.0):
    """
    Return what a placement {vm: host name} breaks; ``skip`` VMs count with their memory only.

    ``estate`` has hosts {name: columns}, vms {name: columns} and demand {name: list of MHz}.
    """
    hosts, vms, demand = estate["hosts"], estate["vms"], estate["demand"]
    memory: Counter[str] = Counter()
    for vm, host in placement.items():
        if host is not None:
            memory[host] += vms[vm]["memory_mib"]
    faults = []
    for name, series in loads(vms, demand, placement, skip).items():
        faults += host_faults(hosts[name], series, memory[name], ceiling, quantile, hard)
    faults += rule_faults(hosts, vms, placement, skip)
    return faults


def rule_faults(hosts, vms, placement, skip):
    """Return the rules of VMs that a placement breaks."""
    faults: list[str] = []
    groups: dict[str, set[str]] = defaultdict(set)
    apart: Counter[tuple[str, str]] = Counter()
    for name, vm in vms.items():
        host = placement.get(name)
        if host is None or name in skip:
            continue
        faults += own_faults(vm, hosts[host], hosts.get(vm.get("host"), {}))
        if vm.get("affinity"):
            groups[vm["affinity"]].add(host)
        if vm.get("anti_affinity"):
            apart[vm["anti_affinity"], host] += 1
    faults += [f"affinity {name}: {sorted(on)}" for name, on in groups.items() if len(on) > 1]
    faults += [f"anti-affinity {key}" for key, count in apart.items() if count > 1]
    return faults


def own_faults(vm, there, here):
    """Yield the rules that one VM, which came from ``here`` ({} if new), breaks over there."""
    name, pool = vm["vm"], vm.get("licence_pool")
    level = max(vm.get("cpu_level") or 0, here.get("cpu_level") or 0)
    wrong = {
        "vcpus": vm["vcpus"] > there["cores"],
        "pinned": vm.get("pinned", "") not in {"", there["host"]},
        "local": vm.get("local") and here and here is not there,
        "status": there.get("status", "active") != "active",
        "licence pool": pool and pool not in there.get("licence_pools", ()),
        "cpu level": (there.get("cpu_level") or 0) < level,
    }
    for column in ("site", "cluster", "cpu_vendor"):
        for wanted in (vm.get(column), here.get(column)):
            wrong[column] = wrong.get(column) or (wanted and there.get(column) != wanted)
    for rule, broken in wrong.items():
        if broken:
            yield f"{name} on {there['host']}: {rule}"


def replay_faults(estate, plan, **rule):
    """
    Replay the moves of a plan's JSON object one by one; returns what any state breaks.

    After each move the destination complies, with the VM still counted on its source as well for
    memory; at the end everybody is where ``placement`` says. VMs of an affinity group move one
    after the other, so that they may be apart in between.
    """
    vms, skip = estate["vms"], set(plan["cannot_comply"])
    place = {name: vm.get("host") for name, vm in vms.items()}
    loose = {name: {**vm, "affinity": ""} for name, vm in vms.items()}
    between = {**estate, "vms": loose}
    faults = []
    for step, move in enumerate(plan["moves"]):
        if place[move["vm"]] != move["from"]:
            faults.append(f"step {step}: {move['vm']} is on {place[move['vm']]}")
        place[move["vm"]] = move["to"]
        on_target = {vm: host for vm, host in place.items() if host == move["to"]}
        found = state_faults(between, on_target, skip, **rule)
        faults += [f"step {step}: {fault}" for fault in found]
    for name, host in place.items():
        if host is not None and plan["placement"][name] != host:
            faults.append(f"{name} ends on {host}, not on {plan['placement'][name]}")
    return faults


def faults(estate, plan, **rule):
    """Return everything that is wrong with a plan's JSON object."""
    found = state_faults(estate, plan["placement"], set(plan["cannot_comply"]), **rule)
    found += replay_faults(estate, plan, **rule)
    used = {host for host in plan["placement"].values() if host}
    kept, freed = set(plan["hosts_kept"]), set(plan["hosts_freed"])
    if not used <= kept or kept & freed or kept | freed != set(estate["hosts"]):
        found.append("hosts kept and freed are not the estate's hosts, each once")
    if plan["lower_bound"] > len(kept):
        found.append(f"bound {plan['lower_bound']} above the {len(kept)} hosts of a known plan")
    if plan["violations"]:
        found += plan["violations"]
    return found
