"""
Folder of files that describes an estate: hosts.csv, vms.csv and demand.parquet.

The columns are documented in docs/plan-files.md; a fault in any of them is one line.
"""

import re
from pathlib import Path

from headroom_collector.consolidation.planner.columns import Row, read_rows, unique
from headroom_collector.consolidation.planner.model import (
    NOWHERE,
    Host,
    PlanError,
    Problem,
    Status,
    Vm,
)
from headroom_collector.consolidation.planner.series import read_series

HOST_NEEDED = ("host", "cores", "core_mhz", "memory_mib")
HOST_KNOWN = (
    *("site", "cluster", "cpu_vendor", "cpu_level", "idle_watts", "max_watts", "age_years"),
    *("overhead_mhz", "status", "licence_pools"),
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


def read_folder(folder: Path) -> Problem:
    """Read an estate; raises PlanError with one line that says what is wrong and where."""
    if not folder.is_dir():
        raise PlanError(
            f"{folder}: no such folder: expected one with hosts.csv, vms.csv and demand.parquet"
        )
    for name in ("hosts.csv", "vms.csv", "demand.parquet"):
        if not (folder / name).is_file():
            raise PlanError(f"{folder / name}: no such file; docs/plan-files.md describes it")
    hosts = unique(read_rows(folder / "hosts.csv", HOST_NEEDED, HOST_KNOWN), "host", _host)
    index = {host.name: at for at, host in enumerate(hosts)}
    rows = read_rows(folder / "vms.csv", VM_NEEDED, VM_KNOWN)
    vms = unique(rows, "vm", lambda row: _vm(row, index))
    for file, found in (("hosts.csv", hosts), ("vms.csv", vms)):
        if not found:
            raise PlanError(f"{file} has no line below its head: expected at least one")
    series = read_series(folder / "demand.parquet", [vm.name for vm in vms])
    return Problem(
        hosts=tuple(hosts),
        vms=tuple(vms),
        demand=series.demand,
        known=series.known,
        start=series.start,
        notes=series.notes,
    )
