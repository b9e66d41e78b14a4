"""A real collector and a real agent, each a process of its own, started and killed by pid."""

import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from headroom_collector import ready
from headroom_collector.tls import Authority, Files
from headroom_core.clock import SystemClock

START_SECONDS = 40.0


def wait_for(what: str, condition: Callable[[], bool], seconds: float = START_SECONDS) -> None:
    """Wait until ``condition`` holds; fails the test with ``what`` after so many seconds."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            pytest.fail(f"waited {seconds:g} s for {what}")
        time.sleep(0.02)


@dataclass
class Program:
    """One of the product's processes; its output of all starts is in ``log``."""

    arguments: list[str]
    log: Path
    process: subprocess.Popen[bytes] | None = None
    kills: int = 0

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", *self.arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    @property
    def pid(self) -> int:
        assert self.process is not None, "not started"
        return self.process.pid

    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def kill(self) -> None:
        """Kill it with SIGKILL; fails where it had ended by itself."""
        assert self.process is not None, "not started"
        assert self.process.poll() is None, f"it had ended before:\n{self.text()}"
        self.process.kill()
        assert self.process.wait() == -9
        self.kills += 1

    def stop(self, seconds: float = 20.0) -> int:
        """Ask it to stop (SIGTERM) and return its exit status."""
        assert self.process is not None, "not started"
        self.process.terminate()
        return self.process.wait(seconds)

    def clean_up(self) -> None:
        """Leave nothing behind, whatever happened."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def text(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""


@dataclass
class Spine:
    """A collector on a fixed port of loopback, and agents that know where it is."""

    folder: Path
    port: int
    programs: list[Program] = field(default_factory=list)

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def collector(self) -> Program:
        arguments = ["headroom_collector.cli", "collector", "--data", str(self.data)]
        arguments += ["--grpc", f"127.0.0.1:{self.port}", "--http", "127.0.0.1:0"]
        return self._program("collector", arguments)

    def agent(
        self, name: str, interval: float, *, spool: Path, port: int | None = None
    ) -> Program:
        """
        Return an agent with a certificate for ``name``, without the hypervisor's sampler.

        ``port`` where it is to find the collector, if not at the collector's own.
        """
        config = self.folder / f"{name}.toml"
        config.write_text("[samplers]\nlibvirt = false\n")
        arguments = ["headroom_agent", "--config", str(config), "--spool", str(spool)]
        arguments += ["--collector", f"127.0.0.1:{port or self.port}"]
        arguments += ["--interval", str(interval)]
        arguments += ["--tls", str(self.files(name).cert.parent)]
        return self._program(name, arguments)

    def files(self, name: str) -> Files:
        self.data.mkdir(exist_ok=True)
        return Authority.open(self.data / "tls", SystemClock()).issue_host(name)

    def is_ready(self, collector: Program) -> bool:
        """Whether this very process has said that it is ready."""
        found = ready.read(self.data)
        if not collector.running():
            pytest.fail(f"the collector ended:\n{collector.text()}")
        return found is not None and found.pid == collector.pid

    def wait_ready(self, collector: Program) -> None:
        wait_for("the collector to be ready", lambda: self.is_ready(collector))

    def clean_up(self) -> None:
        for program in self.programs:
            program.clean_up()

    def _program(self, name: str, arguments: list[str]) -> Program:
        made = Program(arguments, self.folder / f"{name}.log")
        self.programs.append(made)
        return made
