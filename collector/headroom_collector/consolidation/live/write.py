"""
The estate as it is measured, written as the folder that ``headroom plan --from`` reads.

So a live plan and one from files are one and the same, and what a plan rests on can be kept,
looked at and planned again. The collector only streams rows; the planner's own process reads them.
"""

import csv
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headroom_collector.consolidation.grid import BUCKET_NS, COVERAGE
from headroom_collector.consolidation.live import overrides
from headroom_collector.consolidation.live.hosts import LiveHost, by_host_id, read_hosts
from headroom_collector.consolidation.live.series import Recorder
from headroom_collector.consolidation.live.vms import LiveVm, read_vms
from headroom_collector.consolidation.planner.model import PlanError
from headroom_collector.store.api import Reader
from headroom_core.ceiling import Ceiling
from headroom_core.estate import Estate

HOST_HEAD = (
    *("host", "cores", "core_mhz", "memory_mib", "site", "cluster", "cpu_vendor", "cpu_level"),
    *("idle_watts", "max_watts", "age_years", "overhead_mhz", "status", "licence_pools"),
    *("ceiling", "cpu_model", "cpu_year", "bare"),
)
VM_HEAD = ("vm", "host", "vcpus", "memory_mib", *overrides.VM_COLUMNS)
HISTORY_NS = 30 * 86_400 * 1_000_000_000


@dataclass(frozen=True, slots=True)
class Scope:
    """
    What of the estate is planned: ``site`` and ``cluster``, None for all; ``history`` nanoseconds.

    ``ceiling`` None: the policy's own, host by host; else this one everywhere.
    """

    site: str | None = None
    cluster: str | None = None
    history: int = HISTORY_NS
    ceiling: float | None = None

    def has(self, site: str, cluster: str) -> bool:
        """Tell whether hosts there are part of it."""
        return self.site in {None, site} and self.cluster in {None, cluster}


@dataclass(frozen=True, slots=True)
class Written:
    """What was written: hosts, VMs, rows of series, and what is not known, in sentences."""

    hosts: int
    vms: int
    rows: int
    notes: tuple[str, ...]


def write_estate(
    reader: Reader,
    estate: Estate,
    ceiling: Ceiling,
    data: Path,
    scope: Scope,
    now: int,
    folder: Path,
) -> Written:
    """
    Write the estate at ``now`` (UTC nanoseconds) to ``folder``; ``data`` has the operator's tables.

    Raises PlanError where there is nothing to plan or a table is at fault, StoreError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    policy = ceiling if scope.ceiling is None else None
    every, _ = read_hosts(reader, estate, policy, now)
    vms, _ = read_vms(reader, by_host_id(every), now)
    guests = frozenset(vm.uuid.lower() for vm in vms)
    hosts, notes = read_hosts(reader, estate, policy, now, guests)
    hosts = [host for host in hosts if scope.has(host.place.site, host.place.cluster)]
    if not hosts:
        raise PlanError(
            "no host has reported that could be planned: start an agent, then ask again"
        )
    vms, things = read_vms(reader, by_host_id(hosts), now)
    table = overrides.read_overrides(data / overrides.HOSTS, "host", overrides.HOST_COLUMNS)
    rules = overrides.read_overrides(data / overrides.VMS, "vm", overrides.VM_COLUMNS)
    lost = overrides.unmatched(table, "host", (host.machine.name for host in every))
    lost += overrides.unmatched(rules, "vm", (name for vm in vms for name in (vm.name, vm.uuid)))
    notes += [f"{pattern!r} of the operator's tables matches nothing" for pattern in lost]
    _write(folder / "hosts.csv", HOST_HEAD, (_host_row(table, host) for host in hosts))
    _write(folder / "vms.csv", VM_HEAD, (_vm_row(rules, hosts, vm) for vm in vms))
    if (data / overrides.SCORES).is_file():
        shutil.copyfile(data / overrides.SCORES, folder / overrides.SCORES)
    rows = _series(reader, hosts, vms, things, scope, now, folder)
    return Written(len(hosts), len(vms), rows, tuple(notes))


def _host_row(table: Sequence[Any], host: LiveHost) -> Mapping[str, Any]:
    return overrides.apply(table, "host", host.row, [host.machine.name])


def _vm_row(rules: Sequence[Any], hosts: Sequence[LiveHost], vm: LiveVm) -> Mapping[str, Any]:
    row = {
        "vm": vm.name,
        "host": hosts[vm.host].machine.name,
        "vcpus": vm.vcpus,
        "memory_mib": vm.memory_mib,
    }
    return overrides.apply(rules, "vm", row, [vm.name, vm.uuid])


def _write(path: Path, head: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        lines = csv.DictWriter(file, head, restval="", lineterminator="\n")
        lines.writeheader()
        lines.writerows(
            {key: "" if value is None else value for key, value in row.items()} for row in rows
        )


def _series(
    reader: Reader,
    hosts: Sequence[LiveHost],
    vms: Sequence[LiveVm],
    things: Mapping[int, int],
    scope: Scope,
    now: int,
    folder: Path,
) -> int:
    recorder = Recorder(reader, hosts, now, scope.history)
    names = [host.machine.name for host in hosts]
    rows = recorder.hosts(folder / "host_demand.parquet", names, by_host_id(hosts))
    if not rows:
        raise PlanError(_too_early("host", len(hosts)))
    if vms and not (
        more := recorder.vms(folder / "demand.parquet", [v.name for v in vms], things)
    ):
        raise PlanError(_too_early("virtual machine", len(vms)))
    return rows + (more if vms else 0)


def _too_early(thing: str, many: int) -> str:
    needed = COVERAGE * BUCKET_NS / 1e9
    return (
        f"no CPU use is known yet of any {thing} ({many} in all): the first figure comes with the"
        f" second sample of a new host's agent, and counts for a host known for longer once"
        f" {needed:.0f} seconds of a 5-minute interval are measured: ask again then"
    )
