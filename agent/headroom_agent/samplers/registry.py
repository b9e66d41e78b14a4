"""The samplers of a host, read top to bottom."""

import importlib.util
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from headroom_agent.config import AgentConfig
from headroom_agent.notices import Notices
from headroom_agent.sampler import Sampler
from headroom_agent.samplers.agent_self import SelfSampler, Statm
from headroom_agent.spool import SpoolState

SOCKETS = (
    "libvirt-sock-ro",
    "libvirt-sock",
    "virtqemud-sock-ro",
    "virtqemud-sock",
)
LINUX = "linux"
DEFAULT_URI = "qemu:///system"


@runtime_checkable
class Closable(Protocol):
    """A sampler that holds something that has to be given back."""

    def close(self) -> None:
        """Give it back."""
        ...


@dataclass(frozen=True, slots=True)
class Self:
    """What the agent knows of itself: seconds of its last cycle, and the spool's state."""

    cycle_seconds: Callable[[], float | None]
    spool: Callable[[], SpoolState | None]


def portable_samplers(config: AgentConfig) -> tuple[Sampler, ...]:
    """Return the samplers of a system without a procfs."""
    from headroom_agent.samplers import portable  # noqa: PLC0415 - loads psutil: only where needed

    made, every = portable.PortableSampler, config.intervals
    return (
        made("cpu", portable.Cpu().read, every.cpu),
        made("memory", portable.read_memory, every.memory),
        made("load", portable.read_load, every.load),
        made("uptime", portable.read_uptime, every.uptime),
        made("disks", portable.read_disks, every.disks),
        made("interfaces", portable.read_interfaces, every.interfaces),
        made("facts", portable.Facts().read, every.facts),
    )


def read_boot(config: AgentConfig, system: str = sys.platform) -> str:
    """Return the identity of this boot; empty where it cannot be read."""
    if system == LINUX:
        from headroom_agent.samplers.facts import read_boot_id  # noqa: PLC0415 - there only

        return read_boot_id(config.procfs)
    from headroom_agent.samplers import portable  # noqa: PLC0415 - the same

    return portable.boot_id()


def host_samplers(config: AgentConfig, notices: Notices) -> tuple[Sampler, ...]:
    """Return the samplers that read nothing but files under the roots."""
    from headroom_agent.samplers import linux  # noqa: PLC0415 - there only

    return linux.host_samplers(config, notices)


def samplers_for(system: str, config: AgentConfig, notices: Notices) -> tuple[Sampler, ...]:
    """Return the samplers of the host's own figures for a system named as in ``sys.platform``."""
    return host_samplers(config, notices) if system == LINUX else portable_samplers(config)


def is_installed(module: str) -> bool:
    """Tell whether a module could be imported, without importing it."""
    return importlib.util.find_spec(module) is not None


def build(
    config: AgentConfig,
    notices: Notices,
    own: Self,
    run: Path = Path("/run"),
    installed: Callable[[str], bool] = is_installed,
    system: str = sys.platform,
) -> tuple[Sampler, ...]:
    """
    Return the samplers that the configuration asks for, quick ones first.

    ``run`` is where a libvirt daemon has its sockets; ``system`` as in ``sys.platform``. The hypervisor comes last: it alone may take
    its time, under a deadline of its own.
    """
    on = config.samplers
    made = [s for s in samplers_for(system, config, notices) if getattr(on, s.name)]
    if on.energy and system == LINUX:
        made += _energy(config, made, notices, own)
    if on.self:
        every = config.intervals.self
        resident = _resident(system)
        made.append(SelfSampler(own.cycle_seconds, own.spool, resident, interval_seconds=every))
    if on.libvirt:
        made += _libvirt(config, notices, run, installed)
    return tuple(made)


def _resident(system: str) -> Callable[[], int | None]:
    """Return what tells this process's memory."""
    if system == LINUX:
        return Statm()
    from headroom_agent.samplers import portable  # noqa: PLC0415 - the same

    return portable.resident_bytes


def _energy(
    config: AgentConfig, made: list[Sampler], notices: Notices, own: Self
) -> tuple[Sampler, ...]:
    from headroom_agent.samplers.cpu import CpuSampler  # noqa: PLC0415 - the same
    from headroom_agent.samplers.energy import energy_samplers  # noqa: PLC0415 - only where asked
    from headroom_core.energy import own_model  # noqa: PLC0415 - the same

    known = config.energy
    ratios = [sampler.current_ratio for sampler in made if isinstance(sampler, CpuSampler)]
    return energy_samplers(
        config.procfs,
        config.sysfs,
        ratios[0] if ratios else lambda: None,
        notices,
        config.intervals.energy,
        # Without a spool (``--once``) nothing is kept: a running agent may be at it.
        state=config.spool.path.with_suffix(".energy.json") if own.spool() else None,
        own=own_model(known.idle_watts, known.full_watts) if known.full_watts else None,
    )


def find_hypervisor(config: AgentConfig, run: Path) -> str:
    """Return the libvirt URI to use: the configured one, or the default where a daemon is."""
    if config.libvirt_uri:
        return config.libvirt_uri
    found = any((run / "libvirt" / name).exists() for name in SOCKETS)
    return DEFAULT_URI if found else ""


def _libvirt(
    config: AgentConfig, notices: Notices, run: Path, installed: Callable[[str], bool]
) -> Iterator[Sampler]:
    uri = find_hypervisor(config, run)
    if not uri:
        return
    if not installed("libvirt"):
        notices.fault(
            "libvirt-python",
            f"virtual machines of {uri} are not read: libvirt-python is not installed; "
            "pip install 'headroom[libvirt]', or [samplers] libvirt = false",
        )
        return
    from headroom_agent.samplers.guests import allow_files  # noqa: PLC0415 - only where asked
    from headroom_agent.samplers.libvirt import LibvirtSampler  # noqa: PLC0415 - only where asked

    allow_files()
    yield LibvirtSampler(
        uri,
        config.procfs,
        deadline_seconds=config.libvirt_deadline_seconds,
        guests_seconds=config.intervals.guests,
        interval_seconds=config.intervals.libvirt,
        notices=notices,
    )


def close(samplers: tuple[Sampler, ...]) -> None:
    """Let the samplers give back what they hold."""
    for sampler in samplers:
        if isinstance(sampler, Closable):
            sampler.close()
