"""
Lower bound on the hosts that a cluster's measured work needs under its ceiling.

The volume bound: whatever plan there is, at each moment the hosts that are left must together have
room for all of the demand, and no choice of hosts has more room than the largest ones. It is quick
and certain, but no plan: work comes in pieces (VMs) that may not fit so well. On measured traces
the best plan found was equal to the bound where memory binds, and up to 40 % above it where bursty
CPU demand binds.
"""

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Demands = NDArray[np.floating[Any]]
Resource = Literal["cpu", "memory"]

TOLERANCE = 1e-6
"""Relative; a sum of measured demands may miss its true value by rounding, never by this much."""


@dataclass(frozen=True, slots=True)
class Bound:
    """
    Fewest hosts for one cluster.

    ``cpu`` and ``memory`` are the bound by each resource, None where nothing is known of it;
    ``peak`` is the index of the sample with the greatest CPU demand. ``beyond`` where the demand is
    more than all hosts of the cluster may carry: then ``hosts`` counts further ones, each as large
    as the largest that is there.
    """

    hosts: int
    cpu: int | None
    memory: int | None
    binding: Resource | None
    peak: int | None
    beyond: bool


def fewest(demand: float, limits: Floats) -> int:
    """
    Count the hosts whose ``limits``, largest first, cover ``demand`` (same unit).

    0 for no demand. Where all hosts together do not cover it, further ones like the largest are
    counted. Raises ValueError without a limit above 0.
    """
    if demand <= 0:
        return 0
    usable = np.sort(limits[limits > 0])[::-1]
    if usable.size == 0:
        raise ValueError("no host has a limit above 0: expected at least one with capacity")
    room = np.cumsum(usable)
    wanted = demand * (1 - TOLERANCE)
    if wanted <= room[-1]:
        return int(np.searchsorted(room, wanted)) + 1
    return len(limits) + math.ceil(float(wanted - room[-1]) / float(usable[0]))


def total(demand: Demands) -> Floats | None:
    """Add up ``demand`` (hosts, samples) at each moment; None without samples."""
    return demand.sum(axis=0, dtype=np.float64) if demand.size else None


def lower_bound(
    cpu: Demands, cpu_limits: Floats, memory: Demands, memory_limits: Floats
) -> Bound | None:
    """
    Bound the hosts needed for one cluster; None where no demand is known.

    ``cpu`` and ``memory``: demand with shape (hosts, samples), finite, in the units of their limits,
    shape (hosts,). The CPU limits are ceiling times capacity; an array without samples says that
    nothing is known of that resource.
    """
    cpu_total, memory_total = total(cpu), total(memory)
    if cpu_total is None and memory_total is None:
        return None
    by_cpu = None if cpu_total is None else fewest(float(cpu_total.max()), cpu_limits)
    by_memory = None if memory_total is None else fewest(float(memory_total.max()), memory_limits)
    hosts = max(by_cpu or 0, by_memory or 0)
    present = len(cpu_limits)
    return Bound(
        hosts=hosts,
        cpu=by_cpu,
        memory=by_memory,
        binding=_binding(by_cpu, by_memory),
        peak=None if cpu_total is None else int(cpu_total.argmax()),
        beyond=hosts > present,
    )


def _binding(by_cpu: int | None, by_memory: int | None) -> Resource | None:
    if not by_cpu and not by_memory:
        return None
    return "cpu" if (by_cpu or 0) >= (by_memory or 0) else "memory"
