"""Virtual machines that are waste: switched off, suspended, idle, or larger than their work."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from headroom_collector.consolidation.money.assets import Held
from headroom_collector.consolidation.money.file import Prices
from headroom_collector.consolidation.waste.days import Row, Stretch, below, days, stretch, when
from headroom_collector.consolidation.waste.findings import Finding, Kind, Thresholds
from headroom_collector.consolidation.waste.hosts import cost_of, long_enough

GIB = float(1 << 30)
OFF = (5.0, 6.0)
"""libvirt's states shut off and crashed."""
SUSPENDED = (3.0, 7.0)
"""libvirt's states paused and suspended by its power management: memory stays taken."""


@dataclass(frozen=True, slots=True)
class Vm:
    """
    A virtual machine, day by day; rows of (days,), NaN where unknown.

    ``peak``: greatest 5-minute mean, share of its vCPUs; ``state_low`` and ``state_high``: libvirt's
    state codes. ``vcpus``, ``memory`` and ``resident`` (bytes) as of lately, None where unknown;
    ``resident`` is the most that its process held.
    """

    uuid: str
    name: str
    host: str
    peak: Row
    state_low: Row
    state_high: Row
    vcpus: float | None
    memory: float | None
    resident: float | None


def in_states(vm: Vm, states: tuple[float, float]) -> Row:
    """Return 1 for days that it spent wholly in these states, 0 for others, NaN for unknown ones."""
    low, high = vm.state_low, vm.state_high
    inside = np.isin(low, states) & np.isin(high, states)
    return np.where(np.isnan(low) | np.isnan(high), np.nan, inside.astype(np.float64))


def gib(value: float | None) -> str:
    """Say an amount of memory."""
    return "memory unknown" if value is None else f"{value / GIB:.1f} GiB"


@dataclass(frozen=True, slots=True)
class Judge:
    """What is needed to judge virtual machines: their hosts, the first day of the rows, prices."""

    hosts: Mapping[str, Held]
    idle_hosts: frozenset[str]
    first_day: int
    prices: Prices
    limits: Thresholds

    def share_cost(self, vm: Vm, memory: float | None) -> float | None:
        """Return the part of the host's cost a year that ``memory`` (bytes) is of its memory."""
        held = self.hosts.get(vm.host)
        if held is None or memory is None or not held.machine.memory_bytes:
            return None
        cost = cost_of(held, self.prices)
        return None if cost is None else cost * min(1.0, memory / held.machine.memory_bytes)

    def finding(
        self, kind: Kind, vm: Vm, found: Stretch, evidence: str, memory: float | None
    ) -> Finding:
        """Return a finding; it is not counted where the whole host is."""
        held = self.hosts.get(vm.host)
        return Finding(
            kind=kind,
            name=vm.name or vm.uuid,
            host=vm.host,
            site=held.place.site if held else "",
            cluster=held.place.cluster if held else "",
            since=when(self.first_day, found.first),
            at_least=found.at_least,
            evidence=evidence,
            cost_per_year=self.share_cost(vm, memory),
            counted=vm.host not in self.idle_hosts,
        )

    def still(self, vm: Vm) -> Finding | None:
        """Return the finding that it is off or suspended."""
        for kind, states, word, held in (
            ("VM switched off", OFF, "off", vm.memory),
            ("VM suspended", SUSPENDED, "suspended", vm.resident or vm.memory),
        ):
            found = stretch(in_states(vm, states))
            if long_enough(found, self.limits.idle_days, self.limits):
                evidence = (
                    f"{word} for {days(found.length)}; {gib(held)} stay reserved for it,"
                    " its disks are not measured"
                )
                return self.finding(kind, vm, found, evidence, held)  # type: ignore[arg-type]  # a Kind: spelt above
        return None

    def idle(self, vm: Vm) -> Finding | None:
        """Return the finding that it runs and does nothing."""
        found = stretch(below(vm.peak, self.limits.idle_ratio))
        if not long_enough(found, self.limits.idle_days, self.limits):
            return None
        busiest = float(np.nanmax(vm.peak[found.first :]))
        evidence = (
            f"busiest 5 minutes {busiest:.1%} of its vCPUs in {days(found.length)}"
            f" ({found.share:.0%} of them measured); holds {gib(vm.memory)}"
        )
        return self.finding("idle VM", vm, found, evidence, vm.memory)

    def oversized(self, vm: Vm) -> Finding | None:
        """Return the finding that half of it would do."""
        found = stretch(np.where(np.isnan(vm.peak), np.nan, 1.0))
        if not long_enough(found, self.limits.idle_days, self.limits):
            return None
        cpus, memory = self._cpus(vm), self._memory(vm)
        if cpus is None and memory is None:
            return None
        parts = [text for text in (cpus, memory and memory[0]) if text]
        evidence = f"over {days(found.length)}: " + "; ".join(parts)
        return self.finding("oversized VM", vm, found, evidence, memory[1] if memory else None)

    def _cpus(self, vm: Vm) -> str | None:
        if vm.vcpus is None or vm.vcpus < 2:
            return None
        used = float(np.nanmax(vm.peak)) * vm.vcpus
        enough = max(1, math.ceil(used * (1 + self.limits.spare_ratio)))
        if enough > vm.vcpus * self.limits.oversize_ratio:
            return None
        return f"{vm.vcpus:.0f} vCPUs, {used:.1f} used at most: {enough} are enough"

    def _memory(self, vm: Vm) -> tuple[str, float] | None:
        if vm.memory is None or vm.resident is None or vm.resident <= 0:
            return None
        step = self.limits.memory_step_bytes
        enough = math.ceil(vm.resident * (1 + self.limits.spare_ratio) / step) * step
        if enough > vm.memory * self.limits.oversize_ratio:
            return None
        text = f"{gib(vm.memory)}, {gib(vm.resident)} held at most: {gib(enough)} are enough"
        return text, vm.memory - enough


def vm_findings(vms: Sequence[Vm], judge: Judge) -> list[Finding]:
    """Return at most one finding for each virtual machine: the worst that is true of it."""
    found = (judge.still(vm) or judge.idle(vm) or judge.oversized(vm) for vm in vms)
    return [one for one in found if one is not None]
