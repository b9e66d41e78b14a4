"""Looks at this host: what the samplers can read, the hypervisor, energy counters, the clock."""

import ctypes
import logging
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from headroom_agent.config import AgentConfig
from headroom_agent.doctor.finding import Finding
from headroom_agent.lane import attempt
from headroom_agent.notices import Notices
from headroom_agent.sampler import Moment, Sampler
from headroom_agent.samplers import registry

TIME_ERROR = 5
"""adjtimex(2): the kernel's clock is not synchronised."""
TIMEX_BYTES = 512
"""More than struct timex has on any machine; all zeros asks and changes nothing."""


def samplers(config: AgentConfig, notices: Notices, now: Moment) -> Iterator[Finding]:
    """Run each of the host's samplers once."""
    for sampler in registry.samplers_for(sys.platform, config, notices):
        if not getattr(config.samplers, sampler.name):
            yield Finding("note", sampler.name, "is switched off: [samplers]")
        else:
            yield _tried(sampler, now)


def _tried(sampler: Sampler, now: Moment) -> Finding:
    outcome = attempt(sampler, now, lambda: 0.0)
    if outcome.fault is not None:
        return Finding("bad", sampler.name, outcome.fault)
    if outcome.no_data is not None:
        return Finding("note", sampler.name, f"nothing to read: {outcome.no_data}")
    return Finding("good", sampler.name, "can be read")


def serial(sysfs: Path) -> Iterator[Finding]:
    """Look whether serial number and UUID, which are root's, may be read."""
    path = sysfs / "class/dmi/id/product_uuid"
    if path.exists() and not os.access(path, os.R_OK):
        yield Finding(
            "note",
            "serial number",
            f"{path} is root's: serial number and UUID are absent, and a guest is not linked to its "
            "hypervisor; run the agent with CAP_DAC_READ_SEARCH to have them",
        )


def energy(procfs: Path, sysfs: Path) -> Iterator[Finding]:
    """Look how this host's power is known: measured, or modelled, and why."""
    from headroom_agent.samplers.energy import energy_samplers  # noqa: PLC0415 - Linux has it

    ear = Listening()
    names = [s.name for s in energy_samplers(procfs, sysfs, lambda: None, ear.notices())]
    for line in ear.said:
        yield Finding("bad", "energy", f"{line}; or [samplers] energy = false")
    if not ear.said:
        measured = "rapl" in names
        found = "the CPUs measure it (RAPL)" if measured else "no RAPL counter: watts are modelled"
        yield Finding("good" if measured else "note", "energy", found)


class Listening(logging.Handler):
    """Keeps what is said; a doctor says it in its own words."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one line."""
        self.said.append(record.getMessage())

    def notices(self) -> Notices:
        """Return notices that are said to nobody else."""
        logger = logging.getLogger("headroom_agent.doctor")
        logger.handlers[:] = [self]
        logger.propagate = False
        return Notices(logger)


def hypervisor(
    config: AgentConfig,
    notices: Notices,
    now: Moment,
    run: Path = Path("/run"),
    installed: Callable[[str], bool] = registry.is_installed,
) -> Iterator[Finding]:
    """Ask libvirt once, where there is one."""
    uri = registry.find_hypervisor(config, run)
    if not config.samplers.libvirt:
        yield Finding("note", "libvirt", "is switched off: [samplers] libvirt = true reads it")
        return
    if not uri:
        yield Finding("note", "libvirt", f"no daemon has its socket under {run}/libvirt")
        return
    if not installed("libvirt"):
        yield Finding(
            "bad",
            "libvirt",
            "libvirt-python is not installed: apt-get install python3-libvirt, or pip install 'headroom[libvirt]'",
        )
        return
    yield _asked(uri, config, notices, now)


def _asked(uri: str, config: AgentConfig, notices: Notices, now: Moment) -> Finding:
    from headroom_agent.samplers.libvirt import LibvirtSampler  # noqa: PLC0415 - only where asked

    sampler = LibvirtSampler(uri, config.procfs, deadline_seconds=5.0, notices=notices)
    try:
        cycle = sampler.sample(now)
    finally:
        sampler.close()
    if cycle.host.domains_stale:
        return Finding(
            "bad",
            "libvirt",
            f"{uri} does not answer: is its daemon running, and may this user read its socket? "
            "Add the user to the group libvirt, or [samplers] libvirt = false",
        )
    traced = sum(vm.HasField("steal_seconds_total") for vm in cycle.vms)
    running = cycle.host.domains_running
    return Finding(
        "good", "libvirt", f"{uri}: {running} virtual machines run, steal is known of {traced}"
    )


def kernel_clock() -> int | None:
    """Return what adjtimex(2) says of the clock; None where there is no such call."""
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        state: int = libc.adjtimex(ctypes.create_string_buffer(TIMEX_BYTES))
    except (OSError, AttributeError, TypeError):
        return None
    return state


def clock(state: Callable[[], int | None] = kernel_clock) -> Iterator[Finding]:
    """Look whether the clock is kept: samples far off the collector's time are refused."""
    found = state()
    if found is None or found < 0:
        yield Finding("note", "clock", "the kernel does not tell whether it is synchronised")
    elif found == TIME_ERROR:
        yield Finding(
            "note",
            "clock",
            "the kernel says that nothing keeps it: run chrony or systemd-timesyncd here, or on "
            "its host where this is a guest",
        )
    else:
        yield Finding("good", "clock", "is synchronised")
