"""Energy of the virtual machines: shares of their host's, worked out on each finished cycle."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from headroom_core.energy_split import POLICY, Claim, split
from headroom_proto.v1 import samples_pb2, telemetry_pb2

LONGEST_SECONDS = 300.0
RUNNING = 1
"""libvirt's state of a domain that runs."""
BUSY = ("user", "nice", "system", "irq", "softirq")
"""States of a CPU that works; the time of guests is part of ``user`` and ``nice``."""


@dataclass(slots=True)
class Totals:
    """Microjoules of one share since the agent began."""

    dynamic: int = 0
    idle: int = 0


@dataclass(frozen=True, slots=True)
class Before:
    """What was said last: seconds, microjoules by source, CPU seconds of the host and each guest."""

    at: float
    energy: Mapping[str, int]
    busy: float
    vms: dict[str, float]


def busy_seconds(host: samples_pb2.HostSample) -> float | None:
    """Return the CPU seconds that the host was busy; None where its CPU time was not read."""
    fields = [f"cpu_{state}_seconds_total" for state in BUSY]
    if not host.HasField("cpu_user_seconds_total"):
        return None
    return sum(float(getattr(host, name)) for name in fields)


def _wall(cycle: telemetry_pb2.Cycle) -> samples_pb2.EnergySample | None:
    for sample in cycle.energy:
        if (
            sample.domain == "host"
            and sample.quantity == "wall"
            and sample.HasField("power_watts")
        ):
            return sample
    return None


def _energy(cycle: telemetry_pb2.Cycle) -> dict[str, int]:
    """Return the microjoules of the host's input by source: two where the source changed."""
    return {
        sample.source: sample.energy_microjoules_total
        for sample in cycle.energy
        if sample.domain == "host" and sample.quantity == "wall"
    }


def _claims(cycle: telemetry_pb2.Cycle, before: Before) -> list[Claim]:
    """Return what each running guest used since then; one that was not known then used nothing."""
    found = []
    for vm in cycle.vms:
        if vm.state != RUNNING or not vm.HasField("cpu_seconds_total"):
            continue
        used = vm.cpu_seconds_total - before.vms.get(vm.uuid, vm.cpu_seconds_total)
        found.append(Claim(vm.uuid, max(0.0, used), vm.vcpus))
    return found


@dataclass(slots=True)
class VmEnergy:
    """
    Adds the shares of a host's energy to a cycle.

    Only where the host has guests: without them its energy is its own. An interval that is not
    known whole (no power, no CPU time, a silence) has no shares.
    """

    _before: Before | None = None
    _totals: dict[str, Totals] = field(default_factory=dict)

    def add_to(self, cycle: telemetry_pb2.Cycle) -> None:
        """Add a sample for each running guest, for the host itself and for what none reserved."""
        wall, busy = _wall(cycle), busy_seconds(cycle.host)
        before, self._before = self._before, None
        if wall is None or busy is None:
            return
        at = cycle.boottime_nano / 1e9
        times = {vm.uuid: vm.cpu_seconds_total for vm in cycle.vms}
        known = before.energy if before is not None else {}
        self._before = Before(at, {**known, **_energy(cycle)}, busy, times)
        if before is None or not cycle.vms or not 0 < at - before.at <= LONGEST_SECONDS:
            return
        self._share_out(cycle, wall, before, busy)

    def _share_out(
        self,
        cycle: telemetry_pb2.Cycle,
        wall: samples_pb2.EnergySample,
        before: Before,
        busy: float,
    ) -> None:
        seconds = cycle.boottime_nano / 1e9 - before.at
        grown = (
            total - before.energy.get(source, total) for source, total in _energy(cycle).items()
        )
        energy = max(0, sum(grown))
        floor = round(wall.idle_floor_watts * seconds * 1e6)
        names = {vm.uuid: vm.name for vm in cycle.vms}
        found = split(
            energy,
            floor,
            max(0.0, busy - before.busy),
            cycle.host.cpus,
            _claims(cycle, before),
        )
        for uuid, share in found.vms.items():
            sample = self._sample("vm", uuid, wall, seconds, share.dynamic, share.idle)
            sample.name = names[uuid]
            cycle.vm_energy.append(sample)
        cycle.vm_energy.append(self._sample("host", "", wall, seconds, found.host, None))
        cycle.vm_energy.append(
            self._sample("unallocated", "", wall, seconds, None, found.unallocated)
        )
        gone = set(self._totals) - set(names) - {"host", "unallocated"}
        for uuid in gone:
            del self._totals[uuid]

    def _sample(
        self,
        part: str,
        uuid: str,
        wall: samples_pb2.EnergySample,
        seconds: float,
        dynamic: int | None,
        idle: int | None,
    ) -> samples_pb2.VmEnergySample:
        totals = self._totals.setdefault(uuid or part, Totals())
        totals.dynamic += dynamic or 0
        totals.idle += idle or 0
        return samples_pb2.VmEnergySample(
            part=part,
            uuid=uuid,
            quantity="wall",
            policy=POLICY,
            kind=wall.kind,
            dynamic_energy_microjoules_total=None if dynamic is None else totals.dynamic,
            idle_energy_microjoules_total=None if idle is None else totals.idle,
            dynamic_power_watts=None if dynamic is None else dynamic / 1e6 / seconds,
            idle_power_watts=None if idle is None else idle / 1e6 / seconds,
        )
