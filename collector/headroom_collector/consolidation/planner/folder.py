"""
Folder of files that describes an estate, read as a problem for the planner.

hosts.csv, vms.csv and demand.parquet; host_demand.parquet (what whole hosts used) and benchmarks.csv
(scores by CPU model) where they are there. docs/plan-files.md describes them.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from headroom_collector.consolidation.planner.files import (
    HostRow,
    read_host_rows,
    read_scores,
    read_vm_rows,
)
from headroom_collector.consolidation.planner.gaps import UNKNOWN, fill
from headroom_collector.consolidation.planner.model import (
    AS_PROVISIONED,
    Demand,
    Host,
    Ints,
    PlanError,
    Problem,
    Vm,
)
from headroom_collector.consolidation.planner.series import (
    Extent,
    Source,
    extent_of,
    read_matrix,
    read_peaks,
)
from headroom_collector.consolidation.planner.speed import (
    Speeds,
    scale_demand,
    scaled_hosts,
    speeds,
)

DEMAND, HOST_DEMAND, SCORES = "demand.parquet", "host_demand.parquet", "benchmarks.csv"
MARGIN = 0.25
OFTEN = 0.95
"""Rank of a hypervisor's own use that is set aside for it."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Which memory of a VM counts: provisioned, or the most it consumed plus a ``margin``, a ratio."""

    counted: Literal["provisioned", "consumed"] = "provisioned"
    margin: float = MARGIN

    def __post_init__(self) -> None:
        """Refuse what cannot be meant; raises PlanError."""
        if self.counted not in {"provisioned", "consumed"}:
            raise PlanError(f"--memory {self.counted}: expected provisioned or consumed")
        if not 0 <= self.margin <= 10:
            raise PlanError(f"--memory-margin {self.margin:g}: expected a ratio from 0 to 10")


@dataclass(frozen=True, slots=True)
class _Known:
    """What the folder's tables and its VMs' series say, in the common unit."""

    rows: Sequence[HostRow]
    hosts: tuple[Host, ...]
    vms: tuple[Vm, ...]
    speeds: Speeds
    extent: Extent
    demand: Demand


def read_folder(folder: Path, memory: Memory = Memory()) -> Problem:
    """Read an estate; raises PlanError with one line that says what is wrong and where."""
    _check(folder)
    rows = read_host_rows(folder / "hosts.csv")
    bare = [row.host.name for row in rows if row.bare]
    vms = tuple(read_vm_rows(folder / "vms.csv", [row.host.name for row in rows]))
    if not vms and not bare:
        raise PlanError("vms.csv has no line below its head: expected at least one")
    whole = Source(folder / HOST_DEMAND, "host", "hosts.csv")
    if bare and not whole.path.is_file():
        raise PlanError(f"{whole.path}: no such file: it says what bare hosts, {bare[0]}, used")
    source = Source(folder / DEMAND)
    extent = extent_of(source) if vms else extent_of(whole)
    demand, notes = (
        read_matrix(source, [vm.name for vm in vms], extent)
        if vms
        else (np.zeros((0, extent.samples), dtype=np.int16), ())
    )
    demand, share = fill(demand, extent.start)
    scores = read_scores(folder / SCORES) if (folder / SCORES).is_file() else {}
    found = speeds([row.host for row in rows], [row.cpu for row in rows], scores)
    known = _Known(
        rows,
        scaled_hosts([row.host for row in rows], found.factor),
        vms,
        found,
        extent,
        scale_demand(demand, vms, found.factor),
    )
    vms, basis = _with_memory(source, vms, memory)
    problem = Problem(
        known.hosts, vms, known.demand, share, extent.start, notes, found.basis, basis
    )
    return _with_whole(problem, known, whole, memory.margin) if whole.path.is_file() else problem


def _check(folder: Path) -> None:
    if not folder.is_dir():
        raise PlanError(
            f"{folder}: no such folder: expected one with hosts.csv, vms.csv and demand.parquet"
        )
    needed = ["hosts.csv", "vms.csv"]
    if not (folder / HOST_DEMAND).is_file():
        needed.append(DEMAND)
    for name in needed:
        if not (folder / name).is_file():
            raise PlanError(f"{folder / name}: no such file; docs/plan-files.md describes it")


