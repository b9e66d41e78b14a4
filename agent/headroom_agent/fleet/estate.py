"""What each simulated host is: a pure function of the seed and the host's number."""

import random
import uuid
from dataclasses import dataclass, replace

from headroom_agent.fleet.hardware import GIB, MODELS, Hardware
from headroom_agent.fleet.wave import Pulse, Swell, Wave

DAY = 86400.0
PLACES = (("paris", "prod-a"), ("paris", "prod-b"), ("lyon", "prod"), ("lyon", "edge"))
OWNERS = {"prod-a": "payments", "prod-b": "platform", "prod": "retail", "edge": "network"}
NAMES = ("web", "api", "db", "cache", "batch", "ci", "mail", "queue", "search", "proxy", "ldap")
ROOM = 0.90
"""Most of a host's threads that its VMs take together, so that no ratio passes 1."""
OWN = Wave(0.008, (Swell(0.006, 3600.0, 0.2),))
"""Share of its threads that a host needs for itself."""


@dataclass(frozen=True, slots=True)
class VmSpec:
    """One virtual machine; ``wave`` is the share of its vCPUs that it uses."""

    name: str
    uuid: str
    vcpus: int
    memory_bytes: int
    resident_ratio: float
    steal_ratio: float
    wave: Wave
    running: bool = True


@dataclass(frozen=True, slots=True)
class HostSpec:
    """One host. It boots anew every ``uptime_seconds``; ``uptime_phase`` shifts that."""

    name: str
    site: str
    cluster: str
    hardware: Hardware
    vms: tuple[VmSpec, ...]
    uptime_seconds: float
    uptime_phase: float

    def booted(self, at: float) -> float:
        """Return the second since 1970 of the last boot before ``at``."""
        return at - (at - self.uptime_phase) % self.uptime_seconds


def host_name(number: int) -> str:
    """Return the name of that host; numbers start at 1."""
    return f"sim-{number:03d}"


def place_of(number: int) -> tuple[str, str]:
    """Return site and cluster of that host; the edge is half as large as the others."""
    return PLACES[(0, 1, 2, 0, 1, 2, 3)[number % 7]]


def _wave(rng: random.Random, level: float, burst: float) -> Wave:
    """Make a day with office hours, a shorter beat, a nightly job and bursts of minutes."""
    noon = rng.gauss(-0.04, 0.04)
    return Wave(
        level * rng.uniform(0.2, 0.5),
        (
            Swell(level * rng.uniform(0.6, 1.4), DAY, noon),
            Swell(level * rng.uniform(0.1, 0.3), rng.uniform(1500, 5400), rng.random()),
            Swell(level * rng.uniform(0.05, 0.2), rng.uniform(140, 400), rng.random()),
        ),
        (
            Pulse(
                burst * rng.uniform(0.3, 1.0), DAY, rng.uniform(0.75, 1), rng.uniform(0.01, 0.05)
            ),
            Pulse(burst * rng.uniform(0.2, 0.6), rng.uniform(1800, 9000), rng.random(), 0.08),
            Pulse(burst * rng.uniform(0.1, 0.4), rng.uniform(170, 700), rng.random(), 0.12),
        ),
    )


def _character(rng: random.Random, number: int) -> tuple[float, float, float]:
    """Return vCPUs a thread, the VMs' level and the height of their bursts."""
    if number % 25 == 3:
        return 1.2, 0.10, 0.10
    if number % 8 == 5:
        return rng.uniform(0.3, 0.6), 0.004, 0.01
    return rng.uniform(0.5, 1.1), rng.uniform(0.05, 0.16), rng.uniform(0.1, 0.3)


def _vms(rng: random.Random, number: int, hardware: Hardware) -> tuple[VmSpec, ...]:
    commit, level, burst = _character(rng, number)
    shares = [rng.choice((1, 1, 2, 2, 4)) for _ in range(rng.randint(6, 12))]
    memory = hardware.memory_bytes * rng.uniform(0.35, 0.75) / sum(shares)
    busy_hours = Pulse(0.36 / commit, 7200.0, rng.random(), 0.42)
    made = []
    for order, share in enumerate(shares):
        wave = _wave(rng, level, burst)
        if number % 25 == 3:
            wave = replace(wave, pulses=(*wave.pulses, busy_hours))
        made.append(
            VmSpec(
                name=f"{rng.choice(NAMES)}-{number:03d}-{order + 1}",
                uuid=str(uuid.UUID(int=rng.getrandbits(128), version=4)),
                vcpus=max(1, round(commit * hardware.threads * share / sum(shares))),
                memory_bytes=max(1, int(memory * share / GIB)) * GIB,
                resident_ratio=rng.uniform(0.45, 0.95),
                steal_ratio=rng.uniform(0.001, 0.02),
                wave=wave,
                running=not (order == len(shares) - 1 and number % 3 == 0),
            )
        )
    return _fitted(tuple(made), hardware)


def _fitted(vms: tuple[VmSpec, ...], hardware: Hardware) -> tuple[VmSpec, ...]:
    """Flatten the curves where a VM would pass its vCPUs or all VMs the host's threads."""
    peaks = sum(vm.vcpus * vm.wave.peak for vm in vms)
    shrink = min(1.0, ROOM * hardware.threads / peaks)
    return tuple(replace(vm, wave=vm.wave.scaled(min(shrink, 0.97 / vm.wave.peak))) for vm in vms)


def host(seed: int, number: int) -> HostSpec:
    """Return that host of the estate."""
    # A text seeds the same in every process.
    rng = random.Random(f"{seed}/{number}")  # noqa: S311 - makes up figures, guards nothing
    site, cluster = place_of(number)
    hardware = rng.choice(MODELS)
    return HostSpec(
        name=host_name(number),
        site=site,
        cluster=cluster,
        hardware=hardware,
        vms=_vms(rng, number, hardware),
        uptime_seconds=rng.uniform(120, 500) * DAY,
        uptime_phase=rng.uniform(0, 500) * DAY,
    )


def inventory(seed: int, hosts: int) -> str:
    """Return the text of an inventory.toml for the first ``hosts`` hosts."""
    lines = ["# Simulated hosts."]
    for number in range(1, hosts + 1):
        spec = host(seed, number)
        lines += [
            "",
            f"[hosts.{spec.name}]",
            f'site = "{spec.site}"',
            f'cluster = "{spec.cluster}"',
            f'class = "{spec.hardware.host_class}"',
            f'owner = "{OWNERS[spec.cluster]}"',
            f"purchase_date = {spec.hardware.purchase_date}",
        ]
    return "\n".join(lines) + "\n"
