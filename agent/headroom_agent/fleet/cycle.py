"""
One cycle of a simulated host: a pure function of what it is and of the time.

Counters are areas under the curves since the host's boot, so a ratio always equals the counter's
step over the interval.
"""

import hashlib
from dataclasses import dataclass

from headroom_agent.fleet.estate import OWN, HostSpec, VmSpec
from headroom_agent.fleet.hardware import GIB, Hardware
from headroom_proto.v1 import samples_pb2, telemetry_pb2

NANO = 1_000_000_000
RUNNING = 1
SHUT_OFF = 5
POWER_ERROR = 0.20
"""Half the stated interval of the modelled watts, as a ratio."""
GUEST = 0.88
"""Share of the busy time that the kernel books as guest (and therefore as user) time."""
NICE, SYSTEM, IRQ, SOFTIRQ = 0.002, 0.07, 0.002, 0.008
"""Shares of the busy time; what is left is user time."""
IOWAIT = 0.002
"""Share of a host's threads that waits for disks."""


@dataclass(frozen=True, slots=True)
class Used:
    """CPU seconds used up to a moment by each VM and by the host; only differences count."""

    vms: tuple[float, ...]
    host: float


def used(spec: HostSpec, at: float) -> Used:
    """Return what was used up to that second since 1970; a VM that is off uses nothing."""
    vms = tuple(vm.vcpus * vm.wave.integral(at) if vm.running else 0.0 for vm in spec.vms)
    return Used(vms, sum(vms) + OWN.integral(at) * spec.hardware.threads)


@dataclass(frozen=True, slots=True)
class Span:
    """A cycle's moment, the start of its interval and the host's boot, in seconds since 1970."""

    at: float
    since: float
    booted: float
    used_at: Used
    used_since: Used
    used_booted: Used

    @property
    def seconds(self) -> float:
        """Length of the interval."""
        return self.at - self.since

    @property
    def uptime(self) -> float:
        """Seconds since the boot."""
        return self.at - self.booted

    def ratio(self, threads: int) -> float:
        """Return the share of the host's threads that was busy over the interval."""
        return _ratio((self.used_at.host - self.used_since.host) / self.seconds / threads)

    def host_seconds(self) -> float:
        """Return the host's busy CPU seconds since its boot."""
        return self.used_at.host - self.used_booted.host


def span(spec: HostSpec, at: float, step_seconds: float) -> Span:
    """Look at the curves at the three moments that a cycle is made of."""
    since, booted = at - step_seconds, spec.booted(at)
    return Span(at, since, booted, used(spec, at), used(spec, since), used(spec, booted))


def _ratio(value: float) -> float:
    return min(1.0, max(0.0, value))


def boot_id(spec: HostSpec, at: float) -> str:
    """Return the identity of the boot at that second, written like the kernel's."""
    text = f"{spec.name}/{round(spec.booted(at))}"
    digest = hashlib.sha256(text.encode()).hexdigest()
    return "-".join((digest[:8], digest[8:12], digest[12:16], digest[16:20], digest[20:32]))


def _cpu(spec: HostSpec, span: Span) -> samples_pb2.HostSample:
    threads, at, total = spec.hardware.threads, span.at, span.used_at.host
    busy = span.host_seconds()
    capacity = threads * span.uptime
    iowait = IOWAIT * capacity
    rest = NICE + SYSTEM + IRQ + SOFTIRQ
    return samples_pb2.HostSample(
        cpu_utilisation_ratio=span.ratio(threads),
        cpu_steal_ratio=0.0,
        cpu_user_seconds_total=(1 - rest) * busy,
        cpu_nice_seconds_total=NICE * busy,
        cpu_system_seconds_total=SYSTEM * busy,
        cpu_idle_seconds_total=max(0.0, capacity - busy - iowait),
        cpu_iowait_seconds_total=iowait,
        cpu_irq_seconds_total=IRQ * busy,
        cpu_softirq_seconds_total=SOFTIRQ * busy,
        cpu_steal_seconds_total=0.0,
        cpu_guest_seconds_total=GUEST * busy,
        cpu_guest_nice_seconds_total=0.0,
        cpus=threads,
        load1=(total - used(spec, at - 60).host) / 60,
        load5=(total - used(spec, at - 300).host) / 300,
        load15=(total - used(spec, at - 900).host) / 900,
        uptime_seconds=span.uptime,
    )


