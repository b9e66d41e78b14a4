"""The transport: one stream after another, from the spool to the collector, in its own thread."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from headroom_agent.backoff import Backoff
from headroom_agent.channel import Endpoint, TlsFilesError
from headroom_agent.notices import Notices
from headroom_agent.progress import Progress, ReopenError
from headroom_agent.session import FIRST_ANSWER_SECONDS, Session, read_clocks
from headroom_agent.spool import Spool
from headroom_agent.spool_schema import SpoolError
from headroom_agent.wire import choose
from headroom_agent.wire.seam import Wire, WireError
from headroom_proto.v1 import telemetry_pb2

JOIN_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Speaker:
    """What a Hello says of the agent itself."""

    boot_id: str
    version: str
    interval_seconds: float
    hints: dict[str, str] = field(default_factory=dict)
    clocks: Callable[[], tuple[int, int]] = read_clocks

    def hello(self, spool: Spool) -> telemetry_pb2.Hello:
        """Return a Hello for what the spool holds now."""
        wall, boot = self.clocks()
        return telemetry_pb2.Hello(
            epoch=spool.epoch,
            boot_id=self.boot_id,
            agent_version=self.version,
            interval_seconds=self.interval_seconds,
            first_seq=spool.first_seq,
            next_seq=spool.next_seq,
            acked_seq=spool.acked_seq,
            carried_seq=spool.carried_seq,
            hints=self.hints,
            time_unix_nano=wall,
            boottime_nano=boot,
        )


class Transport:
    """
    Keeps a stream with the collector for as long as it runs.

    ``start`` once, ``wake`` after each append, ``stop`` at the end. Nothing of it ever blocks who
    calls ``wake``. ``on_missed`` is called when a collector lacks batches that are gone; ``wire``
    is the client that carries the streams.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        spool: Spool,
        speaker: Speaker,
        notices: Notices,
        backoff: Backoff,
        on_missed: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
        wire: Wire | None = None,
    ) -> None:
        self._endpoints, self._turn = endpoint.each(), 0
        self._spool, self._speaker = spool, speaker
        self._notices, self._backoff, self._clock = notices, backoff, clock
        self._on_missed = on_missed
        self._wire = wire or choose.make(choose.H2)
        self._mutex = threading.Lock()
        self._session: Session | None = None
        self._stopping = threading.Event()
        self._again = threading.Event()
        self._thread = threading.Thread(target=self._run, name="transport", daemon=True)

    def start(self) -> None:
        """Begin to connect."""
        self._thread.start()

    def wake(self) -> None:
        """Tell that the spool has more."""
        with self._mutex:
            session = self._session
        if session is not None:
            session.wake()

    def reconnect(self) -> None:
        """Begin another stream, with the certificate that is there now, once this one is done."""
        self._again.set()
        with self._mutex:
            session = self._session
        if session is not None:
            session.leave()

    def stop(self, drain_seconds: float) -> bool:
        """
        Send what is left, say goodbye and end.

        Takes ``drain_seconds`` and a little more at most; returns whether goodbye was said.
        """
        with self._mutex:
            self._stopping.set()
            session = self._session
        if session is not None:
            session.finish(self._clock() + drain_seconds)
        self._thread.join(FIRST_ANSWER_SECONDS)
        if session is None or session.progress.welcomed:
            self._thread.join(drain_seconds + JOIN_SECONDS)
        if self._thread.is_alive() and session is not None:
            session.close()
            session.cancel()  # no wire asks for requests before it is connected
            self._thread.join(JOIN_SECONDS)
        if not self._thread.is_alive():
            self._wire.close()
        return session is not None and session.said_goodbye

    def _run(self) -> None:
        while not self._stopping.is_set():
            fault = self._stream()
            if self._stopping.is_set():
                return
            if self._again.is_set():
                self._again.clear()
                continue  # asked for: no fault, and nothing to wait for
            if fault:
                self._notices.fault("collector", f"collector {self._endpoint.address}: {fault}")
            self._turn += 1
            if self._turn % len(self._endpoints) == 0:
                self._stopping.wait(self._backoff.next())

    @property
    def _endpoint(self) -> Endpoint:
        """The collector whose turn it is: the next one after a failure."""
        return self._endpoints[self._turn % len(self._endpoints)]

    def _stream(self) -> str:
        """Hold one stream until it ends; returns why in a line, empty for no fault."""
        hello, clocks = self._speaker.hello(self._spool), self._speaker.clocks
        session = Session(hello, Progress(self._spool), clocks=clocks)
        try:
            with self._mutex:
                self._session = session
                if self._stopping.is_set():
                    session.cancel()  # stopped just now: nobody waits for this stream
            self._wire.hold(self._endpoint, session, lambda answer: self._take(session, answer))
        except TlsFilesError as error:
            return f"cannot connect: {error}"
        except WireError as error:
            return session.ended or str(error)
        except (ReopenError, SpoolError) as error:
            return str(error)
        finally:
            session.close()
            with self._mutex:
                self._session = None
        return "" if session.said_goodbye else "closed the stream; connecting again"

    def _take(self, session: Session, response: telemetry_pb2.PushResponse) -> None:
        session.handle(response)
        if response.WhichOneof("kind") == "welcome":
            self._backoff.reset()
            if session.progress.missed:
                self._on_missed()
            line = f"collector {self._endpoint.address}: connected"
            self._notices.news("collector", line)
