"""
Kernels of the search, compiled where numba is there; nothing but numpy is needed without it.

Each does what the numpy code beside its caller does, integer by integer and in the same order of
operations, so that plans are the same; tests hold them against each other. HEADROOM_PLAIN=1 in the
environment leaves numba out.
"""

import os
from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np

Function = TypeVar("Function", bound=Callable[..., Any])
OFF = "HEADROOM_PLAIN"


def _compiler() -> Callable[[Any], Any] | None:
    """
    Return numba's compiler, None where it is not there, not wanted, or not allowed.

    A hardened unit forbids memory that is both written and run: llvmlite says so with an OSError.
    """
    if os.environ.get(OFF):
        return None
    try:
        from numba import njit  # noqa: PLC0415 - optional, and slow to import
    except (ImportError, OSError):
        return None
    try:
        made: Callable[[Any], Any] = njit(cache=True, nogil=True, boundscheck=False)
        made(_probe)
    except RuntimeError:  # no folder where compiled code may be kept
        made = njit(nogil=True, boundscheck=False)
    return made


CHUNK = 512
"""Samples between two looks at whether a load is already too high; shorter loops run straight."""


def _probe() -> int:
    return 0


COMPILE = _compiler()
COMPILED = COMPILE is not None


def compiled(function: Function) -> Function:
    """Return the function compiled, or as it is where numba is not there."""
    return function if COMPILE is None else cast(Function, COMPILE(function))


# Straight loops over 32-bit integers: the compiler makes vectors of them, which is worth more than
# leaving early.


@compiled
def peak_of(load: Any, row: Any) -> int:
    """Return the largest sample of load + row, 0 at least."""
    most: Any = np.int32(0)
    for at in range(load.shape[0]):
        value = np.int32(load[at] + row[at])
        most = max(most, value)
    return int(most)


@compiled
def over(load: Any, row: Any, allow: int) -> int:
    """Count the samples of load + row above ``allow``."""
    count: Any = np.int32(0)
    limit = np.int32(min(allow, 2**31 - 1))
    for at in range(load.shape[0]):
        count += np.int32(np.int32(load[at] + row[at]) > limit)
    return int(count)


@compiled
def limit_of(load: Any, row: Any, late: int, allow: int, hard: int, top: Any) -> int:
    """
    Return the crest of load + row, -1 where it does not comply; ``top`` is scratch, late + 1 long.

    The crest is the value that at most ``late`` samples exceed.
    """
    most: Any = np.int32(0)
    size = load.shape[0]
    if size <= CHUNK:
        most = peak_of(load, row)
    else:
        for low in range(0, size, CHUNK):
            most = max(most, peak_of(load[low : low + CHUNK], row[low : low + CHUNK]))
            if most > hard or (late == 0 and most > allow):
                return -1
    if late == 0:
        return int(most) if most <= allow else -1
    if most > allow and (most > hard or over(load, row, allow) > late):
        return -1
    if late >= size:
        return 0
    count = 0
    for at in range(size):
        value: Any = np.int32(load[at] + row[at])
        if count <= late or value > top[0]:
            count = _push(top, count, late + 1, value)
    return int(top[0])


@compiled
def _push(top: Any, size: int, most: int, value: int) -> int:
    """Keep the ``most`` largest values in ascending order; returns how many there are."""
    if size < most:
        at = size
        while at > 0 and top[at - 1] > value:
            top[at] = top[at - 1]
            at -= 1
        top[at] = value
        return size + 1
    at = 0
    while at + 1 < most and top[at + 1] < value:
        top[at] = top[at + 1]
        at += 1
    top[at] = value
    return size


@compiled
def fits_each(
    load: Any, row: Any, hosts: Any, allow: Any, hard: Any, late: int, fine: Any
) -> None:
    """Clear ``fine`` of the hosts, by position, whose load with the row on it does not comply."""
    top = np.zeros(late + 1, dtype=np.int64)
    for at in range(hosts.shape[0]):
        if fine[at]:
            host = hosts[at]
            high = limit_of(load[host], row, late, allow[host], hard[host], top)
            fine[at] = high >= 0


@compiled
def _changed(load: Any, more: Any, less: Any, late: int, allow: int, hard: int) -> bool:
    """Tell whether load + more - less complies."""
    most: Any = np.int32(0)
    for at in range(load.shape[0]):
        value = np.int32(load[at] + np.int32(more[at]) - np.int32(less[at]))
        most = max(most, value)
    if most <= allow:
        return True
    if late == 0 or most > hard:
        return False
    count: Any = 0
    for at in range(load.shape[0]):
        count += np.int32(load[at] + np.int32(more[at]) - np.int32(less[at])) > allow
    return bool(count <= late)


@compiled
def swaps_fit(
    load: Any, demand: Any, item: int, items: Any, hosts: Any, limits: Any, late: int, fine: Any
) -> None:
    """Tell of each host whether it complies with ``item`` in the place of its own of ``items``."""
    allow, hard = limits
    for at in range(items.shape[0]):
        host = hosts[at]
        fine[at] = _changed(
            load[host], demand[item], demand[items[at]], late, allow[host], hard[host]
        )


@compiled
def pairs_fit(
    load: Any, demand: Any, item: int, one: Any, two: Any, limits: Any, late: int, fine: Any
) -> None:
    """Tell of a host's load without each pair and with ``item`` whether it complies."""
    allow, hard = limits
    wanted = np.empty(load.shape[0], dtype=np.int32)
    before = -1
    for at in range(one.shape[0]):
        if one[at] != before:
            before = one[at]
            for t in range(load.shape[0]):
                wanted[t] = load[t] + demand[item, t] - demand[before, t]
        fine[at] = _without(wanted, demand[two[at]], late, allow, hard)


@compiled
def _without(load: Any, less: Any, late: int, allow: int, hard: int) -> bool:
    """Tell whether load - less complies."""
    most: Any = np.int32(0)
    for at in range(load.shape[0]):
        value = np.int32(load[at] - np.int32(less[at]))
        most = max(most, value)
    if most <= allow:
        return True
    if late == 0 or most > hard:
        return False
    count: Any = 0
    for at in range(load.shape[0]):
        count += np.int32(load[at] - np.int32(less[at])) > allow
    return bool(count <= late)


@compiled
def exchanges_fit(
    load: Any, demand: Any, ends: Any, items: Any, limits: Any, late: int, fine: Any
) -> None:
    """Tell of pairs of hosts whether both comply after an exchange; an item -1 is none."""
    here, there = ends
    mine, other = items
    allow, hard = limits
    nothing = np.zeros(load.shape[1], dtype=demand.dtype)
    for at in range(here.shape[0]):
        if not fine[at]:
            continue
        h, g = here[at], there[at]
        goes = demand[mine[at]]
        comes = demand[other[at]] if other[at] >= 0 else nothing
        fine[at] = _changed(load[h], comes, goes, late, allow[h], hard[h]) and _changed(
            load[g], goes, comes, late, allow[g], hard[g]
        )
