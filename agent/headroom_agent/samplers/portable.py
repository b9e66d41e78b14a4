"""CPU, memory, load, disks, interfaces and facts of a host without a procfs, through psutil."""

import os
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import psutil

from headroom_agent.sampler import Moment, NoData
from headroom_agent.samplers.interfaces import MEGABIT
from headroom_proto.v1 import samples_pb2, telemetry_pb2

STATES = {
    "user": "user",
    "nice": "nice",
    "system": "system",
    "idle": "idle",
    "iowait": "iowait",
    "irq": "irq",
    "interrupt": "irq",
    "softirq": "softirq",
    "dpc": "softirq",
    "steal": "steal",
    "guest": "guest",
    "guest_nice": "guest_nice",
}
"""psutil's names of the states, which differ between systems, and the contract's."""
WITHIN = ("guest", "guest_nice")
"""States that are part of others (user and nice)."""
MOST = 256
"""More things of a kind are left out: the collector takes no more in one batch."""

Read = Callable[[], telemetry_pb2.Cycle]


@dataclass(slots=True)
class PortableSampler:
    """Reads one thing with ``read``; has the name of the Linux sampler that it stands for."""

    name: str
    read: Read
    interval_seconds: float = 0.0

    def sample(self, now: Moment) -> telemetry_pb2.Cycle:  # noqa: ARG002 - the contract's
        """Return what ``read`` does; raises NoData where this system does not tell."""
        return self.read()


def _seconds() -> dict[str, float]:
    """Return the CPU time in each state, summed over the logical CPUs."""
    found = psutil.cpu_times()._asdict()
    return {STATES[name]: value for name, value in found.items() if name in STATES}


@dataclass(slots=True)
class Cpu:
    """CPU time by state; ``ratio`` is the utilisation since the reading before."""

    before: dict[str, float] = field(default_factory=dict)
    ratio: float | None = None

    def current_ratio(self) -> float | None:
        """Return the share of all CPUs that was busy over the last interval; None at first."""
        return self.ratio

    def read(self) -> telemetry_pb2.Cycle:
        """Return the host's CPU figures."""
        now = _seconds()
        self.ratio, self.before = self._ratio(now), now
        stats = psutil.cpu_stats()
        host = samples_pb2.HostSample(
            cpu_utilisation_ratio=self.ratio,
            cpus=psutil.cpu_count(),
            context_switches_total=stats.ctx_switches,
        )
        for state, seconds in now.items():
            setattr(host, f"cpu_{state}_seconds_total", seconds)
        return telemetry_pb2.Cycle(host=host)

    def _ratio(self, now: dict[str, float]) -> float | None:
        if not self.before:
            return None
        grown = {state: now[state] - self.before[state] for state in now if state not in WITHIN}
        idle = grown["idle"] + max(0.0, grown.pop("iowait", 0.0))
        total = sum(grown.values()) + idle - grown["idle"]
        return None if total <= 0 or grown["idle"] < 0 else max(0.0, 1 - idle / total)


def read_memory() -> telemetry_pb2.Cycle:
    """Return the host's memory."""
    found, swap = psutil.virtual_memory(), psutil.swap_memory()
    host = samples_pb2.HostSample(
        memory_total_bytes=found.total,
        memory_available_bytes=found.available,
        memory_used_bytes=max(0, found.total - found.available),
        memory_cached_bytes=getattr(found, "cached", None),
        memory_swap_total_bytes=swap.total,
        memory_swap_used_bytes=swap.used,
    )
    return telemetry_pb2.Cycle(host=host)


def read_load() -> telemetry_pb2.Cycle:
    """Return the load averages; raises NoData on Windows, which has none."""
    if not hasattr(os, "getloadavg"):
        raise NoData("this system keeps no load average")
    one, five, fifteen = os.getloadavg()
    host = samples_pb2.HostSample(load1=one, load5=five, load15=fifteen)
    return telemetry_pb2.Cycle(host=host)