def _with_memory(
    source: Source, vms: tuple[Vm, ...], memory: Memory
) -> tuple[tuple[Vm, ...], str]:
    if memory.counted == "provisioned" or not vms:
        return vms, AS_PROVISIONED
    peaks = read_peaks(source, [vm.name for vm in vms], "memory_mib")
    unknown = int(np.isnan(peaks).sum())
    wanted = [
        vm.memory_mib
        if math.isnan(peak)
        else min(vm.memory_mib, math.ceil(peak * (1 + memory.margin)))
        for vm, peak in zip(vms, peaks.tolist(), strict=True)
    ]
    basis = f"memory as consumed at most, plus {memory.margin:.0%}, no more than provisioned"
    if unknown:
        basis += f"; as provisioned for {unknown} VMs of which nothing is known"
    made = (replace(vm, memory_mib=size) for vm, size in zip(vms, wanted, strict=True))
    return tuple(made), basis


def _with_whole(problem: Problem, known: _Known, whole: Source, margin: float) -> Problem:
    """Add what hypervisors use themselves, and bare hosts as VMs that could be made of them."""
    extent = replace(known.extent, most=extent_of(whole).most)
    names = [host.name for host in known.hosts]
    matrix, _ = read_matrix(whole, names, extent)
    on = [Vm(name, 0, 0, at) for at, name in enumerate(names)]
    matrix = scale_demand(matrix, on, known.speeds.factor)
    hosts, counted = _with_overhead(problem, known, matrix)
    problem = replace(problem, hosts=hosts)
    if counted:
        text = f"hypervisors' own use measured on {counted} hosts: its 95th percentile set aside"
        problem = replace(problem, notes=(*problem.notes, text))
    bare = np.array([at for at, row in enumerate(known.rows) if row.bare], dtype=np.int64)
    return _with_bare(problem, known, bare, matrix[bare], whole, margin) if len(bare) else problem


def _with_overhead(
    problem: Problem, known: _Known, matrix: Demand
) -> tuple[tuple[Host, ...], int]:
    where = np.array([vm.host for vm in problem.vms], dtype=np.int64)
    hosts, counted = [], 0
    for at, host in enumerate(problem.hosts):
        rows = np.flatnonzero(where == at)
        measured = matrix[at] != UNKNOWN
        if known.rows[at].overhead_given or not len(rows) or not measured.any():
            hosts.append(host)
            continue
        used = problem.demand[rows].sum(axis=0, dtype=np.int64)
        own = np.sort((matrix[at].astype(np.int64) - used)[measured])
        rank = max(0, math.ceil(OFTEN * len(own)) - 1)
        hosts.append(replace(host, overhead_mhz=max(0, int(own[rank]))))
        counted += 1
    return tuple(hosts), counted


def _with_bare(
    problem: Problem, known: _Known, bare: Ints, matrix: Demand, whole: Source, margin: float
) -> Problem:
    demand, share = fill(matrix, known.extent.start)
    names = [host.name for host in known.hosts]
    try:
        peaks = read_peaks(whole, names, "memory_mib")
    except PlanError:
        peaks = np.full(len(names), np.nan)
    hosts, vms = list(problem.hosts), list(problem.vms)
    virtual = {
        (h.site, h.cluster) for h, row in zip(hosts, known.rows, strict=True) if not row.bare
    }
    for at, row in zip(bare.tolist(), demand, strict=True):
        host = hosts[at]
        size = math.ceil(peaks[at] * (1 + margin)) if peaks[at] == peaks[at] else host.memory_mib
        cpus = math.ceil(int(row.max(initial=0)) / max(1, host.core_mhz) * (1 + margin))
        name = f"{host.name} (host)"
        memory = min(host.memory_mib, size)
        vms.append(Vm(name, max(1, min(host.cores, cpus)), memory, at, bare=True))
        if (host.site, host.cluster) in virtual and host.status == "active":
            hosts[at] = replace(host, status="bare")
    wide = np.result_type(problem.demand, demand)
    text = (
        f"{len(bare)} hosts without a hypervisor count as one VM each, a candidate for"
        f" virtualisation: memory as used at most plus {margin:.0%}, vCPUs likewise"
    )
    alone = {(hosts[at].site, hosts[at].cluster) for at in bare.tolist()} - virtual
    more = [f"{len(alone)} clusters have no hypervisor: hosts kept there would have to run one"]
    return replace(
        problem,
        hosts=tuple(hosts),
        vms=tuple(vms),
        demand=np.concatenate([problem.demand.astype(wide), demand.astype(wide)]),
        known=np.concatenate([problem.known, share]),
        notes=(*problem.notes, text, *(more if alone else ())),
    )
