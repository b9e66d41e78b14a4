"""
Speed of CPUs: one unit for all hosts, so that a VM's demand means the same on each of them.

Three ways, and every plan says which it took. A table of the user's, ``benchmarks.csv``, with a
score of a whole host by its CPU model (SPECrate2017_int_base, say). Else cores x base clock x
generation, where hosts say the year of their CPUs (``cpu_year``). Else cores x base clock. The unit
stays MHz: those of a host in the middle of the estate.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from headroom_collector.consolidation.planner.gaps import UNKNOWN
from headroom_collector.consolidation.planner.model import BY_CLOCK, NOWHERE, Demand, Host, Vm

GENERATIONS = (
    (2008, 13.7),
    (2010, 24.0),
    (2012, 40.1),
    (2016, 39.7),
    (2019, 40.7),
    (2022, 44.4),
    (2024, 55.4),
)
"""
Year of a CPU, and ssj_ops at full load for each core and MHz of base clock: medians of the 553
two-socket SPECpower_ssj2008 results as of March 2026, pooled over the years around it.
"""


@dataclass(frozen=True, slots=True)
class Cpu:
    """What hosts.csv says of a host's CPUs; empty or None where it says nothing."""

    model: str = ""
    year: int | None = None


@dataclass(frozen=True, slots=True)
class Speeds:
    """``factor`` by host: what one of its MHz is worth; ``basis`` says in a sentence how that is known."""

    factor: NDArray[np.float64]
    basis: str


def per_clock(year: float) -> float:
    """Return ssj_ops for each core and MHz of CPUs of that year, between the table's in equal ratios."""
    for (before, low), (after, high) in pairwise(GENERATIONS):
        if before <= year <= after:
            return low * math.pow(high / low, (year - before) / (after - before))
    return GENERATIONS[0][1] if year < GENERATIONS[0][0] else GENERATIONS[-1][1]


def speeds(hosts: Sequence[Host], cpus: Sequence[Cpu], scores: Mapping[str, float]) -> Speeds:
    """Return the hosts' speeds; ``scores`` of whole hosts by CPU model."""
    size = np.array([max(1, host.capacity_mhz) for host in hosts], dtype=np.float64)
    years = [cpu.year for cpu in cpus if cpu.year is not None]
    factor = np.ones(len(hosts))
    if years:
        usual = float(np.median(years))
        factor = np.array([per_clock(usual if cpu.year is None else cpu.year) for cpu in cpus])
    known = np.array([cpu.model in scores for cpu in cpus], dtype=np.bool_)
    if known.any():
        score = np.array([scores.get(cpu.model, 0.0) for cpu in cpus])
        unit = score[known].sum() / (size * factor)[known].sum()
        factor = np.where(known, score / unit / size, factor)
    if not years and not known.any():
        return Speeds(factor, BY_CLOCK)
    return Speeds(factor / np.median(factor), _basis(known, len(years)))


def _basis(known: NDArray[np.bool_], years: int) -> str:
    scored, hosts = int(known.sum()), len(known)
    rest = "cores x base clock"
    if years:
        rest += f" x generation ({years} of {hosts} hosts say their CPUs' year; SPECpower medians)"
    if not scored:
        return f"CPU of hosts compared by {rest}"
    said = f"CPU of {scored} of {hosts} hosts compared by benchmarks.csv"
    return said if scored == hosts else f"{said}, the others by {rest}"


def scaled_hosts(hosts: Sequence[Host], factor: NDArray[np.float64]) -> tuple[Host, ...]:
    """Return the hosts with clocks in the common unit."""
    return tuple(
        replace(
            host,
            core_mhz=int(host.core_mhz * float(by) + 1e-6),
            overhead_mhz=math.ceil(host.overhead_mhz * float(by) - 1e-6),
        )
        for host, by in zip(hosts, factor, strict=True)
    )


def scale_demand(demand: Demand, vms: Sequence[Vm], factor: NDArray[np.float64]) -> Demand:
    """Return demand in the common unit, rounded up: each VM's MHz are those of the host it runs on."""
    by = np.array([1.0 if vm.host == NOWHERE else factor[vm.host] for vm in vms])
    rows = np.flatnonzero(np.abs(by - 1) > 1e-9)
    if not len(rows):
        return demand
    most = float((demand.max(axis=1, initial=0) * by).max(initial=0)) + 1
    found = demand.astype(np.int32) if most > np.iinfo(demand.dtype).max else demand
    for start in range(0, len(rows), 512):
        some = rows[start : start + 512]
        values = np.ceil(found[some] * by[some, None] - 1e-6)
        found[some] = np.where(demand[some] == UNKNOWN, UNKNOWN, values).astype(found.dtype)
    return found
