"""
VMware: sheets of an RVTools export, and performance CSVs of vCenter, as the planner's folder.

RVTools (Dell, free) exports one workbook; the sheets vInfo and vHost are read, from the .xlsx or from
its CSV export (``RVTools_tabvInfo.csv``, ``RVTools_tabvHost.csv``). Of its columns those below are
needed; others are ignored. Performance is what ``Get-Stat | Export-Csv`` writes: Entity, Timestamp,
MetricId (cpu.usagemhz.average, mem.consumed.average in KB) and Value.
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
    read_xlsx,
)
from headroom_collector.consolidation.planner.model import PlanError

INFO = ("VM", "Powerstate", "CPUs", "Memory", "Host")
HOST = ("Host", "Speed", "# Cores", "# Memory")
CPU, MEMORY = "cpu.usagemhz.average", "mem.consumed.average"
OFF = "poweredOff"


def sheets(source: Path) -> tuple[Sheet, Sheet]:
    """Return vInfo and vHost of a workbook, or of a folder of its CSVs; raises PlanError."""
    if source.is_dir():
        return _tab(source, "vInfo"), _tab(source, "vHost")
    if source.suffix.lower() == ".xlsx":
        return read_xlsx(source, "vInfo"), read_xlsx(source, "vHost")
    raise PlanError(f"{source}: expected an RVTools workbook (.xlsx) or a folder of its CSVs")


def _tab(folder: Path, name: str) -> Sheet:
    found = sorted(folder.glob(f"*{name}*.csv"))
    if not found:
        raise PlanError(f"{folder}: no file such as RVTools_tab{name}.csv")
    return read_csv(found[0])


def read(source: Path) -> Found:
    """Return the hosts and VMs of an RVTools export; raises PlanError."""
    info, host = sheets(source)
    info.need(INFO)
    host.need(HOST)
    hosts = [_host(host, row) for row in host.rows]
    names = {row["host"] for row in hosts}
    vms = [
        _vm(info, row, names)
        for row in info.rows
        if str(row.get("Template", "")).lower() not in {"true", "1"}
    ]
    return Found(hosts, vms)


def _host(sheet: Sheet, row: Mapping[str, Any]) -> dict[str, Any]:
    model = str(row.get("CPU Model") or "")
    return {
        "host": str(row["Host"]),
        "site": str(row.get("Datacenter") or ""),
        "cluster": str(row.get("Cluster") or ""),
        "cores": int(number(sheet, row, "# Cores")),
        "core_mhz": int(number(sheet, row, "Speed")),
        "memory_mib": int(number(sheet, row, "# Memory")),
        "cpu_vendor": "AMD" if "AMD" in model else "Intel" if "Intel" in model else "",
        "cpu_model": model,
        "status": "maintenance"
        if str(row.get("in Maintenance Mode", "")).lower() in {"true", "1"}
        else "active",
    }


def _vm(sheet: Sheet, row: Mapping[str, Any], hosts: set[str]) -> dict[str, Any]:
    host = str(row["Host"] or "")
    return {
        "vm": str(row["VM"]),
        "host": host if host in hosts else "",
        "vcpus": int(number(sheet, row, "CPUs")),
        "memory_mib": int(number(sheet, row, "Memory")),
        "off": str(row["Powerstate"]) == OFF,
    }


def samples(path: Path) -> Iterator[Sample]:
    """Yield the samples of a performance CSV; raises PlanError."""
    sheet = read_csv(path)
    sheet.need(("Entity", "Timestamp", "MetricId", "Value"))
    for row in sheet.rows:
        metric, entity = str(row["MetricId"]), str(row["Entity"])
        if row.get("Instance") or metric not in {CPU, MEMORY}:
            continue
        at, value = moment(sheet, row, "Timestamp"), number(sheet, row, "Value")
        if metric == CPU:
            yield Sample(entity, at, value, None)
        else:
            yield Sample(entity, at, None, value / 1024)
