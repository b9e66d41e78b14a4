"""Kernel of filling one host; see ``fill``, whose numpy code it agrees with, and ``kernels``."""

from typing import Any

import numpy as np

from headroom_collector.consolidation.planner.kernels import compiled, limit_of


@compiled
def _take(
    item: int,
    ids: Any,
    demand: Any,
    length: int,
    exact: Any,
    load: Any,
    alive: Any,
    chosen: Any,
    apart: Any,
) -> None:
    """Put an item into a trial: its demand is added, it and those that must be apart from it go."""
    own, groups, starts, members = apart
    for block in range(load.shape[0]):
        most = 0
        for t in range(block * length, min(exact.shape[0], (block + 1) * length)):
            exact[t] += demand[ids[item], t]
            most = max(most, exact[t])
        load[block] = most
    alive[item], chosen[item] = False, True
    for at in range(own[item], own[item + 1]):
        group = groups[at]
        for one in range(starts[group], starts[group + 1]):
            alive[members[one]] = False


@compiled
def fill_trial(  # noqa: C901 - one loop, as compiled code wants it
    order: Any,
    begin: int,
    ids: Any,
    demand: Any,
    blocks: Any,
    length: int,
    late: int,
    memory: Any,
    crests: Any,
    worth: Any,
    weights: Any,
    limits: Any,
    look: int,
    exact: Any,
    load: Any,
    apart: Any,
    chosen: Any,
) -> float:
    """
    Run one trial to its end; returns the worth of what it chose.

    ``order`` has the items, by position in ``ids``, the likeliest first; ``weights`` those of CPU
    and memory, ``limits`` allow, hard and free. ``exact`` and ``load`` (by blocks) are the host's,
    and ``chosen`` is filled. ``apart`` says which items must be apart, as two lists of lists.
    """
    cpu, share = weights
    allow, hard, free = limits
    top = np.zeros(late + 1, dtype=np.int64)
    zero = np.zeros(load.shape[0], dtype=np.int32)
    alive = np.ones(ids.shape[0], dtype=np.bool_)
    value = 0.0
    high = limit_of(load, blocks[begin], late, allow, hard, top)
    if high >= 0 and memory[begin] <= free:
        _take(begin, ids, demand, length, exact, load, alive, chosen, apart)
        free -= memory[begin]
        value += worth[begin]
    crest = limit_of(load, zero, late, 2**62, 2**62, top)
    start = 0
    while True:
        while start < order.shape[0] and not alive[order[start]]:
            start += 1
        best, score, seen = -1, 0.0, 0
        for at in range(start, order.shape[0]):
            item = order[at]
            if not alive[item]:
                continue
            seen += 1
            if seen > look:
                break
            high = -1
            if memory[item] <= free:
                high = limit_of(load, blocks[item], late, allow, hard, top)
            if high < 0:
                alive[item] = False
                continue
            grown = (high - crest) / allow
            own = crests[item] / allow
            taken = cpu * (grown + own) + share * 2 * memory[item]
            found = worth[item] * (1 + cpu * (own - grown)) / (1e-3 + taken)
            found = max(found, 1e-12)
            if found > score or (found == score and item < best):
                best, score = item, found
        if seen == 0:
            return value
        if best < 0:
            continue
        _take(best, ids, demand, length, exact, load, alive, chosen, apart)
        free -= memory[best]
        value += worth[best]
        crest = limit_of(load, zero, late, 2**62, 2**62, top)
