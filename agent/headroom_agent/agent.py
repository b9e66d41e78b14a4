"""The agent's life: cycle after cycle into the spool, until it is told to stop."""

import gc
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from headroom_agent import __version__
from headroom_agent.backoff import Backoff
from headroom_agent.channel import Endpoint
from headroom_agent.config import MIB, AgentConfig
from headroom_agent.enrol.files import Files
from headroom_agent.enrol.renewal import Renewal, command
from headroom_agent.notices import Notices
from headroom_agent.sampler import Moment, take_moment
from headroom_agent.samplers import registry
from headroom_agent.samplers.energy_vms import VmEnergy
from headroom_agent.schedule import Merger, Schedule
from headroom_agent.spool import Limits, Spool
from headroom_agent.spool_schema import SpoolError
from headroom_agent.stop import StopSignal
from headroom_agent.transport import Speaker, Transport
from headroom_agent.wire import choose

KEEP_SECONDS = 900.0
"""Acknowledged batches are kept so long, for a collector that is restored from a backup."""

FIRST_PAUSE_SECONDS = 1.0
"""The second cycle comes early, so that a host's first ratio does not take a whole interval."""


@dataclass(slots=True)
class Recorder:
    """Runs one cycle after another into the spool; ``seconds`` is what the last one took."""

    spool: Spool
    boot_id: str
    notices: Notices
    moment: Callable[[], Moment] = take_moment
    clock: Callable[[], float] = time.monotonic
    seconds: float | None = None
    merger: Merger = field(default_factory=Merger)
    vm_energy: VmEnergy = field(default_factory=VmEnergy)

    def last_seconds(self) -> float | None:
        """Return the seconds that the previous cycle took; None before the first."""
        return self.seconds

    def cycle(self, schedule: Schedule) -> None:
        """Sample once and spool it; a spool that fails is said once for each change."""
        start = self.clock()
        now = self.moment()
        cycle = self.merger.merge(now, schedule.run(now))
        self.vm_energy.add_to(cycle)
        payload = cycle.SerializeToString()
        try:
            self.spool.append(payload, self.boot_id)
            self.notices.fine("spool", "spool: can be written again")
        except SpoolError as error:
            self.notices.fault("spool", str(error))
        self.seconds = self.clock() - start


@dataclass(frozen=True, slots=True)
class Ticks:
    """Times of the cycles, in monotonic seconds: a steady grid, with an early second cycle."""

    start: float
    interval: float

    def after(self, now: float) -> float:
        """Return the next one; those that were missed are left out."""
        early = self.start + min(FIRST_PAUSE_SECONDS, self.interval)
        if now < early:
            return early
        passed = int((now - self.start) / self.interval + 1e-9)
        return self.start + (passed + 1) * self.interval


@dataclass(slots=True)
class Sending:
    """
    When to send: a cycle waits ``freshness`` seconds at most, so that several share a message.

    A message costs more than a cycle does. With 0, or where the next cycle comes too late to be
    waited for, each is sent at once.
    """

    freshness: float
    interval: float
    _since: float | None = None

    def due(self, now: float) -> bool:
        """Say after a cycle, at ``now`` (monotonic seconds), whether what waits has to go."""
        since = now if self._since is None else self._since
        self._since = since if now + self.interval - since <= self.freshness else None
        return self._since is None


def _transport(config: AgentConfig, recorder: Recorder) -> Transport:
    return Transport(
        Endpoint(config.collector, *config.tls.files()),
        recorder.spool,
        Speaker(
            boot_id=recorder.boot_id,
            version=__version__,
            interval_seconds=config.interval_seconds,
            hints=config.hints.labels(),
        ),
        recorder.notices,
        Backoff(),
        on_missed=recorder.merger.repeat_facts,
        wire=choose.make(config.transport),
    )


def _sample(
    config: AgentConfig,
    recorder: Recorder,
    schedule: Schedule,
    transport: Transport,
    renewal: Renewal,
    stop: StopSignal,
) -> None:
    recorder.cycle(schedule)
    transport.wake()
    gc.collect()
    gc.freeze()  # what is there now stays: no later collection has to look at it
    ticks = Ticks(time.monotonic(), config.interval_seconds)
    sending = Sending(config.freshness_seconds, config.interval_seconds)
    while not stop.wait(ticks.after(time.monotonic()) - time.monotonic()):
        recorder.cycle(schedule)
        if sending.due(time.monotonic()):
            transport.wake()
        renewal.look()


def run(config: AgentConfig, logger: logging.Logger, stop: StopSignal) -> None:
    """Run until ``stop`` says so; raises SpoolError where the spool cannot be used at all."""
    notices = Notices(logger)
    limits = Limits(
        int(config.spool.max_mib * MIB), config.spool.max_age_days * 86400, KEEP_SECONDS
    )
    spool = Spool(config.spool.path, limits, notices)
    try:
        recorder = Recorder(spool, registry.read_boot(config), notices)
        own = registry.Self(recorder.last_seconds, spool.state)
        samplers = registry.build(config, notices, own)
        schedule = Schedule(
            samplers,
            config.deadline_seconds,
            notices,
            slack_seconds=min(0.5, config.interval_seconds / 2),
        )
        logger.info(
            "reading this host every %g s, for the collector at %s",
            config.interval_seconds,
            config.collector,
        )
        files = Files(*config.tls.files())
        transport = _transport(config, recorder)
        renewal = Renewal(
            files,
            command(config.collector.split(",")[0], files),
            transport.reconnect,
            notices,
            look_seconds=config.tls.look_seconds,
        )
        transport.start()
        try:
            _sample(config, recorder, schedule, transport, renewal, stop)
        finally:
            renewal.close()
            transport.stop(config.drain_seconds)
            schedule.close()
            registry.close(samplers)
        logger.info("stopped; %d batches wait in the spool", spool.state().batches)
    finally:
        spool.close()
