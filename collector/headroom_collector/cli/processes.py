"""Child processes of ``headroom up``: started by path, stopped by pid, never forked."""

import contextlib
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(slots=True)
class Child:
    """One program of ours that runs beside this one."""

    name: str
    process: "subprocess.Popen[bytes]"

    def code(self) -> int | None:
        """Return its exit status; None while it runs."""
        return self.process.poll()

    def stop(self, seconds: float) -> bool:
        """Ask it to stop and wait; kill it where it does not. True where it stopped by itself."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return False
        return True


class Starter(Protocol):
    """Starts a module of ours as a process."""

    def __call__(self, name: str, module: str, arguments: Sequence[str]) -> Child:
        """Start ``python -m module arguments``; its output goes where ours goes."""
        ...


def start(name: str, module: str, arguments: Sequence[str]) -> Child:
    """Start a module in a session of its own, so that Ctrl-C reaches it through us only."""
    command = [sys.executable, "-m", module, *arguments]
    process = subprocess.Popen(  # noqa: S603  # our own interpreter and modules
        command, stdin=subprocess.DEVNULL, start_new_session=True
    )
    return Child(name, process)


def output(module: str, arguments: Sequence[str]) -> str:
    """Return what a module of ours prints; raises CalledProcessError where it fails."""
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.run(  # noqa: S603  # our own interpreter and modules
        command, check=True, capture_output=True, text=True
    ).stdout


def stop_all(children: Sequence[Child], seconds: float = 10.0) -> list[str]:
    """Stop them, last started first; returns the names of those that had to be killed."""
    killed = []
    for child in reversed(children):
        # A second Ctrl-C while we wait must not leave the rest running.
        with contextlib.suppress(KeyboardInterrupt):
            if not child.stop(seconds):
                killed.append(child.name)
    return killed
