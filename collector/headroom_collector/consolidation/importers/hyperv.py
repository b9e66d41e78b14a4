"""
Hyper-V: what PowerShell exports, as the planner's folder.

Three CSVs (``Export-Csv``): hosts.csv from ``Get-VMHost`` and ``Win32_Processor`` (Name, Cores,
MaxClockSpeed, MemoryCapacity in bytes, LogicalProcessorCount, Cluster), vms.csv from ``Get-VM``
(Name, ComputerName, ProcessorCount, MemoryAssigned or MemoryStartup in bytes, State), and usage.csv from
Measure-VM or the counters of "Hyper-V Hypervisor Virtual Processor" (VMName, Timestamp,
CPUUsageMHz, or CPUUsage in percent of its virtual processors, and MemoryMB where known).
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from headroom_collector.consolidation.importers.tables import (
    Found,
    Sample,
    Sheet,
    moment,
    number,
    read_csv,
)

MIB = 1 << 20


def _hosts(folder: Path) -> Sheet:
    sheet = read_csv(folder / "hosts.csv")
    sheet.need(("Name", "Cores", "MaxClockSpeed", "MemoryCapacity"))
    return sheet


def _vms(folder: Path) -> Sheet:
    sheet = read_csv(folder / "vms.csv")
    sheet.need(("Name", "ComputerName", "ProcessorCount"))
    return sheet


def read(folder: Path) -> Found:
    """Return the hosts and VMs; raises PlanError."""
    sheet = _hosts(folder)
    hosts = [
        {
            "host": str(row["Name"]),
            "cluster": str(row.get("Cluster") or ""),
            "cores": int(number(sheet, row, "Cores")),
            "core_mhz": int(number(sheet, row, "MaxClockSpeed")),
            "memory_mib": int(number(sheet, row, "MemoryCapacity")) // MIB,
        }
        for row in sheet.rows
    ]
    vms = _vms(folder)
    return Found(hosts, [_vm(vms, row) for row in vms.rows])


def _vm(sheet: Sheet, row: Mapping[str, Any]) -> dict[str, Any]:
    column = "MemoryAssigned" if number(sheet, row, "MemoryAssigned") else "MemoryStartup"
    return {
        "vm": str(row["Name"]),
        "host": str(row["ComputerName"]),
        "vcpus": int(number(sheet, row, "ProcessorCount")),
        "memory_mib": int(number(sheet, row, column)) // MIB,
        "off": str(row.get("State", "Running")) != "Running",
    }


def samples(folder: Path) -> Iterator[Sample]:
    """Yield what the VMs used; raises PlanError."""
    sheet = read_csv(folder / "usage.csv")
    sheet.need(("VMName", "Timestamp"))
    whole = "CPUUsageMHz" in sheet.head
    sheet.need(("CPUUsageMHz",) if whole else ("CPUUsage",))
    each = {} if whole else _each(folder)
    for row in sheet.rows:
        name = str(row["VMName"])
        mhz = number(sheet, row, "CPUUsageMHz" if whole else "CPUUsage")
        if not whole:
            mhz *= each.get(name, 0.0) / 100
        mib = number(sheet, row, "MemoryMB") if row.get("MemoryMB") else None
        yield Sample(name, moment(sheet, row, "Timestamp"), mhz, mib)


def _each(folder: Path) -> dict[str, float]:
    """Return the MHz that all virtual processors of each VM have together."""
    sheet, vms = _hosts(folder), _vms(folder)
    mhz = {}
    for row in sheet.rows:
        cores = number(sheet, row, "Cores")
        logical = number(sheet, row, "LogicalProcessorCount") or cores
        mhz[str(row["Name"])] = number(sheet, row, "MaxClockSpeed") * cores / logical
    return {
        str(row["Name"]): number(vms, row, "ProcessorCount") * mhz.get(str(row["ComputerName"]), 0)
        for row in vms.rows
    }
