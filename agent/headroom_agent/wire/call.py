"""One gRPC call over HTTP/2, without the network: bytes in, messages out, and the other way."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import unquote

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    Event,
    ResponseReceived,
    StreamEnded,
    StreamReset,
    TrailersReceived,
)
from h2.exceptions import H2Error
from h2.settings import SettingCodes, Settings

from headroom_agent.channel import Keepalive
from headroom_agent.wire.seam import WireError

PREFIX = 5
"""Bytes before a message: whether it is compressed, and its length (gRPC over HTTP/2, PROTOCOL)."""
FRAME_HEAD, SETTINGS = 9, 4
"""Bytes before a frame, and the type of the first one, the fourth of them (RFC 9113, 3.4 and 4.1)."""
MOST_BYTES = 64 * 1024
"""Longest answer that is taken; a collector's are of some dozen bytes."""
CODES = (
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
)
"""gRPC's status codes by number."""
PING = b"headroom"
Headers = list[tuple[str, str]]


def _connection() -> H2Connection:
    made = H2Connection(H2Configuration(client_side=True, header_encoding="utf-8"))
    made.local_settings = Settings(
        client=True,
        initial_values={
            SettingCodes.ENABLE_PUSH: 0,
            SettingCodes.INITIAL_WINDOW_SIZE: MOST_BYTES - 1,
            SettingCodes.MAX_HEADER_LIST_SIZE: 16 * 1024,
        },
    )
    return made


def status_of(headers: Headers) -> tuple[str, str] | None:
    """Return gRPC's status and its details, one line of 200 characters; None without one."""
    found = dict(headers)
    if "grpc-status" not in found:
        return None
    number = found["grpc-status"]
    known = number.isdecimal() and int(number) < len(CODES)
    details = " ".join(unquote(found.get("grpc-message", "")).split())
    return CODES[int(number)] if known else f"status {number}", details[:200]


@dataclass(slots=True)
class Call:
    """
    One stream to ``path``.

    ``send`` queues a message, ``outgoing`` gives the bytes that may go out now, ``feed`` takes
    bytes and gives the messages that are whole. ``idle`` says that nothing waits for the peer's
    window. Once the peer has ended the stream well, ``over`` is true; every other end raises
    WireError from ``feed``. Times are monotonic seconds.
    """

    authority: str
    path: str
    agent: str
    keepalive: Keepalive
    over: bool = False
    _h2: H2Connection = field(default_factory=_connection)
    _stream: int = 0
    _out: bytearray = field(default_factory=bytearray)
    _in: bytearray = field(default_factory=bytearray)
    _status: tuple[str, str] | None = None
    _ending: bool = False
    _ended: bool = False
    _heard: float = 0.0
    _pinged: float | None = None
    _met: bool = False

    def begin(self, now: float) -> None:
        """Queue HTTP/2's preface and the call's headers."""
        self._heard = now
        self._h2.initiate_connection()
        self._stream = self._h2.get_next_available_stream_id()
        self._h2.send_headers(
            self._stream,
            [
                (":method", "POST"),
                (":scheme", "https"),
                (":authority", self.authority),
                (":path", self.path),
                ("te", "trailers"),
                ("content-type", "application/grpc"),
                ("user-agent", self.agent),
            ],
        )

    @property
    def idle(self) -> bool:
        """Whether another message may be queued: no earlier one is held up."""
        return not self._out

    def send(self, message: bytes) -> None:
        """Queue a message."""
        self._out += b"\0" + len(message).to_bytes(4, "big") + message

    def finish(self) -> None:
        """Queue the end of what we send; once more is as good as once."""
        self._ending = True

    def outgoing(self) -> bytes:
        """Return the bytes that may go out now, as far as the peer's window is open."""
        try:
            self._pump()
        except H2Error as error:
            raise WireError(f"the connection broke: {error}") from None
        return self._h2.data_to_send()

    def _pump(self) -> None:
        h2, stream = self._h2, self._stream
        while self._out and (room := self._room()):
            h2.send_data(stream, bytes(self._out[:room]))
            del self._out[:room]
        if self._ending and not self._ended and not self._out:
            self._ended = True
            h2.end_stream(stream)

    def _room(self) -> int:
        window = self._h2.local_flow_control_window(self._stream)
        return min(window, self._h2.max_outbound_frame_size, len(self._out))

    def feed(self, data: bytes, now: float) -> Iterator[bytes]:
        """Take what came; yields whole messages. Raises WireError where the stream has ended ill."""
        self._heard, self._pinged = now, None
        if not self._met and len(data) >= FRAME_HEAD:
            self._met = True
            if data[3] != SETTINGS:
                raise WireError("speaks no HTTP/2 that can be understood: no settings at first")
        try:
            events = self._h2.receive_data(data)
        except H2Error as error:
            raise WireError(f"speaks no HTTP/2 that can be understood: {error}") from None
        for event in events:
            self._take(event)
            yield from self._messages()

    def _take(self, event: Event) -> None:
        match event:
            case DataReceived():
                self._in += event.data or b""
                size = event.flow_controlled_length or 0
                self._h2.acknowledge_received_data(size, self._stream)
            case ResponseReceived() | TrailersReceived():
                self._headers(event.headers)  # type: ignore[arg-type]  # text: header_encoding
            case StreamEnded():
                self._end()
            case StreamReset():
                raise WireError(f"the connection broke: stream reset ({event.error_code!s})")
            case ConnectionTerminated():
                more = (event.additional_data or b"").decode(errors="replace")
                raise WireError(f"it stopped{f': {more[:100]}' if more else ''}")

    def _headers(self, headers: Headers) -> None:
        self._status = status_of(headers) or self._status
        found = dict(headers)
        code = found.get(":status", "200")
        if self._status is None and (
            code != "200"
            or not found.get("content-type", "application/grpc").startswith("application/grpc")
        ):
            raise WireError(f"what answers there is no collector (HTTP status {code})")

    def _end(self) -> None:
        code, details = self._status or ("UNKNOWN", "it ended the stream without a status")
        if code != "OK":
            raise WireError(f"{code}: {details}")
        self.over = True

    def _messages(self) -> Iterator[bytes]:
        got = self._in
        while len(got) >= PREFIX:
            end = PREFIX + int.from_bytes(got[1:PREFIX], "big")
            if got[0] or end > MOST_BYTES:
                raise WireError("RESOURCE_EXHAUSTED: an answer that is compressed or too long")
            if len(got) < end:
                return
            message = bytes(got[PREFIX:end])
            del got[:end]
            yield message

    def keep_alive(self, now: float) -> float:
        """
        Ask a peer that has long been silent; returns the seconds until this is called again.

        Raises WireError where it has not answered in time.
        """
        if self._pinged is None:
            left = self._heard + self.keepalive.idle_seconds - now
            if left > 0:
                return left
            self._h2.ping(PING)
            self._pinged = now
        left = self._pinged + self.keepalive.answer_seconds - now
        if left <= 0:
            raise WireError("no answer; is it reachable?")
        return left

    def abandon(self) -> bytes:
        """Return the bytes that tell the peer that nobody waits for it any more."""
        try:
            self._h2.close_connection()
        except H2Error:
            return b""
        return self._h2.data_to_send()
