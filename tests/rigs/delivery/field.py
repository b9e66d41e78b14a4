"""The field of play: one receiver, its senders, and how they are hurt and watched."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from headroom_collector.tls import Authority
from headroom_core.clock import SystemClock
from rigs.delivery.oracle import Verdict, judge_folder, read_ledger
from rigs.ports import free_port

TESTS = Path(__file__).parents[2]
WAIT_SECONDS = 60.0


def wait_for(what: str, condition: Callable[[], bool], seconds: float = WAIT_SECONDS) -> None:
    """Wait until ``condition`` holds; fails the test with ``what`` after so many seconds."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            pytest.fail(f"waited {seconds:g} s for {what}")
        time.sleep(0.01)


@dataclass
class Actor:
    """One process of the suite; ``prefix`` are words before the command, ``env`` is added."""

    module: str
    flags: Sequence[str]
    log: Path
    prefix: Sequence[str] = ()
    env: dict[str, str] = field(default_factory=dict)
    process: "subprocess.Popen[bytes] | None" = None

    def start(self, *more: str) -> None:
        command = [*self.prefix, sys.executable, "-m", self.module, *self.flags, *more]
        paths = [str(TESTS), *filter(None, [os.environ.get("PYTHONPATH")])]
        env = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), **self.env}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env
            )

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def signal(self, number: int) -> None:
        assert self.process is not None
        assert self.running, f"it had ended before:\n{self.text()[-2000:]}"
        self.process.send_signal(number)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        assert self.process is not None
        assert self.process.wait(10) == -signal.SIGKILL

    def stop(self, seconds: float = 40.0) -> None:
        self.signal(signal.SIGTERM)
        assert self.process is not None
        assert self.process.wait(seconds) == 0, self.text()[-2000:]

    def clean_up(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def text(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""


@dataclass
class Field:
    """A folder, a port, a receiver and the sender ``host``."""

    folder: Path
    host: str = "faulty-1"
    port: int = field(default_factory=free_port)
    base: int = field(default_factory=lambda: time.time_ns() - 3_600 * 10**9)
    listen: str = "127.0.0.1"
    store: Path = field(init=False)
    spool: Path = field(init=False)
    actors: list[Actor] = field(default_factory=list)
    env: dict[str, str] = field(default_factory=dict)
    """Added to the environment of the actors that are made from now on."""

    def __post_init__(self) -> None:
        self.store, self.spool = self.folder / "data" / "store", self.folder / "spool.db"
        (self.folder / "data").mkdir()
        self.authority = Authority.open(self.folder / "data" / "tls", SystemClock())

    @property
    def ledger(self) -> Path:
        return self.folder / "ledger"

    def receiver(self, *more: str, prefix: Sequence[str] = ()) -> Actor:
        flags = ["--data", str(self.folder / "data"), "--store", str(self.store)]
        flags += ["--address", f"{self.listen}:{self.port}", *more]
        return self._actor("rigs.delivery.receiver", flags, "receiver.log", prefix)

    def sender(self, port: int | None = None, *more: str, prefix: Sequence[str] = ()) -> Actor:
        tls = self.authority.issue_host(self.host).cert.parent
        flags = ["--host", self.host, "--spool", str(self.spool), "--tls", str(tls)]
        flags += ["--collector", f"{self.listen}:{port or self.port}"]
        flags += ["--log", str(self.ledger), "--base", str(self.base), *more]
        return self._actor("rigs.delivery.sender", flags, "sender.log", prefix)

    def _actor(self, module: str, flags: list[str], log: str, prefix: Sequence[str]) -> Actor:
        made = Actor(module, flags, self.folder / log, prefix, self.env)
        self.actors.append(made)
        return made

    def start(self, sender: Actor) -> None:
        """Start a sender with serials that were never used before."""
        places = read_ledger(self.ledger)
        used = max([0, *places.places, *places.failed])
        sender.start("--first", str(used + 100))

    def spooled(self) -> int:
        """How many cycles the sender wrote down."""
        return self.ledger.read_bytes().count(b"\n") if self.ledger.exists() else 0

    def forget_after(self, lines: int) -> None:
        """
        Take out of the ledger what was written down after its first ``lines``; the sender is gone.

        Where the power went, nobody lives on to be told that a row is durable; here the sender
        does, for a moment, and the kernel may let an fsync that was under way return without an
        error. Those rows may be there or not.
        """
        kept = self.ledger.read_bytes().split(b"\n")[:lines]
        self.ledger.write_bytes(b"".join(line + b"\n" for line in kept))

    def grow(self, by: int = 5) -> None:
        """Wait until so many more cycles are spooled."""
        goal = self.spooled() + by
        wait_for("more cycles in the spool", lambda: self.spooled() >= goal)

    def read_spool(self, sql: str) -> list[tuple[int, ...]]:
        """Return rows off the spool's file, while the sender has it."""
        connection = sqlite3.connect(f"file:{self.spool}?mode=ro", uri=True, timeout=10)
        try:
            return connection.execute(sql).fetchall()
        finally:
            connection.close()

    def position(self) -> tuple[int, int]:
        """Return the newest batch of the spool, and the newest that was acknowledged."""
        [(following, acked)] = self.read_spool("SELECT next_seq, acked FROM spool")
        return following - 1, acked

    def dropped(self) -> int:
        """How many batches the spool dropped so far."""
        return self.read_spool("SELECT dropped FROM spool")[0][0]

    def waiting(self) -> int:
        """How many batches are not acknowledged; those of the last moment may be."""
        newest, acked = self.position()
        return newest - acked

    def drained(self) -> None:
        """Wait until everything that is in the spool now is acknowledged."""
        newest, _ = self.position()
        wait_for("the spool to drain", lambda: self.position()[1] >= newest)

    def finish(self, sender: Actor, receiver: Actor) -> Verdict:
        """Stop the sender with an empty spool, then the receiver, and compare."""
        self.empty(sender)
        receiver.stop()
        return self.verdict()

    def empty(self, sender: Actor) -> None:
        """Stop a sender, and see that its spool is empty."""
        sender.stop()
        for _ in range(5):
            newest, acked = self.position()
            if newest == acked:
                break
            # It was told to stop in the middle of a reconnect: what waits goes with the next start.
            self.start(sender)
            self.grow(1)
            self.drained()
            sender.stop()

    def verdict(self) -> Verdict:
        """Compare, after both have stopped."""
        return judge_folder(self.store, self.host, self.base, self.ledger)

    def clean_up(self) -> None:
        for actor in self.actors:
            actor.clean_up()
