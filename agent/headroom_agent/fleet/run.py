"""The running fleet: every host's clockwork and its stream, in one event loop."""

import asyncio
import contextlib
import logging
import random
import signal
from dataclasses import dataclass
from pathlib import Path

from headroom_agent.fleet import memory
from headroom_agent.fleet.cycle import NANO
from headroom_agent.fleet.estate import HostSpec, host
from headroom_agent.fleet.link import FleetError, Link, Target
from headroom_agent.fleet.reach import Reach
from headroom_agent.fleet.spool import Spool
from headroom_core.clock import Clock

HISTORY_STEP = 60
MILLI = 1_000_000
REMEMBER_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What to simulate; times in seconds."""

    target: Target
    hosts: int
    interval_seconds: float
    history_seconds: float
    seed: int
    memory: Path | None = None
    """File that says until when figures have arrived; None for a fleet that forgets."""


def history(now_ns: int, seconds: float, after_ns: int = 0) -> range:
    """Return the moments of the past on the full minutes, in UTC nanoseconds."""
    step = HISTORY_STEP * NANO
    last = now_ns // step * step
    first = last - int(seconds // HISTORY_STEP) * step + step
    return range(max(first, (after_ns // step + 1) * step), last + 1, step)


def next_moment(now_ns: int, interval_seconds: float, share: float) -> int:
    """Return the next moment of a host whose beat lies at that share of the interval."""
    step = int(interval_seconds * NANO)
    offset = int(share * step) // MILLI * MILLI
    return (now_ns - offset) // step * step + step + offset


@dataclass(frozen=True, slots=True)
class Part:
    """One host that runs: ``share`` is where its beat lies in the interval, 0 to 1."""

    spec: HostSpec
    spool: Spool
    link: Link
    share: float


async def _beat(plan: Plan, part: Part, after_ns: int, clock: Clock, stop: asyncio.Event) -> None:
    """Put the past into the spool, and then each cycle at its time."""
    spool, link = part.spool, part.link
    last = clock.now() - int(plan.interval_seconds * NANO)
    for moment in history(clock.now(), plan.history_seconds, after_ns):
        spool.append(moment, HISTORY_STEP)
        last = moment
    link.wake()
    while not stop.is_set():
        due = next_moment(clock.now(), plan.interval_seconds, part.share)
        try:
            await asyncio.wait_for(stop.wait(), (due - clock.now()) / NANO)
        except TimeoutError:
            spool.append(due, (due - last) / NANO)
            last = due
            link.wake()


def _made(plan: Plan, number: int, rng: random.Random, clock: Clock, reach: Reach) -> Part:
    spec = host(plan.seed, number)
    spool = Spool(spec, rng.randbytes(16))
    interval = plan.interval_seconds
    link = Link(spec, spool, plan.target, interval, clock=clock, rng=rng, reach=reach)
    return Part(spec, spool, link, (number - 1) / plan.hosts)


def _known(plan: Plan) -> dict[str, int]:
    if plan.memory is None:
        return {}
    try:
        return memory.load(plan.memory)
    except (OSError, ValueError) as error:
        raise FleetError(
            f"{plan.memory}: is no memory of a fleet ({error}); remove it to start anew"
        ) from None


def _remember(plan: Plan, parts: list[Part], known: dict[str, int]) -> None:
    """Write down what has arrived, the hosts of other runs included. Raises FleetError."""
    if plan.memory is None:
        return
    now = {part.spec.name: part.spool.acked_ns for part in parts if part.spool.acked_ns}
    try:
        memory.save(plan.memory, known | now)
    except OSError as error:
        raise FleetError(f"{plan.memory}: cannot be written: {error.strerror}") from None


async def _remembering(
    plan: Plan, parts: list[Part], known: dict[str, int], stop: asyncio.Event
) -> None:
    while not stop.is_set():
        _remember(plan, parts, known)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), REMEMBER_SECONDS)


async def run(plan: Plan, clock: Clock, rng: random.Random, log: logging.Logger) -> None:
    """
    Run until SIGTERM or SIGINT; then say goodbye for every host.

    ``rng`` makes the epochs, so it must not be seeded alike twice. Raises FleetError when a
    host's certificate or the memory cannot be read.
    """
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    known = _known(plan)
    reach = Reach(plan.target.address, log)
    parts = [_made(plan, number, rng, clock, reach) for number in range(1, plan.hosts + 1)]
    _remember(plan, parts, known)
    log.info("simulating %d hosts for %s", plan.hosts, plan.target.address)
    async with asyncio.TaskGroup() as group:
        for part in parts:
            after = known.get(part.spec.name, 0)
            group.create_task(_beat(plan, part, after, clock, stop))
            group.create_task(part.link.run(stop))
        group.create_task(_remembering(plan, parts, known, stop))
    _remember(plan, parts, known)