def _memory(spec: HostSpec) -> samples_pb2.HostSample:
    total = spec.hardware.memory_bytes
    held = sum(int(vm.memory_bytes * vm.resident_ratio) for vm in spec.vms if vm.running)
    used = held + 6 * GIB
    return samples_pb2.HostSample(
        memory_total_bytes=total,
        memory_used_bytes=used,
        memory_available_bytes=total - used,
        memory_cached_bytes=(total - used) // 5,
        memory_swap_total_bytes=8 * GIB,
        memory_swap_used_bytes=0,
    )


def _domains(spec: HostSpec) -> samples_pb2.HostSample:
    running = [vm for vm in spec.vms if vm.running]
    return samples_pb2.HostSample(
        domains_running=len(running),
        domains_shutoff=len(spec.vms) - len(running),
        vcpus_running=sum(vm.vcpus for vm in running),
        domains_memory_bytes=sum(vm.memory_bytes for vm in running),
        domains_blocked=0,
        domains_paused=0,
        domains_shutdown=0,
        domains_crashed=0,
        domains_pmsuspended=0,
        domains_nostate=0,
        domains_stale=0,
    )


def _vm(vm: VmSpec, order: int, span: Span) -> samples_pb2.VmSample:
    sample = samples_pb2.VmSample(
        uuid=vm.uuid,
        name=vm.name,
        domain_id=order + 1 if vm.running else -1,
        state=RUNNING if vm.running else SHUT_OFF,
        vcpus=vm.vcpus,
        memory_max_bytes=vm.memory_bytes,
    )
    if vm.running:
        now = span.used_at.vms[order]
        seconds = now - span.used_booted.vms[order]
        mean = (now - span.used_since.vms[order]) / span.seconds / vm.vcpus
        sample.cpu_seconds_total = seconds
        sample.steal_seconds_total = seconds * vm.steal_ratio
        sample.cpu_utilisation_ratio = _ratio(mean)
        sample.memory_bytes = vm.memory_bytes
        sample.memory_resident_bytes = int(vm.memory_bytes * vm.resident_ratio)
    return sample


def _energy(hardware: Hardware, span: Span) -> samples_pb2.EnergySample:
    """Two points, idle and full, and a straight line between them."""
    slope = hardware.full_watts - hardware.idle_watts
    watts = hardware.idle_watts + slope * span.ratio(hardware.threads)
    share = span.host_seconds() / hardware.threads
    joules = hardware.idle_watts * span.uptime + slope * share
    return samples_pb2.EnergySample(
        domain="host",
        quantity="wall",
        source="model",
        kind="modelled",
        energy_microjoules_total=int(joules * 1e6),
        power_watts=watts,
        power_low_watts=watts * (1 - POWER_ERROR),
        power_high_watts=watts * (1 + POWER_ERROR),
    )


def facts(spec: HostSpec, at: float) -> telemetry_pb2.HostFacts:
    """Return what the host says of itself at that second, marked as simulated."""
    hardware = spec.hardware
    machine = hashlib.sha256(spec.name.encode()).hexdigest()
    return telemetry_pb2.HostFacts(
        machine_id=machine[:32],
        boot_id=boot_id(spec, at),
        hostname=spec.name,
        os="Debian GNU/Linux 12 (bookworm)",
        kernel="6.1.0-25-amd64",
        architecture="x86_64",
        cpu_model=hardware.cpu_model,
        cpu_vendor=hardware.cpu_vendor,
        sockets=hardware.sockets,
        cores=hardware.cores,
        threads=hardware.threads,
        memory_bytes=hardware.memory_bytes,
        base_hertz=hardware.base_hertz,
        vendor=hardware.vendor,
        model=hardware.model,
        serial=f"SIM{machine[32:39].upper()}",
        bios_date=hardware.bios_date,
        virtual=False,
        hypervisor="QEMU 7.2.0, libvirt 9.0.0",
        simulated=True,
    )


def cycle(
    spec: HostSpec, time_ns: int, step_seconds: float, *, with_facts: bool = False
) -> telemetry_pb2.Cycle:
    """Return the cycle at a moment; its ratios are over the ``step_seconds`` before it."""
    seen = span(spec, time_ns / NANO, step_seconds)
    made = telemetry_pb2.Cycle(
        time_unix_nano=time_ns,
        boottime_nano=int(seen.uptime * NANO),
        host=_cpu(spec, seen),
        vms=[_vm(vm, order, seen) for order, vm in enumerate(spec.vms)],
        energy=[_energy(spec.hardware, seen)],
    )
    made.host.MergeFrom(_memory(spec))
    made.host.MergeFrom(_domains(spec))
    if with_facts or seen.since < seen.booted:
        made.facts.CopyFrom(facts(spec, seen.at))
    return made
