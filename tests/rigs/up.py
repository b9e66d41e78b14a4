"""``headroom up`` as a user runs it, in a folder and on ports of its own."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

import httpx

from headroom_collector import ready

T = TypeVar("T")


def wait_for(look: Callable[[], T | Literal[False] | None], seconds: float, what: str) -> T:
    """Return what ``look`` finds, asked again until it finds something; AssertionError in the end."""
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < deadline, f"no {what} within {seconds} s"
        time.sleep(0.05)


@dataclass
class Up:
    """A running ``headroom up``."""

    process: "subprocess.Popen[str]"
    at: ready.Ready
    data: Path

    def get(self, path: str, **params: Any) -> Any:
        """Return the JSON of a GET."""
        answer = httpx.get(f"http://{self.at.http}{path}", params=params, timeout=10)
        answer.raise_for_status()
        return answer.json()

    def text(self, path: str) -> str:
        """Return the text of a GET."""
        answer = httpx.get(f"http://{self.at.http}{path}", timeout=10)
        answer.raise_for_status()
        return answer.text

    def stop(self) -> int:
        """Press Ctrl-C; returns the exit status."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(30)


def command(*arguments: str) -> list[str]:
    """Return ``headroom`` with these arguments, by this interpreter."""
    return [sys.executable, "-m", "headroom_collector.cli", *arguments]


@contextmanager
def headroom_up(data: Path, *flags: str) -> Iterator[Up]:
    """Run it until ready, and stop it in the end whatever happens."""
    ports = ["--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0"]
    log = (data.parent / f"{data.name}.log").open("w+")
    process = subprocess.Popen(
        command("up", "--data", str(data), *ports, *flags),
        stdout=log,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "NO_COLOR": "1", "COLUMNS": "120"},
    )

    def look() -> ready.Ready | None:
        if process.poll() is not None:
            log.seek(0)
            raise AssertionError(f"headroom up ended with {process.returncode}: {log.read()}")
        return ready.read(data)

    try:
        yield Up(process, wait_for(look, 60, "ready.json"), data)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.wait(30)
        log.close()
