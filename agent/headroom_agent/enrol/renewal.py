"""Renewal: when the host's certificate is renewed, and when its files were changed by others."""

import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from headroom_agent.enrol.files import Files, validity
from headroom_agent.notices import Notices

if TYPE_CHECKING:
    import subprocess  # 1 MB that an agent needs twice a week

LEAST_PAUSE_SECONDS = 60.0
MOST_PAUSE_SECONDS = 6 * 3600.0
CHILD_SECONDS = 120.0
NOT_HERE = "another authority"
"""Of what a collector says that issues no certificates itself."""


def command(collector: str, files: Files) -> list[str]:
    """Return the command that renews in a process of its own."""
    flags = ["--ca", str(files.ca), "--cert", str(files.cert), "--key", str(files.key)]
    return [
        sys.executable,
        "-P",
        "-m",
        "headroom_agent",
        "renew",
        "--collector",
        collector,
        *flags,
    ]


class Renewal:
    """
    Looked at after each cycle, and never long.

    At half of the certificate's life it starts ``headroom-agent renew``; whenever the files have
    changed, by that or by others, ``on_change`` is called. ``clock`` gives Unix seconds,
    ``monotonic`` what pauses are measured with.
    """

    def __init__(
        self,
        files: Files,
        renew: Sequence[str],
        on_change: Callable[[], None],
        notices: Notices,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        look_seconds: float = 30.0,
    ) -> None:
        self._files, self._renew, self._on_change = files, renew, on_change
        self._notices = notices
        self._clock, self._monotonic, self._pace = clock, monotonic, look_seconds
        self._next_look = self._not_before = monotonic()
        self._child: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._read()

    def _read(self) -> None:
        try:
            self._files.finish()
            self._times = validity(self._files.cert.read_bytes())
        except OSError:
            self._times = None
        self._stamp = self._files.stamp()

    def look(self) -> None:
        """Begin, follow or end a renewal. Never raises."""
        now = self._monotonic()
        if self._child is not None:
            self._follow(self._child, now)
        elif now >= self._next_look:
            self._next_look = now + self._pace
            if self._files.stamp() != self._stamp:
                self._changed()
            elif self.due():
                self._begin(now)

    def due(self) -> bool:
        """Whether the certificate is past half of its life, in force, and not asked for just now."""
        if self._times is None or self._monotonic() < self._not_before:
            return False
        first, last = self._times
        now = datetime.fromtimestamp(self._clock(), UTC)
        return first + (last - first) / 2 <= now < last

    def close(self) -> None:
        """End what is under way; the certificate that is there stays."""
        if self._child is not None:
            self._child.kill()
            self._child.communicate()
            self._child = None

    def _begin(self, now: float) -> None:
        import subprocess  # noqa: PLC0415 - only now

        left = self._times[1].timestamp() - self._clock() if self._times else 0.0
        # A tenth of what is left before the next try, so that there are some.
        self._not_before = now + min(max(left / 10, LEAST_PAUSE_SECONDS), MOST_PAUSE_SECONDS)
        self._started = now
        try:
            self._child = subprocess.Popen(  # noqa: S603 - this interpreter with a module of ours
                self._renew,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
            )
        except OSError as error:
            self._failed(f"no process can be started: {error.strerror}")

    def _follow(self, child: "subprocess.Popen[bytes]", now: float) -> None:
        code = child.poll()
        if code is None and now - self._started < CHILD_SECONDS:
            return
        if code is None:
            child.kill()
        _, said = child.communicate()
        self._child = None
        if code == 0:
            self._changed()
            until = f", valid until {self._times[1]:%Y-%m-%d %H:%M} UTC" if self._times else ""
            self._notices.news("certificate", f"certificate: renewed{until}")
            return
        line = said.decode("utf-8", "replace").strip().rpartition("\n")[2]
        self._failed(line.removeprefix("headroom-agent: ") or "it took too long")

    def _failed(self, why: str) -> None:
        if NOT_HERE in why:
            # Whoever made this certificate makes the next: its files are watched all the same.
            self._not_before = self._monotonic() + MOST_PAUSE_SECONDS
            self._notices.debug("certificate", f"certificate: not renewed: {why}")
            return
        self._notices.fault("certificate", f"certificate: cannot be renewed: {why}")

    def _changed(self) -> None:
        self._read()
        self._on_change()
