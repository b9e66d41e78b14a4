"""One stream with the collector: what goes out, what comes in, and when to give up."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from headroom_agent.progress import Progress
from headroom_agent.spool_schema import SpoolError
from headroom_proto.v1 import telemetry_pb2

WELCOME_SECONDS = 20.0
STALL_SECONDS = 60.0
FIRST_ANSWER_SECONDS = 1.0


@dataclass(slots=True)
class Session:
    """
    Feeds one call and takes its answers.

    ``requests`` runs in a thread of gRPC's, ``handle`` in the transport's, the rest in any. A
    session that cannot go on says why in ``ended`` and calls ``cancel``.
    """

    hello: telemetry_pb2.Hello
    progress: Progress
    clock: Callable[[], float] = time.monotonic
    cancel: Callable[[], object] = lambda: None
    ended: str = ""
    said_goodbye: bool = False
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _closed: bool = False
    _finish_by: float | None = None
    _heard: float = 0.0

    def requests(self) -> Iterator[telemetry_pb2.PushRequest]:
        """Yield what goes out: Hello, batches, Goodbye; waits in between."""
        self._heard = self.clock()
        yield telemetry_pb2.PushRequest(hello=self.hello)
        while (request := self._next()) is not None:
            yield request

    def _next(self) -> telemetry_pb2.PushRequest | None:
        """Wait for what goes out next; None at the end."""
        with self._changed:
            while not self._closed and not self.said_goodbye:
                now, idle = self.clock(), not self.progress.waiting
                try:
                    batches = self.progress.take(now)
                    finished = self._finish_by is not None and (
                        self.progress.drained() or now >= self._finish_by
                    )
                except SpoolError as error:
                    self._end(str(error))
                    return None
                if batches is not None:
                    self._heard = now if idle else self._heard
                    return telemetry_pb2.PushRequest(batches=batches)
                if finished and not self.progress.welcomed:
                    self._end("stopped before the collector answered")
                    return None
                if finished:
                    self.said_goodbye = True
                    goodbye = telemetry_pb2.Goodbye(reason="the agent was told to stop")
                    return telemetry_pb2.PushRequest(goodbye=goodbye)
                patience = self._patience(now)
                if patience <= 0:
                    self._end("the collector does not answer")
                    return None
                self._changed.wait(patience)
        return None

    def _patience(self, now: float) -> float:
        """Seconds until something has to be done even if nothing happens."""
        waits = [STALL_SECONDS]
        if not self.progress.welcomed:
            waits.append(self._heard + WELCOME_SECONDS - now)
        elif self.progress.waiting:
            waits.append(self._heard + STALL_SECONDS - now)
        if self.progress.not_before > now:
            waits.append(self.progress.not_before - now)
        if self._finish_by is not None:
            waits.append(self._finish_by - now)
        return min(waits)

    def _end(self, reason: str) -> None:
        self.ended, self._closed = reason, True
        self.cancel()

    def handle(self, response: telemetry_pb2.PushResponse) -> None:
        """Take an answer; raises ReopenError or SpoolError where the stream cannot go on."""
        with self._changed:
            self._heard = self.clock()
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

    def close(self) -> None:
        """End the requests."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
