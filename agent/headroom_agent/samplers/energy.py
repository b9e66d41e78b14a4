"""Choice of the energy samplers: what the host can measure, and the model beside it."""

import logging
import time
from collections.abc import Callable
from pathlib import Path

from headroom_agent.notices import Notices
from headroom_agent.sampler import Sampler
from headroom_agent.samplers import cpuinfo
from headroom_agent.samplers.energy_ipmi import find_sources
from headroom_agent.samplers.energy_state import open_state
from headroom_agent.samplers.energy_wall import Modelled, WallSampler
from headroom_agent.samplers.facts import read_boot_id
from headroom_agent.samplers.files import read_if_there
from headroom_agent.samplers.rapl import Rapl, RaplError, RaplSampler, rapl_sampler
from headroom_agent.samplers.rapl_zones import design_watts
from headroom_core import energy_generations
from headroom_core.energy import PowerModel, generic_model

DEV = Path("/dev")


def energy_samplers(
    procfs: Path,
    sysfs: Path,
    cpu_ratio: Callable[[], float | None],
    notices: Notices | None = None,
    interval_seconds: float = 0.0,
    state: Path | None = None,
    dev: Path = DEV,
    own: PowerModel | None = None,
    monotonic: Callable[[], float] = time.monotonic,
) -> tuple[Sampler, ...]:
    """
    Return the samplers of energy for this host, after a look at what can be read.

    RAPL (component, measured) where it is readable, and always the host's input (wall): measured,
    derived or modelled; ``own`` is the model of this server that somebody measured. ``state`` is the
    file that keeps totals over a restart. A guest's RAPL is made up by its hypervisor and not taken.
    """
    said = notices or Notices(logging.getLogger(__name__))
    kept = open_state(state, read_boot_id(procfs), said)
    cpus = cpuinfo.parse(read_if_there(procfs / "cpuinfo"))
    threads = cpus.threads or count_threads(read_if_there(procfs / "stat")) or 1
    found: RaplSampler | None = None
    if cpus.virtual:
        why = "this is a virtual machine, which cannot see its server's meters"
    else:
        found, why = _rapl(Rapl(sysfs, said, monotonic, kept), said, interval_seconds)
    folder = state.parent if state is not None else None
    sources = () if cpus.virtual else find_sources(sysfs, dev, folder=folder)
    tdp = None if cpus.virtual else design_watts(sysfs)
    wall = WallSampler(
        sources,
        Modelled(own, f"this server's own idle and full watts, by its load; {why}")
        if own is not None
        else _model(cpus, threads, tdp, why),
        found.rapl.watts if found is not None else lambda: None,
        cpu_ratio,
        kept,
        said,
        interval_seconds,
    )
    return (wall,) if found is None else (found, wall)


def _rapl(rapl: Rapl, notices: Notices, interval_seconds: float) -> tuple[RaplSampler | None, str]:
    """Return the sampler of the CPUs' counters and why power at the input is modelled."""
    if not rapl.look():
        return None, "no power meter and no powercap counters on this host"
    try:
        return rapl_sampler(rapl, interval_seconds), "no meter of the server's input on this host"
    except RaplError as error:
        notices.fault("rapl", f"{error}; until then watts are modelled")
        return None, "powercap counters may not be read by this user"


def count_threads(stat: str) -> int:
    """Count the logical CPUs in the text of ``<procfs>/stat``."""
    return sum(line.startswith("cpu") and line[3:4].isdigit() for line in stat.splitlines())


def _model(cpus: cpuinfo.Cpus, threads: int, tdp: float | None, why: str) -> Modelled:
    """Return the model of this host: by its CPUs' generation, else their TDP, else its threads."""
    found = None if cpus.virtual else energy_generations.find(cpus.model)
    told = "" if tdp is None else f" with CPUs of {tdp:.0f} W"
    if found is not None and cpus.sockets and cpus.cores:
        power = energy_generations.model(found, cpus.sockets, cpus.cores, tdp)
        sockets = f"{cpus.sockets} socket{'s' if cpus.sockets > 1 else ''}"
        return Modelled(power, f"{found.name} server of {sockets}{told}, by its load; {why}")
    if tdp is not None:
        return Modelled(energy_generations.tdp_model(tdp), f"server{told}, by its load; {why}")
    return Modelled(generic_model(threads), f"server of {threads} threads, by its load; {why}")
