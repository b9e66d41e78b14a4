"""Converter of what a virtualisation platform exports into the folder that the planner reads."""

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from headroom_collector.consolidation.importers import hyperv, proxmox, vmware
from headroom_collector.consolidation.importers.tables import Found, Sample
from headroom_collector.consolidation.planner.model import STEP_SECONDS, PlanError

PLATFORMS = ("vmware", "proxmox", "hyperv")
HOSTS = (
    *("host", "cores", "core_mhz", "memory_mib", "site", "cluster", "cpu_vendor", "cpu_model"),
    "status",
)
VMS = ("vm", "host", "vcpus", "memory_mib")
MOST_FILL = 3600
"""Seconds that a coarse sample may stand for: vCenter keeps 30-minute and 2-hour means."""


@dataclass(frozen=True, slots=True)
class Converted:
    """What was written, and what was left out."""

    hosts: int
    vms: int
    samples: int
    notes: tuple[str, ...]


def convert(platform: str, source: Path, performance: Sequence[Path], target: Path) -> Converted:
    """Read an export and write the folder; raises PlanError with one line."""
    if platform not in PLATFORMS:
        raise PlanError(f"--platform {platform}: expected {', '.join(PLATFORMS)}")
    if not source.exists():
        raise PlanError(f"{source}: no such file or folder")
    found = {"vmware": vmware, "proxmox": proxmox, "hyperv": hyperv}[platform].read(source)
    names = _unique(found)
    target.mkdir(parents=True, exist_ok=True)
    _write(target / "hosts.csv", HOSTS, found.hosts)
    _write(target / "vms.csv", VMS, found.vms)
    if platform == "vmware":
        if not performance:
            raise PlanError("vmware: expected --performance FILE, as Get-Stat exports it")
        every: Iterable[Sample] = (one for path in performance for one in vmware.samples(path))
    else:
        every = (proxmox if platform == "proxmox" else hyperv).samples(source)
    rows, unknown = _series(target / "demand.parquet", every, names, found)
    if not rows:
        raise PlanError("no sample of a known VM: expected CPU use of the VMs that were read")
    notes = []
    if unknown:
        notes.append(
            f"{len(unknown)} names in the samples are no VM and left out, such as {min(unknown)}"
        )
    return Converted(len(found.hosts), len(found.vms), rows, tuple(notes))


def _unique(found: Found) -> dict[str, int]:
    names: dict[str, int] = {}
    for at, vm in enumerate(found.vms):
        if vm["vm"] in names:
            raise PlanError(f"two VMs are called {vm['vm']!r}: rename one, samples go by the name")
        names[vm["vm"]] = at
    if not found.hosts or not found.vms:
        raise PlanError("no host or no VM was found in the export")
    return names


def _write(path: Path, head: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        lines = csv.DictWriter(file, head, restval="", extrasaction="ignore", lineterminator="\n")
        lines.writeheader()
        lines.writerows(rows)


def _series(
    path: Path, every: Iterable[Sample], names: Mapping[str, int], found: Found
) -> tuple[int, set[str]]:
    """Write the samples, coarse ones on each 5 minutes that they stand for, and zeros of what is off."""
    mhz: dict[tuple[str, int], float] = {}
    mib: dict[tuple[str, int], float] = {}
    unknown: set[str] = set()
    for one in every:
        if one.vm not in names:
            unknown.add(one.vm)
            continue
        key = one.vm, one.at // STEP_SECONDS * STEP_SECONDS
        if one.mhz is not None:
            mhz[key] = max(one.mhz, mhz.get(key, 0.0))
        if one.mib is not None:
            mib[key] = max(one.mib, mib.get(key, 0.0))
    known = list(_stretched(mhz))
    rows = sorted({*known, *_off({at for _, at, *_ in known}, {vm for vm, _ in mhz}, found)})
    table = pa.table(
        {
            "vm": pa.array([vm for vm, *_ in rows]).dictionary_encode(),
            "timestamp": pa.array([at for _, at, *_ in rows], pa.int64()),
            "cpu_mhz": pa.array([value for *_, value, _ in rows], pa.float32()),
            "memory_mib": pa.array([mib.get((vm, own)) for vm, _, _, own in rows], pa.float32()),
        }
    )
    pq.write_table(table, path, compression="zstd")
    return len(mhz), unknown


def _stretched(mhz: Mapping[tuple[str, int], float]) -> Iterator[tuple[str, int, float, int]]:
    """Yield (VM, time, MHz, time of its own sample) of every interval until the VM's next sample."""
    times: dict[str, list[int]] = {}
    for vm, at in sorted(mhz):
        times.setdefault(vm, []).append(at)
    for vm, every in times.items():
        steps = sorted(b - a for a, b in pairwise(every))
        usual = min(MOST_FILL * 2, steps[len(steps) // 2]) if steps else STEP_SECONDS
        for at, after in zip(every, [*every[1:], every[-1] + usual], strict=True):
            for moment in range(at, min(after, at + usual), STEP_SECONDS):
                yield vm, moment, mhz[vm, at], at


def _off(
    moments: AbstractSet[int], seen: AbstractSet[str], found: Found
) -> Iterator[tuple[str, int, float, int]]:
    """Yield zeros for VMs that are off and of which nothing is known: they use nothing."""
    for vm in found.vms:
        if vm.get("off") and vm["vm"] not in seen:
            for at in sorted(moments):
                yield vm["vm"], at, 0.0, at
