"""
Kill -9 at each step that alerting takes with its store or a receiver: what on-call then gets.

A trial is one collector that dies at one of those steps, before or after it, and another one that
goes on. The steps are gone through in order, again and again.
"""

import asyncio
import json
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx

from headroom_collector.alert_settings import Alerts, Groups, Receiver, Webhook
from headroom_collector.alerts.evaluator import Evaluator
from headroom_collector.alerts.sender import Room, Sender
from headroom_collector.alerts.state import MIGRATIONS
from headroom_collector.bench.alert_replay import Anywhere, quick_rule
from headroom_collector.bench.report import Figure
from headroom_collector.config import StoreSettings
from headroom_collector.store.api import Change, Rows, StoreBatch, Thing
from headroom_collector.store.engine import DuckStore, open_store
from headroom_core.ceiling import Ceiling
from headroom_core.rules import SHIPPED, Override
from headroom_proto.catalogue import catalogue

SECOND = 1_000_000_000
START = 1_790_000_000 * SECOND
STEP = 60
# Two episodes of a host: windows over the ceiling, then windows below it until it is clear.
RATIOS = (0.8, 0.8, 0.8, 0.1, 0.1, 0.1, 0.8, 0.8, 0.8, 0.1, 0.1, 0.1, 0.1, 0.1)
EPOCH = b"0123456789abcdef"
URL = "http://receiver.test/"
CONFIG = Alerts(
    rule=quick_rule(window_seconds=60),
    webhook=Webhook(URL),
    groups=Groups(wait_seconds=0.0, interval_seconds=1.0),
    rules={rule.name: Override(enabled=False) for rule in SHIPPED},
)


@dataclass(slots=True)
class Fuse:
    """Kills this process at the step with that number; never for 0."""

    at: int
    steps: int = 0

    def step(self) -> None:
        """Count a step."""
        self.steps += 1
        if self.steps == self.at:
            os.kill(os.getpid(), signal.SIGKILL)


@dataclass(slots=True)
class StepClock:
    """A clock that follows the samples."""

    time: int = START

    def now(self) -> int:
        """UTC nanoseconds since 1970."""
        return self.time

    def monotonic(self) -> float:
        """Seconds that never go back."""
        return self.time / SECOND


class Fused:
    """A store whose changes are steps: one before each, and one once it is durable."""

    def __init__(self, store: DuckStore, fuse: Fuse) -> None:
        self._store = store
        self._fuse = fuse

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def change(self, change: Change) -> "Future[int]":
        """Queue a change and wait for it, dying on the way where that is due."""
        self._fuse.step()
        future = self._store.change(change)
        future.result(300)
        self._fuse.step()
        return future


@dataclass(slots=True)
class Life:
    """One collector from its start to its end."""

    folder: Path
    fuse: Fuse
    clock: StepClock = field(default_factory=StepClock)

    def run(self) -> None:
        """Go on where the store says that the one before stopped, up to the end."""
        settings = StoreSettings(memory_limit_mib=100, group_window_seconds=0.001)
        store = open_store(self.folder / "store", settings, MIGRATIONS, StepClock())
        try:
            asyncio.run(self._live(store))
        finally:
            store.close()

    async def _live(self, store: DuckStore) -> None:
        fused: Any = Fused(store, self.fuse)
        evaluator = Evaluator(fused, Anywhere(), Ceiling(), CONFIG, self.clock)
        async with httpx.AsyncClient(transport=httpx.MockTransport(self._take)) as client:
            room = Room(fused, client, self.clock, lambda: 0.0, evaluator.settled)
            sender = Sender("headroom", Receiver(url=URL), room)
            for step in range(store.high_water("a", EPOCH), len(RATIOS) + 1):
                self.clock.time = START + max(step - 1, 0) * STEP * SECOND
                await self._step(evaluator, sender)
                if step < len(RATIOS):
                    self.clock.time = START + step * STEP * SECOND
                    store.append(batch(step)).result(30)
                    self.fuse.step()
                    await self._step(evaluator, sender)

    async def _step(self, evaluator: Evaluator, sender: Sender) -> None:
        while await evaluator.look():
            pass
        await sender.send_due()

    def _take(self, request: httpx.Request) -> httpx.Response:
        """Keep what arrives, durably, as a receiver that outlives the collector would."""
        self.fuse.step()
        body = json.loads(request.content)
        told = [(a["status"], a["labels"]["host"], a["startsAt"]) for a in body["alerts"]]
        with (self.folder / "received").open("a", encoding="utf-8") as file:
            file.write(json.dumps([request.headers["webhook-id"], told]) + "\n")
        self.fuse.step()
        return httpx.Response(200, stream=httpx.ByteStream(b""))


def batch(step: int) -> StoreBatch:
    """Return the sample of one step."""
    kind = catalogue().kind("host")
    values = [RATIOS[step] if c.field == "cpu_utilisation_ratio" else None for c in kind.columns]
    when = START + step * STEP * SECOND
    rows = [Rows("host", [(when, Thing(), values)])]
    return StoreBatch("a", EPOCH, step + 1, 0, when, rows, interval_seconds=float(STEP))


def _live(folder: str, at: int) -> None:
    Life(Path(folder), Fuse(at)).run()


@dataclass(slots=True)
class Count:
    """What came of all trials."""

    kills: int = 0
    repeated: int = 0
    lost_fires: int = 0
    lost_resolves: int = 0
    resent: int = 0

    def take(self, lines: list[tuple[str, list[list[str]]]]) -> None:
        """Count what the receiver got in one trial; a letter sent again has the same id."""
        letters = dict(lines)
        self.resent += len(lines) - len(letters)
        told = [tuple(one) for alerts in letters.values() for one in alerts]
        fires = [one for one in told if one[0] == "firing"]
        resolves = [one for one in told if one[0] == "resolved"]
        episodes = 2
        self.repeated += len(fires) - len(set(fires)) + len(resolves) - len(set(resolves))
        self.lost_fires += episodes - len(set(fires))
        self.lost_resolves += episodes - len(set(resolves))


def trial(at: int, count: Count, run: Callable[[str, int], int]) -> bool:
    """Run one trial that dies at that step; returns whether there was such a step."""
    with TemporaryDirectory() as folder:
        killed = run(folder, at) == -signal.SIGKILL
        if killed:
            count.kills += 1
            run(folder, 0)
        text = (Path(folder) / "received").read_text(encoding="utf-8")
        count.take([tuple(json.loads(line)) for line in text.splitlines()])
    return killed


def figures(*, short: bool) -> Iterator[Figure]:
    """Go through the steps until there were enough kills."""
    wanted = 20 if short else 500
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])

    def run(folder: str, at: int) -> int:
        process = context.Process(target=_live, args=(folder, at))
        process.start()
        process.join(600)
        if process.exitcode not in {0, -signal.SIGKILL}:
            raise RuntimeError(f"a collector ended with {process.exitcode}, not killed")
        return process.exitcode

    count, at = Count(), 0
    stride = 7 if short else 1
    while count.kills < wanted:
        at += stride
        if not trial(at, count, run):
            at = 0
    for metric, value in (
        ("kills", count.kills),
        ("repeated_pages", count.repeated),
        ("lost_fires", count.lost_fires),
        ("lost_resolves", count.lost_resolves),
        ("letters_sent_again_under_the_same_id", count.resent),
    ):
        yield Figure("alerts", "kills", metric, value, "count")
