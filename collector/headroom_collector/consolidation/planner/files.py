"""
Tables of a folder that describes an estate: hosts.csv, vms.csv and benchmarks.csv.

The columns are documented in docs/plan-files.md; a fault in any of them is one line.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from headroom_collector.consolidation.planner.columns import Row, read_rows, unique
from headroom_collector.consolidation.planner.model import (
    NOWHERE,
    Host,
    PlanError,
    Status,
    Vm,
)
from headroom_collector.consolidation.planner.speed import Cpu

HOST_NEEDED = ("host", "cores", "core_mhz", "memory_mib")
HOST_KNOWN = (
    *("site", "cluster", "cpu_vendor", "cpu_level", "idle_watts", "max_watts", "age_years"),
    *("overhead_mhz", "status", "licence_pools", "ceiling", "cpu_model", "cpu_year", "bare"),
)
VM_NEEDED = ("vm", "vcpus", "memory_mib")
VM_KNOWN = (
    *("host", "affinity", "anti_affinity", "pinned", "local", "licence_pool"),
    *("site", "cluster", "cpu_vendor", "cpu_level"),
)
LEVEL = re.compile(r"(?:x86-64-v)?([0-9]{1,4})")


def _level(row: Row) -> int | None:
    text = row.text("cpu_level")
    if not text:
        return None
    match = LEVEL.fullmatch(text)
    if match is None:
        raise row.fault("cpu_level", "a number such as 3, or x86-64-v3")
    return int(match[1])


@dataclass(frozen=True, slots=True)
class HostRow:
    """A line of hosts.csv; ``bare``: it runs no hypervisor, its own load is what it has."""

    host: Host
    cpu: Cpu
    bare: bool
    overhead_given: bool


def _row(row: Row) -> HostRow:
    year = row.text("cpu_year")
    cpu = Cpu(row.text("cpu_model"), row.whole("cpu_year", least=1990) if year else None)
    return HostRow(_host(row), cpu, row.flag("bare"), bool(row.text("overhead_mhz")))


def _host(row: Row) -> Host:
    status = row.text("status").lower() or "active"
    if status not in {"active", "maintenance", "excluded"}:
        raise row.fault("status", "active, maintenance or excluded")
    known: dict[str, Status] = {
        "active": "active",
        "maintenance": "maintenance",
        "excluded": "excluded",
    }
    return Host(
        name=row.needed("host"),
        cores=row.whole("cores"),
        core_mhz=row.rounded("core_mhz"),
        memory_mib=row.rounded("memory_mib"),
        site=row.text("site"),
        cluster=row.text("cluster"),
        cpu_vendor=row.text("cpu_vendor"),
        cpu_level=_level(row),
        idle_watts=row.ratio("idle_watts"),
        max_watts=row.ratio("max_watts"),
        age_years=row.ratio("age_years"),
        overhead_mhz=row.rounded("overhead_mhz"),
        status=known[status],
        licence_pools=frozenset(row.text("licence_pools").split()),
        ceiling=row.share("ceiling"),
    )


def _vm(row: Row, hosts: dict[str, int]) -> Vm:
    host = row.text("host")
    if host and host not in hosts:
        raise row.fault("host", "a host of hosts.csv, or nothing for a new VM")
    pinned = row.text("pinned")
    if pinned and pinned not in hosts:
        raise row.fault("pinned", "a host of hosts.csv, or nothing")
    return Vm(
        name=row.needed("vm"),
        vcpus=row.whole("vcpus"),
        memory_mib=row.rounded("memory_mib"),
        host=hosts[host] if host else NOWHERE,
        affinity=row.text("affinity"),
        anti_affinity=row.text("anti_affinity"),
        pinned=pinned,
        local=row.flag("local"),
        licence_pool=row.text("licence_pool"),
        site=row.text("site"),
        cluster=row.text("cluster"),
        cpu_vendor=row.text("cpu_vendor"),
        cpu_level=_level(row),
    )


def read_host_rows(path: Path) -> list[HostRow]:
    """Return the hosts; raises PlanError."""
    found = unique(read_rows(path, HOST_NEEDED, HOST_KNOWN), "host", _row)
    if not found:
        raise PlanError(f"{path.name} has no line below its head: expected at least one")
    return found


def read_vm_rows(path: Path, hosts: Sequence[str]) -> list[Vm]:
    """Return the VMs, which run on ``hosts``; raises PlanError."""
    index = {name: at for at, name in enumerate(hosts)}
    return unique(read_rows(path, VM_NEEDED, VM_KNOWN), "vm", lambda row: _vm(row, index))


def read_scores(path: Path) -> dict[str, float]:
    """Return the scores of whole hosts by CPU model; raises PlanError."""
    rows = read_rows(path, ("cpu_model", "score"), ())
    return dict(unique(rows, "cpu_model", lambda row: (row.text("cpu_model"), row.above("score"))))
