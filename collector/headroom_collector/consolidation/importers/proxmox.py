"""
Proxmox VE: what its API exports, as the planner's folder.

``pvesh get /cluster/resources --output-format json`` is resources.json: nodes (maxcpu, maxmem) and
qemu or lxc guests (vmid, name, node, maxcpu, maxmem, status). For each guest
``pvesh get /nodes/NODE/qemu/VMID/rrddata --timeframe month --output-format json`` is
rrd-VMID.json: time, cpu (share of its vCPUs) and mem (bytes). Nodes do not tell their clock: it is
read from nodes.json where that is there (NODE: {"mhz": ..., "cores": ..., "model": ...}, from
``pvesh get /nodes/NODE/status``, cpuinfo), else taken as 2,400 MHz.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from headroom_collector.consolidation.importers.tables import Found, Sample
from headroom_collector.consolidation.planner.model import PlanError

USUAL_MHZ = 2400
MIB = 1 << 20


def _load(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise PlanError(f"{path}: cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise PlanError(f"{path.name}: no JSON: {error}") from None


def _guests(folder: Path) -> list[Mapping[str, Any]]:
    rows = _load(folder / "resources.json")
    return [row for row in rows if row.get("type") in {"qemu", "lxc"} and not row.get("template")]


def _nodes(folder: Path) -> dict[str, Any]:
    path = folder / "nodes.json"
    found: dict[str, Any] = _load(path) if path.is_file() else {}
    return found


def read(folder: Path) -> Found:
    """Return the nodes and guests; raises PlanError."""
    known = _nodes(folder)
    rows = [row for row in _load(folder / "resources.json") if row.get("type") == "node"]
    if not rows:
        raise PlanError(f"{folder.name}/resources.json: no row of type node")
    hosts = []
    for row in rows:
        more = known.get(row["node"], {})
        hosts.append(
            {
                "host": row["node"],
                "cores": int(more.get("cores") or row["maxcpu"]),
                "core_mhz": round(float(more.get("mhz") or USUAL_MHZ)),
                "memory_mib": int(row["maxmem"]) // MIB,
                "cpu_model": str(more.get("model", "")),
            }
        )
    vms = [
        {
            "vm": _name(row),
            "host": row["node"],
            "vcpus": int(row["maxcpu"]),
            "memory_mib": int(row["maxmem"]) // MIB,
            "off": row.get("status") != "running",
        }
        for row in _guests(folder)
    ]
    return Found(hosts, vms)


def _name(row: Mapping[str, Any]) -> str:
    return f"{row.get('name') or 'guest'} ({row['vmid']})"


def samples(folder: Path) -> Iterator[Sample]:
    """Yield what the guests used; raises PlanError."""
    known = _nodes(folder)
    threads = {
        row["node"]: int(row["maxcpu"])
        for row in _load(folder / "resources.json")
        if row.get("type") == "node"
    }
    for row in _guests(folder):
        path = folder / f"rrd-{row['vmid']}.json"
        if not path.is_file():
            continue
        more = known.get(row["node"], {})
        cores = int(more.get("cores") or threads[row["node"]])
        mhz = float(more.get("mhz") or USUAL_MHZ) * cores / threads[row["node"]]
        for point in _load(path):
            if point.get("cpu") is None:
                continue
            used = float(point["cpu"]) * int(row["maxcpu"]) * mhz
            memory = point.get("mem")
            mib = None if memory is None else float(memory) / MIB
            yield Sample(_name(row), int(point["time"]), used, mib)
