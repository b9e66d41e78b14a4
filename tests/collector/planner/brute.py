"""Brute force: the fewest hosts for a small estate, by trying every placement that could be better."""


def fewest(hosts, vms, ceiling=0.4):
    """
    Return the fewest hosts that carry all VMs, or None; every sample under the ceiling.

    ``hosts``: (capacity in MHz, MiB); ``vms``: (list of MHz, MiB). Hosts that are alike and still
    empty are tried once.
    """
    order = sorted(range(len(vms)), key=lambda at: -max(vms[at][0]))
    loads = [[0] * len(vms[0][0]) for _ in hosts]
    free = [memory for _, memory in hosts]
    used = [0] * len(hosts)
    best = [len(hosts) + 1]

    def place(depth, count):
        if count >= best[0]:
            return
        if depth == len(order):
            best[0] = count
            return
        series, memory = vms[order[depth]]
        seen = set()
        for at, (capacity, _) in enumerate(hosts):
            if not used[at] and (hosts[at]) in seen:
                continue
            if not used[at]:
                seen.add(hosts[at])
            new = [a + b for a, b in zip(loads[at], series, strict=True)]
            if free[at] < memory or any(10 * value > 10 * ceiling * capacity for value in new):
                continue
            old, loads[at] = loads[at], new
            free[at] -= memory
            used[at] += 1
            place(depth + 1, count + (used[at] == 1))
            used[at] -= 1
            free[at] += memory
            loads[at] = old

    place(0, 0)
    return best[0] if best[0] <= len(hosts) else None
