"""One stream with the collector: what goes out, what comes in, and when to give up."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from headroom_agent.clocks import since_boot_ns
from headroom_agent.progress import Progress
from headroom_agent.spool_schema import SpoolError
from headroom_proto.v1 import telemetry_pb2

WELCOME_SECONDS = 20.0
STALL_SECONDS = 60.0
FIRST_ANSWER_SECONDS = 1.0
SILENCES = 3
"""Heartbeats after which a collector that answers none is given up."""


def read_clocks() -> tuple[int, int]:
    """Return the wall clock in UTC nanoseconds, and nanoseconds since boot."""
    return time.time_ns(), since_boot_ns()


@dataclass(slots=True)
class Session:
    """
    Feeds one stream and takes its answers.

    A wire takes what goes out, from ``step`` where it waits by itself or from ``requests`` where a
    thread may wait, and hands in what comes with ``handle``; the rest may be called from any
    thread. A session that cannot go on says why in ``ended`` and cancels itself. ``on_news`` is
    called when there may be something to send, ``on_cancel`` when the stream has to end.
    """

    hello: telemetry_pb2.Hello
    progress: Progress
    clock: Callable[[], float] = time.monotonic
    clocks: Callable[[], tuple[int, int]] = read_clocks
    on_news: Callable[[], object] = lambda: None
    on_cancel: Callable[[], object] = lambda: None
    ended: str = ""
    said_goodbye: bool = False
    cancelled: bool = False
    leaving: bool = False
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _greeted: bool = False
    _closed: bool = False
    _finish_by: float | None = None
    _heard: float = 0.0
    _spoke: float = 0.0
    _asked: float | None = None

    def requests(self) -> Iterator[telemetry_pb2.PushRequest]:
        """Yield what goes out: Hello, batches, Goodbye; waits in between."""
        while True:
            with self._changed:
                while isinstance(found := self._step(), float):
                    self._changed.wait(found)
            if found is None:
                return
            yield found

    def step(self) -> telemetry_pb2.PushRequest | float | None:
        """Return what goes out next, or the seconds to wait for news at most; None at the end."""
        with self._changed:
            return self._step()

    def _step(self) -> telemetry_pb2.PushRequest | float | None:
        if self._closed or self.said_goodbye:
            return None
        now = self.clock()
        if not self._greeted:
            self._greeted, self._heard, self._spoke = True, now, now
            return telemetry_pb2.PushRequest(hello=self.hello)
        try:
            return self._send(now)
        except SpoolError as error:
            self._end(str(error))
            return None

    def patience(self) -> float:
        """Return the seconds until ``step`` has to be called; a collector that stalls is given up."""
        with self._changed:
            patience = self._patience(self.clock())
            if patience <= 0 and self.progress.waiting:
                self._end("the collector does not answer")
            return max(0.0, patience)

    def _send(self, now: float) -> telemetry_pb2.PushRequest | float | None:
        idle = not self.progress.waiting
        batches = self.progress.take(now)
        if batches is not None:
            self._heard = now if idle else self._heard
            self._spoke = now
            return telemetry_pb2.PushRequest(batches=batches)
        if self._finish_by is not None and (self.progress.drained() or now >= self._finish_by):
            if not self.progress.welcomed:
                self._end("stopped before the collector answered")
                return None
            self.said_goodbye = True
            goodbye = telemetry_pb2.Goodbye(reason="the agent was told to stop")
            return telemetry_pb2.PushRequest(goodbye=goodbye)
        if self._silence(now) <= 0:
            return self._beat(now)
        patience = self._patience(now)
        if patience > 0:
            return patience
        self._end("the collector does not answer")
        return None

    def _silence(self, now: float) -> float:
        """Seconds until a sign of life is due."""
        beat = self.progress.heartbeat_seconds
        return self._spoke + beat - now if self.progress.welcomed and beat > 0 else STALL_SECONDS

    def _beat(self, now: float) -> telemetry_pb2.PushRequest:
        self._spoke = now
        self._asked = now if self._asked is None else self._asked
        wall, boot = self.clocks()
        beat = telemetry_pb2.Heartbeat(time_unix_nano=wall, boottime_nano=boot)
        return telemetry_pb2.PushRequest(heartbeat=beat)

    def _patience(self, now: float) -> float:
        """Seconds until something has to be done even if nothing happens."""
        waits = [STALL_SECONDS, max(0.001, self._silence(now))]
        if not self.progress.welcomed:
            waits.append(self._heard + WELCOME_SECONDS - now)
        elif self.progress.waiting:
            waits.append(self._heard + STALL_SECONDS - now)
        if self.progress.not_before > now:
            waits.append(self.progress.not_before - now)
        if self._finish_by is not None:
            waits.append(self._finish_by - now)
        if self._asked is not None:
            waits.append(self._asked + SILENCES * self.progress.heartbeat_seconds - now)
        return min(waits)

    def _end(self, reason: str) -> None:
        self.ended, self._closed = reason, True
        self.cancel()

    def handle(self, response: telemetry_pb2.PushResponse) -> None:
        """Take an answer; raises ReopenError or SpoolError where the stream cannot go on."""
        with self._changed:
            self._heard, self._asked = self.clock(), None
            match response.WhichOneof("kind"):
                case "welcome":
                    self.progress.welcome(response.welcome)
                case "ack":
                    self.progress.ack(response.ack)
                case "resend":
                    self.progress.resend(response.resend)
                case "throttle":
                    self.progress.throttle(response.throttle, self.clock())
                case _:
                    pass  # of a newer collector: not for us
            self._changed.notify_all()

    def wake(self) -> None:
        """Tell that the spool has more."""
        with self._changed:
            self._changed.notify_all()
        self.on_news()

    def finish(self, by: float) -> None:
        """
        Send what is left and say goodbye, at ``by`` (monotonic seconds) at the latest.

        A collector that has not answered yet is waited for a moment only.
        """
        with self._changed:
            if not self.progress.welcomed:
                by = min(by, self.clock() + FIRST_ANSWER_SECONDS)
            self._finish_by = by
            self._changed.notify_all()
        self.on_news()

    def leave(self) -> None:
        """End the requests, and the stream once what is under way was answered: another follows."""
        self.leaving = True
        self.close()

    def close(self) -> None:
        """End the requests."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self.on_news()

    def cancel(self) -> None:
        """End the stream at once."""
        self.cancelled = True
        self.on_cancel()
