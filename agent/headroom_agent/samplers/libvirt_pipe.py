"""The sampler's end of the process that talks to libvirt: asked, waited for, killed."""

import math
import os
import select
import subprocess
import sys
import time

MOST_BYTES = 64 << 20
"""A longer answer is no answer: 10,000 domains take 3 MB."""
REAP_SECONDS = 1.0


class PipeError(Exception):
    """The process ended or answered nonsense."""


class LibvirtPipe:
    """
    One process, started anew (never forked: the agent has threads).

    ``has_answered`` is false while it may still be starting.
    """

    def __init__(self, uri: str, deadline_seconds: float, guests_seconds: float) -> None:
        command = [sys.executable, "-P", "-m", "headroom_agent.samplers.libvirt_child"]
        alarm = math.ceil(deadline_seconds) + 5
        self._process = subprocess.Popen(  # noqa: S603 - this interpreter with a module of ours
            [*command, uri, str(alarm), str(guests_seconds)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
        )
        # Not select(): an agent with many files open would pass its limit of 1,024.
        self._poll = select.poll()
        self._poll.register(self._stdout(), select.POLLIN)
        self._got = bytearray()
        self._asked: float | None = None
        self.has_answered = False

    @property
    def waiting(self) -> bool:
        """Whether a question was asked and not answered yet."""
        return self._asked is not None

    @property
    def age_seconds(self) -> float:
        """Time since the question that is waiting; 0 without one."""
        return 0.0 if self._asked is None else time.monotonic() - self._asked

    def ask(self) -> None:
        """Ask for the domains. Raises PipeError."""
        self._asked = time.monotonic()
        self._got.clear()
        try:
            os.write(self._stdin(), b"?\n")
        except OSError:
            raise PipeError(self._end()) from None

    def answer(self, seconds: float) -> bytes | None:
        """Return the line that answers, or None where it does not come in time."""
        until = time.monotonic() + seconds
        while not self._got.endswith(b"\n"):
            left = max(0.0, until - time.monotonic())
            ready = self._poll.poll(math.ceil(left * 1000))
            if not ready:
                return None
            chunk = os.read(self._stdout(), 1 << 16)
            if not chunk:
                raise PipeError(self._end())
            self._got += chunk
            if len(self._got) > MOST_BYTES:
                raise PipeError(f"its answer is longer than {MOST_BYTES >> 20} MiB")
        self._asked, self.has_answered = None, True
        return bytes(self._got)

    def kill(self) -> None:
        """End the process, whatever it is at."""
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        try:
            self._process.wait(REAP_SECONDS)
        except subprocess.TimeoutExpired:
            # It sits in the kernel; subprocess reaps it when the next one is started.
            return

    def _end(self) -> str:
        try:
            code = self._process.wait(REAP_SECONDS)
        except subprocess.TimeoutExpired:
            return "its process closed the pipe"
        return f"its process ended with code {code}"

    def _stdin(self) -> int:
        assert self._process.stdin is not None  # noqa: S101 - PIPE was asked for
        return self._process.stdin.fileno()

    def _stdout(self) -> int:
        assert self._process.stdout is not None  # noqa: S101 - PIPE was asked for
        return self._process.stdout.fileno()
