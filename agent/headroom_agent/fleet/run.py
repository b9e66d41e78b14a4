"""The running fleet: every host's clockwork and its stream, in one event loop."""

import asyncio
import logging
import random
import signal
from dataclasses import dataclass

from headroom_agent.fleet.cycle import NANO
from headroom_agent.fleet.estate import HostSpec, host
from headroom_agent.fleet.link import Link, Target
from headroom_agent.fleet.reach import Reach
from headroom_agent.fleet.spool import Spool
from headroom_core.clock import Clock

HISTORY_STEP = 60


@dataclass(frozen=True, slots=True)
class Plan:
    """What to simulate; times in seconds."""

    target: Target
    hosts: int
    interval_seconds: float
    history_seconds: float
    seed: int


def history(now_ns: int, seconds: float) -> range:
    """Return the moments of the past, in UTC nanoseconds, on the full minutes."""
    step = HISTORY_STEP * NANO
    last = now_ns // step * step
    return range(last - int(seconds // HISTORY_STEP) * step + step, last + 1, step)


def next_moment(now_ns: int, interval_seconds: float, share: float) -> int:
    """Return the next moment of a host whose beat lies at that share of the interval."""
    step = int(interval_seconds * NANO)
    offset = int(share * step)
    return (now_ns - offset) // step * step + step + offset


async def _beat(
    plan: Plan, spool: Spool, link: Link, share: float, clock: Clock, stop: asyncio.Event
) -> None:
    """Put the past into the spool, and then each cycle at its time."""
    last = clock.now() - int(plan.interval_seconds * NANO)
    for moment in history(clock.now(), plan.history_seconds):
        spool.append(moment, HISTORY_STEP)
        last = moment
    link.wake()
    while not stop.is_set():
        due = next_moment(clock.now(), plan.interval_seconds, share)
        try:
            await asyncio.wait_for(stop.wait(), (due - clock.now()) / NANO)
        except TimeoutError:
            spool.append(due, (due - last) / NANO)
            last = due
            link.wake()


def _made(
    plan: Plan, spec: HostSpec, rng: random.Random, clock: Clock, reach: Reach
) -> tuple[Spool, Link]:
    spool = Spool(spec, rng.randbytes(16))
    link = Link(
        spec, spool, plan.target, plan.interval_seconds, clock=clock, rng=rng, reach=reach
    )  # fmt: skip
    return spool, link


async def run(plan: Plan, clock: Clock, rng: random.Random, log: logging.Logger) -> None:
    """
    Run until SIGTERM or SIGINT; then say goodbye for every host.

    ``rng`` makes the epochs, so it must not be seeded alike twice. Raises FleetError when a
    host's certificate cannot be read.
    """
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    reach = Reach(plan.target.address, log)
    specs = [host(plan.seed, number) for number in range(1, plan.hosts + 1)]
    parts = [_made(plan, spec, rng, clock, reach) for spec in specs]
    log.info("simulating %d hosts for %s", plan.hosts, plan.target.address)
    async with asyncio.TaskGroup() as group:
        for index, (spool, link) in enumerate(parts):
            group.create_task(_beat(plan, spool, link, index / plan.hosts, clock, stop))
            group.create_task(link.run(stop))