def read_uptime() -> telemetry_pb2.Cycle:
    """Return the time since boot."""
    host = samples_pb2.HostSample(uptime_seconds=max(0.0, time.time() - psutil.boot_time()))
    return telemetry_pb2.Cycle(host=host)


def read_disks() -> telemetry_pb2.Cycle:
    """Return every disk that this system counts; raises NoData without any."""
    found = psutil.disk_io_counters(perdisk=True, nowrap=False) or {}
    if not found:
        raise NoData("this system counts no disk")
    disks = [
        samples_pb2.DiskSample(
            device=name,
            read_bytes_total=disk.read_bytes,
            written_bytes_total=disk.write_bytes,
            reads_total=disk.read_count,
            writes_total=disk.write_count,
            read_seconds_total=_milliseconds(disk, "read_time"),
            write_seconds_total=_milliseconds(disk, "write_time"),
            busy_seconds_total=_milliseconds(disk, "busy_time"),
        )
        for name, disk in sorted(found.items())[:MOST]
    ]
    return telemetry_pb2.Cycle(disks=disks)


def _milliseconds(disk: object, name: str) -> float | None:
    value = getattr(disk, name, None)
    return None if value is None else value / 1e3


def read_interfaces() -> telemetry_pb2.Cycle:
    """Return every interface but the loopback; raises NoData without any."""
    states = psutil.net_if_stats()
    found = {
        name: counters
        for name, counters in sorted(psutil.net_io_counters(pernic=True, nowrap=False).items())
        if not _is_loopback(name, states)
    }
    if not found:
        raise NoData("no interface but the loopback")
    interfaces = []
    for name, counters in list(found.items())[:MOST]:
        state = states.get(name)
        interfaces.append(
            samples_pb2.InterfaceSample(
                interface=name,
                received_bytes_total=counters.bytes_recv,
                sent_bytes_total=counters.bytes_sent,
                received_packets_total=counters.packets_recv,
                sent_packets_total=counters.packets_sent,
                receive_errors_total=counters.errin,
                send_errors_total=counters.errout,
                receive_drops_total=counters.dropin,
                send_drops_total=counters.dropout,
                speed_bytes_per_second=state.speed * MEGABIT if state and state.speed else None,
                up=int(state.isup) if state else None,
            )
        )
    return telemetry_pb2.Cycle(interfaces=interfaces)


def _is_loopback(name: str, states: dict[str, "psutil._ntp.snicstats"]) -> bool:
    flags = getattr(states.get(name), "flags", "")
    return "loopback" in flags.split(",") or name.startswith(("lo0", "Loopback"))


def resident_bytes() -> int:
    """Return the memory that this process holds."""
    resident: int = psutil.Process().memory_info().rss
    return resident


def boot_id() -> str:
    """Name this boot by its time: these systems give it no identity."""
    return f"boot-{int(psutil.boot_time())}"


@dataclass(slots=True)
class Facts:
    """What the host is, sent at first and on change."""

    sent: telemetry_pb2.HostFacts | None = None

    def read(self) -> telemetry_pb2.Cycle:
        """Return the facts where they changed, else nothing."""
        clock = psutil.cpu_freq() if hasattr(psutil, "cpu_freq") else None
        facts = telemetry_pb2.HostFacts(
            boot_id=boot_id(),
            hostname=platform.node(),
            os=f"{platform.system()} {platform.release()}",
            kernel=platform.release(),
            architecture=platform.machine(),
            cpu_model=platform.processor(),
            cores=psutil.cpu_count(logical=False),
            threads=psutil.cpu_count(),
            memory_bytes=psutil.virtual_memory().total,
            max_hertz=clock.max * 1e6 if clock and clock.max else None,
        )
        if facts == self.sent:
            return telemetry_pb2.Cycle()
        self.sent = facts
        return telemetry_pb2.Cycle(facts=facts)
