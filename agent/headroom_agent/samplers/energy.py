"""Choice of the energy samplers: measured where the host can measure, else modelled."""

import logging
from collections.abc import Callable
from pathlib import Path

from headroom_agent.notices import Notices
from headroom_agent.sampler import Sampler
from headroom_agent.samplers import cpuinfo
from headroom_agent.samplers.files import read_if_there
from headroom_agent.samplers.power_model import ModelSampler
from headroom_agent.samplers.rapl import RaplError, RaplSampler, Zone, read_energy, zones


def energy_samplers(
    procfs: Path,
    sysfs: Path,
    cpu_ratio: Callable[[], float | None],
    notices: Notices | None = None,
    interval_seconds: float = 0.0,
) -> tuple[Sampler, ...]:
    """
    Return the samplers of energy for this host, after a look at what can be read.

    RAPL (component, measured) where it is readable; else the model (wall, modelled), which gets
    the CPU utilisation from ``cpu_ratio``. A guest's RAPL is made up by its hypervisor and not
    taken.
    """
    said = notices or Notices(logging.getLogger(__name__))
    found = () if _virtual(procfs) else zones(sysfs)
    if found and _readable(found, said):
        rapl = RaplSampler(found, said)
        rapl.interval_seconds = interval_seconds
        return (rapl,)
    model = ModelSampler(procfs, cpu_ratio)
    model.interval_seconds = interval_seconds
    return (model,)


def _virtual(procfs: Path) -> bool:
    return cpuinfo.parse(read_if_there(procfs / "cpuinfo")).virtual is True


def _readable(found: tuple[Zone, ...], notices: Notices) -> bool:
    try:
        return any(read_energy(zone) is not None for zone in found)
    except RaplError as error:
        notices.fault("rapl", f"{error}; until then watts are modelled")
        return False
