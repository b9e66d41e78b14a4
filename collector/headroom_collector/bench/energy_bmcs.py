"""Cost of reading power from management controllers: one DCMI reading, and a thousand a minute."""

import asyncio
import contextlib
import itertools
import logging
import resource
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

import httpx

from headroom_collector.bench.controllers import Controller, controller, missing
from headroom_collector.bench.report import Figure
from headroom_collector.energy.ipmi import IpmiClient
from headroom_collector.energy.ipmi_session import IpmiSession
from headroom_collector.energy.poller import Poller
from headroom_collector.energy.reading import Client, PowerReading
from headroom_collector.energy.redfish import RedfishClient
from headroom_collector.energy.settings import Polling

SESSIONS = 50
"""Of one ipmi_sim, which has no more than 63."""
ROUNDS = 3
SLOW_SECONDS = 3.0


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _skipped(case: str) -> Iterator[Figure]:
    yield Figure("energy", case, "skipped", 1, "1", skipped=missing())


def dcmi(*, short: bool) -> Iterator[Figure]:
    """Read DCMI from ipmi_sim on loopback, one after the other, through a session that stays open."""
    if missing():
        yield from _skipped("dcmi")
        return
    count = 1000 if short else 10_000
    with tempfile.TemporaryDirectory() as folder, controller(Path(folder), dcmi=True) as made:
        session = IpmiSession(made.login())
        begin = time.monotonic()
        session.read()
        opened, before, taken = time.monotonic() - begin, _cpu(), []
        for _ in range(count):
            begin = time.perf_counter()
            session.read()
            taken.append(time.perf_counter() - begin)
        used = _cpu() - before
        session.close()
    taken.sort()
    yield Figure("energy", "dcmi", "p50_seconds", taken[count // 2], "s")
    yield Figure("energy", "dcmi", "p99_seconds", taken[count * 99 // 100], "s")
    yield Figure("energy", "dcmi", "open_seconds", opened, "s")
    yield Figure("energy", "dcmi", "cpu_seconds_per_reading", used / count, "s")


@dataclass(frozen=True, slots=True)
class Mix:
    """How many controllers of each kind; a round takes ``seconds``, a minute at its longest."""

    ipmi: int
    redfish: int
    slow: int
    dead: int
    seconds: float

    @property
    def prompt(self) -> int:
        """Those that answer at once."""
        return self.ipmi + self.redfish


FULL = Mix(ipmi=700, redfish=200, slow=50, dead=50, seconds=60.0)
SHORT = Mix(ipmi=150, redfish=50, slow=10, dead=40, seconds=5.0)


@dataclass(slots=True)
class Seen:
    """When each host was read, in seconds."""

    times: dict[str, list[float]] = field(default_factory=dict)

    def took(self, host: str, reading: PowerReading) -> None:
        """Note a reading."""
        if reading.watts > 0:
            self.times.setdefault(host, []).append(time.monotonic())


def _redfish(stack: ExitStack, delay: float) -> int:
    """Run a server; returns its port."""
    command = [sys.executable, "-m", "headroom_collector.bench.redfish_server", str(delay)]
    process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    stack.enter_context(process)
    stack.callback(process.terminate)
    if process.stdout is None:
        raise RuntimeError("the Redfish server says no port")
    return int(process.stdout.readline())


def _web(port: int) -> RedfishClient:
    http = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=10, trust_env=False)
    return RedfishClient(http)


def _silent(stack: ExitStack) -> Controller:
    """Return a controller that takes every question and answers none."""
    dead = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    dead.bind(("127.0.0.1", 0))
    return Controller(dead.getsockname()[1], Path())


def _clients(stack: ExitStack, mix: Mix, threads: Executor) -> Mapping[str, Client]:
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    made: dict[str, Client] = {}
    for place in range(-(-mix.ipmi // SESSIONS)):
        inside = folder / str(place)
        inside.mkdir()
        one = stack.enter_context(controller(inside, dcmi=True, sessions=SESSIONS + 5))
        for n in range(place * SESSIONS, min(mix.ipmi, (place + 1) * SESSIONS)):
            made[f"ipmi-{n}"] = IpmiClient(IpmiSession(one.login()), threads)
    prompt, slow = _redfish(stack, 0), _redfish(stack, SLOW_SECONDS)
    made |= {f"redfish-{n}": _web(prompt) for n in range(mix.redfish)}
    made |= {f"slow-{n}": _web(slow) for n in range(mix.slow)}
    dead = _silent(stack)
    made |= {f"dead-{n}": IpmiClient(IpmiSession(dead.login()), threads) for n in range(mix.dead)}
    # Each kind all over the round, not in a block.
    return dict(sorted(made.items(), key=lambda item: hash_of(item[0])))


def hash_of(name: str) -> int:
    """Return a place in a repeatable order that has nothing to do with the kind."""
    kind, _, number = name.partition("-")
    return (int(number) * 7919 + len(kind) * 104_729) % 10_007


async def _poll(poller: Poller, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await poller.run()
    await poller.close()


def bmcs(*, short: bool) -> Iterator[Figure]:
    """
    Poll controllers as the collector does, three rounds: most prompt, some slow, some dead.

    The CPU is this process's, which does nothing else; controllers are processes of their own.
    """
    if missing():
        yield from _skipped("bmcs")
        return
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    mix, seen = SHORT if short else FULL, Seen()
    polling = replace(Polling(), interval_seconds=mix.seconds)
    places = polling.at_once + polling.doubtful_at_once
    log = logging.getLogger("headroom_collector.energy")
    with ExitStack() as stack:
        # Each slow or dead one is a line; here they are meant to be.
        stack.callback(log.setLevel, log.level)
        log.setLevel(logging.ERROR)
        threads = stack.enter_context(ThreadPoolExecutor(places))
        clients = _clients(stack, mix, threads)
        poller = Poller(clients, polling, seen.took)
        before = _cpu()
        asyncio.run(_poll(poller, mix.seconds * ROUNDS))
        used = _cpu() - before
    yield from _told(mix, seen, used)


def _told(mix: Mix, seen: Seen, used: float) -> Iterator[Figure]:
    prompt = [times for host, times in seen.times.items() if host[:4] in {"ipmi", "redf"}]
    due = mix.prompt * ROUNDS
    late = sorted(
        abs(later - earlier - mix.seconds)
        for times in prompt
        for earlier, later in itertools.pairwise(times)
    )
    share = used / (mix.seconds * ROUNDS)
    yield Figure("energy", "bmcs", "controllers", float(mix.prompt + mix.slow + mix.dead), "1")
    yield Figure("energy", "bmcs", "slow_or_dead", float(mix.slow + mix.dead), "1")
    yield Figure("energy", "bmcs", "readings_due", float(due), "1")
    yield Figure("energy", "bmcs", "readings_missed", float(due - sum(map(len, prompt))), "1")
    if late:
        yield Figure("energy", "bmcs", "late_p99_seconds", late[len(late) * 99 // 100], "s")
    yield Figure("energy", "bmcs", "core_share", share, "ratio")
    yield Figure(
        "energy", "bmcs", "cpu_seconds_per_reading", used / max(1, sum(map(len, prompt))), "s"
    )
