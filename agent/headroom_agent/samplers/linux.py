"""The samplers that read a Linux host's files; nobody else loads them."""

from headroom_agent.config import AgentConfig
from headroom_agent.notices import Notices
from headroom_agent.sampler import Sampler
from headroom_agent.samplers.cpu import CpuSampler
from headroom_agent.samplers.disks import DiskSampler
from headroom_agent.samplers.facts import FactsSampler
from headroom_agent.samplers.frequency import FrequencySampler
from headroom_agent.samplers.interfaces import InterfaceSampler
from headroom_agent.samplers.load import LoadSampler
from headroom_agent.samplers.memory import MemorySampler
from headroom_agent.samplers.numa import NumaSampler
from headroom_agent.samplers.paging import PagingSampler
from headroom_agent.samplers.pressure import PressureSampler
from headroom_agent.samplers.schedstat import SchedstatSampler
from headroom_agent.samplers.temperatures import TemperatureSampler
from headroom_agent.samplers.uptime import UptimeSampler


def host_samplers(config: AgentConfig, notices: Notices) -> tuple[Sampler, ...]:
    """Return the samplers that read nothing but files under the roots."""
    proc, sys, every = config.procfs, config.sysfs, config.intervals
    return (
        CpuSampler(proc, notices, core_seconds=every.cores, interval_seconds=every.cpu),
        MemorySampler(proc, notices, interval_seconds=every.memory),
        LoadSampler(proc, interval_seconds=every.load),
        PressureSampler(proc, interval_seconds=every.pressure),
        UptimeSampler(proc, interval_seconds=every.uptime),
        SchedstatSampler(proc, interval_seconds=every.schedstat),
        FrequencySampler(sys, interval_seconds=every.frequency),
        DiskSampler(proc, sys, notices, interval_seconds=every.disks),
        InterfaceSampler(proc, sys, notices, interval_seconds=every.interfaces),
        NumaSampler(sys, interval_seconds=every.numa),
        PagingSampler(proc, sys, interval_seconds=every.paging),
        TemperatureSampler(sys, interval_seconds=every.temperatures),
        FactsSampler(proc, sys, config.etc, interval_seconds=every.facts),
    )
