"""Kernel of best fit; see ``fit``, whose numpy code it agrees with, and ``kernels``."""

from typing import Any

import numpy as np

from headroom_collector.consolidation.planner.kernels import compiled, limit_of, over, peak_of


@compiled
def admits(
    item: int, host: int, free: Any, memory: Any, mask: Any, met: Any, first: Any, groups: Any
) -> bool:
    """Tell whether memory and rules let an item onto a host; its groups are those from ``first`` on."""
    if free[host] < memory[item] or not mask[host]:
        return False
    for at in range(first[item], first[item + 1]):  # noqa: SIM110 - compiled code has no generators
        if met[host, groups[at]] != 0:
            return False
    return True


@compiled
def judge(load: Any, row: Any, hot: int, own: int, allow: int, hard: int, late: int) -> int:
    """
    Return the peak of load + row, -1 where more than ``late`` columns are above the limits.

    ``hot`` and ``own`` are columns to look at first: the row's highest and the load's.
    """
    if late == 0 and (load[hot] + row[hot] > allow or load[own] + row[own] > allow):
        return -1
    most = peak_of(load, row)
    if most <= allow:
        return most
    return -1 if late == 0 or most > hard or over(load, row, allow) > late else most


@compiled
def closest(excess: Any, count: int, found: Any) -> int:
    """Write the positions of the smallest of ``excess``, ties by position; returns how many."""
    size = 0
    for at in range(count):
        if excess[at] >= 2**62:
            continue
        if size == found.shape[0] and excess[at] >= excess[found[size - 1]]:
            continue
        place = size if size < found.shape[0] else size - 1
        while place > 0 and excess[found[place - 1]] > excess[at]:
            found[place] = found[place - 1]
            place -= 1
        found[place] = at
        if size < found.shape[0]:
            size += 1
    return size


@compiled
def place_all(  # noqa: C901, PLR0912, PLR0915 - one loop: calls between kernels cost more than they clear up
    items: Any,
    demand: Any,
    blocks: Any,
    length: int,
    lates: Any,
    memory: Any,
    kind: Any,
    masks: Any,
    met: Any,
    first: Any,
    groups: Any,
    limits: Any,
    order: Any,
    load: Any,
    free: Any,
    where: Any,
    few: int,
) -> None:
    """
    Place the items one by one; ``where`` stays -1 for those that fit nowhere.

    ``lates``: late samples, late blocks; ``limits``: allow and hard by host. ``load``, ``free``,
    ``met`` and ``where`` are the packing's and change.
    """
    allow, hard = limits
    late, late_blocks = lates
    hosts = np.empty(order.shape[0], dtype=np.int64)
    opened = np.zeros(order.shape[0], dtype=np.bool_)
    packed = np.zeros((order.shape[0], blocks.shape[1]), dtype=np.int32)
    peaks = np.zeros(order.shape[0], dtype=np.int64)
    crests = np.zeros(order.shape[0], dtype=np.int64)
    excess = np.empty(order.shape[0], dtype=np.int64)
    near = np.empty(few, dtype=np.int64)
    top = np.zeros(late + 1, dtype=np.int64)
    count, start = 0, 0
    for item in items:
        row, mask = blocks[item], masks[kind[item]]
        hot, high = 0, 0
        for at in range(row.shape[0]):
            if row[at] > high:
                hot, high = at, row[at]
        best, share = -1, -np.inf
        for slot in range(count):
            host = hosts[slot]
            excess[slot] = 2**62
            if not admits(item, host, free, memory, mask, met, first, groups):
                continue
            excess[slot] = 0
            peak = judge(
                packed[slot], row, hot, crests[slot], allow[host], hard[host], late_blocks
            )
            if peak < 0:
                continue
            gain = (peaks[slot] + high - peak) / max(allow[host], 1)
            if gain > share:
                best, share = slot, gain
        if best < 0 and length > 1:
            for slot in range(count):
                if excess[slot] == 0:
                    peak = 0
                    for at in range(row.shape[0]):
                        peak = max(peak, packed[slot, at] + row[at])
                    excess[slot] = peak - allow[hosts[slot]]
            size = closest(excess, count, near)
            for at in range(size):
                slot = near[at]
                host = hosts[slot]
                if limit_of(load[host], demand[item], late, allow[host], hard[host], top) < 0:
                    continue
                peak = excess[slot] + allow[host]
                gain = (peaks[slot] + high - peak) / max(allow[host], 1)
                if gain > share or (gain == share and slot < best):
                    best, share = slot, gain
        if best < 0:
            while start < order.shape[0] and opened[order[start]]:
                start += 1
            for at in range(start, order.shape[0]):
                host = order[at]
                if opened[host] or not admits(item, host, free, memory, mask, met, first, groups):
                    continue
                if limit_of(load[host], demand[item], late, allow[host], hard[host], top) >= 0:
                    best = count
                    hosts[count] = host
                    opened[host] = True
                    count += 1
                    break
        if best < 0:
            continue
        host = hosts[best]
        where[item] = host
        free[host] -= memory[item]
        for at in range(first[item], first[item + 1]):
            met[host, groups[at]] += 1
        peaks[best] = 0
        for block in range(packed.shape[1]):
            most = 0
            for t in range(block * length, min(load.shape[1], (block + 1) * length)):
                load[host, t] += demand[item, t]
                most = max(most, load[host, t])
            packed[best, block] = most
            if most > peaks[best]:
                peaks[best], crests[best] = most, block
