"""All looks of the doctor, in the order in which they matter."""

import sys
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime

from headroom_agent.config import AgentConfig
from headroom_agent.doctor import host, link
from headroom_agent.doctor.finding import Finding
from headroom_agent.sampler import take_moment
from headroom_agent.samplers.registry import LINUX


def look(
    config: AgentConfig, warnings: Iterable[str], now: Callable[[], datetime] | None = None
) -> Iterator[Finding]:
    """Look at everything; ``warnings`` are the lines about the settings. Changes nothing."""
    notices, moment = host.Listening().notices(), take_moment()
    for line in warnings:
        yield Finding("bad", "settings", line)
    yield from host.samplers(config, notices, moment)
    yield from host.serial(config.sysfs)
    if config.samplers.energy and sys.platform == LINUX:
        yield from host.energy(config.procfs, config.sysfs)
    yield from host.hypervisor(config, notices, moment)
    yield from host.clock()
    yield from link.certificate(config.tls, now() if now else datetime.now(UTC))
    yield from link.spool(config)
    yield from link.collector(config)
