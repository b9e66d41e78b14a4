"""One call over HTTP/2 without a network: against a server's half made of h2."""

from collections.abc import Iterator

import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, Event, PingReceived, RequestReceived, StreamEnded
from h2.settings import SettingCodes
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom_agent.channel import Keepalive
from headroom_agent.wire.call import MOST_BYTES, Call
from headroom_agent.wire.seam import WireError

RESPONSE = [(":status", "200"), ("content-type", "application/grpc")]


class Server:
    """The other side; ``call`` and it are joined by hand."""

    def __init__(self, window: int = 65_535, frame: int = 16_384) -> None:
        self.call = Call("collector", "/a.B/Push", "agent/1", Keepalive(20.0, 10.0))
        self.h2 = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
        self.h2.local_settings.update(
            {SettingCodes.INITIAL_WINDOW_SIZE: window, SettingCodes.MAX_FRAME_SIZE: frame}
        )
        self.h2.local_settings.acknowledge()
        self.events: list[Event] = []
        self.got = bytearray()
        self.h2.initiate_connection()
        self.call.begin(100.0)
        self.turn()

    def turn(self, chunk: int = 1 << 20) -> list[bytes]:
        """Carry what each has to say to the other; returns the messages that the call got."""
        messages: list[bytes] = []
        for _ in range(50):
            out, back = self.call.outgoing(), self.h2.data_to_send()
            if not out and not back:
                break
            for event in self.h2.receive_data(out):
                self.events.append(event)
                if isinstance(event, DataReceived):
                    self.got += event.data or b""
            for start in range(0, len(back), chunk):
                messages += self.call.feed(back[start : start + chunk], 101.0)
        return messages

    def open(self) -> None:
        """Let the peer's windows be as large as they were."""
        consumed = len(self.got)
        self.got.clear()
        self.h2.acknowledge_received_data(consumed, 1)

    def answer(self, *messages: bytes, padding: int | None = None) -> None:
        for message in messages:
            framed = b"\0" + len(message).to_bytes(4, "big") + message
            self.h2.send_data(1, framed, pad_length=padding)

    def end(self, status: int, details: str = "") -> None:
        trailers = [("grpc-status", str(status)), ("grpc-message", details)]
        self.h2.send_headers(1, trailers, end_stream=True)


@pytest.fixture
def server() -> Server:
    made = Server()
    made.h2.send_headers(1, RESPONSE)
    made.turn()
    return made


def of_kind(events: list[Event], kind: type[Event]) -> Iterator[Event]:
    return (event for event in events if isinstance(event, kind))


def test_the_call_is_opened_as_grpc_says(server: Server) -> None:
    request = next(of_kind(server.events, RequestReceived))
    assert isinstance(request, RequestReceived)
    told: dict[object, object] = dict(request.headers or [])
    assert told == {
        ":method": "POST",
        ":scheme": "https",
        ":authority": "collector",
        ":path": "/a.B/Push",
        "te": "trailers",
        "content-type": "application/grpc",
        "user-agent": "agent/1",
    }


def test_messages_go_out_with_their_length_before_them(server: Server) -> None:
    server.call.send(b"abc")
    server.call.send(b"")
    server.turn()
    assert bytes(server.got) == b"\0\0\0\0\3abc\0\0\0\0\0"


def test_no_more_goes_out_than_the_peers_windows_allow() -> None:
    server = Server(window=1000)
    message = bytes(range(256)) * 10
    server.call.send(message)
    server.turn()
    assert len(server.got) == 1000
    assert not server.call.idle
    got = b""
    for _ in range(5):
        got += bytes(server.got)
        server.open()
        server.turn()
    assert got == b"\0" + len(message).to_bytes(4, "big") + message
    assert server.call.idle


def test_a_message_of_many_frames_arrives_whole() -> None:
    server = Server(window=1 << 20)
    server.h2.increment_flow_control_window(1 << 20)
    server.call.send(bytes(500_000))
    server.turn()
    assert len(server.got) == 500_005


def test_the_windows_for_answers_never_close(server: Server) -> None:
    got = 0
    for _ in range(100):
        server.answer(bytes(5000))
        got += sum(len(message) for message in server.turn())
    assert got == 500_000


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.binary(max_size=300), max_size=12),
    st.integers(1, 97),
    st.none() | st.integers(0, 255),
)
def test_answers_arrive_however_they_are_cut_and_padded(
    messages: list[bytes], chunk: int, padding: int | None
) -> None:
    server = Server()
    server.h2.send_headers(1, RESPONSE)
    server.answer(*messages, padding=padding)
    assert server.turn(chunk) == messages


def test_the_end_comes_after_what_was_sent_and_once(server: Server) -> None:
    server.call.send(b"last")
    server.call.finish()
    server.call.finish()
    server.turn()
    assert bytes(server.got).endswith(b"last")
    assert len(list(of_kind(server.events, StreamEnded))) == 1
    server.end(0)
    server.turn()
    assert server.call.over


@pytest.mark.parametrize(
    ("status", "details", "line"),
    [
        (14, "the collector stops; connect again later", "UNAVAILABLE: the collector stops;"),
        (3, "a%20hole%0Aof 3 %E2%82%AC", "INVALID_ARGUMENT: a hole of 3 €"),
        (77, "odd", "status 77: odd"),
        (16, "x" * 5000, "UNAUTHENTICATED: " + "x" * 200),
    ],
)
def test_a_status_that_is_not_good_is_one_line(
    server: Server, status: int, details: str, line: str
) -> None:
    server.end(status, details)
    with pytest.raises(WireError) as caught:
        server.turn()
    assert str(caught.value).startswith(line)
    assert len(str(caught.value)) <= 220


def test_a_refusal_without_any_answer_is_told() -> None:
    server = Server()
    server.h2.send_headers(1, [*RESPONSE, ("grpc-status", "12")], end_stream=True)
    with pytest.raises(WireError, match="UNIMPLEMENTED"):
        server.turn()


def test_an_end_without_a_status_is_no_good_end(server: Server) -> None:
    server.h2.end_stream(1)
    with pytest.raises(WireError, match="without a status"):
        server.turn()


@pytest.mark.parametrize(
    "headers",
    [
        [(":status", "404"), ("content-type", "text/html")],
        [(":status", "200"), ("content-type", "text/html")],
    ],
)
def test_a_web_server_is_no_collector(headers: list[tuple[str, str]]) -> None:
    server = Server()
    server.h2.send_headers(1, headers)
    with pytest.raises(WireError, match="no collector"):
        server.turn()


def test_a_reset_and_a_goodbye_end_the_call(server: Server) -> None:
    server.h2.reset_stream(1, 8)
    with pytest.raises(WireError, match="stream reset"):
        server.turn()
    other = Server()
    other.h2.close_connection(additional_data=b"too_many_pings")
    with pytest.raises(WireError, match="it stopped: too_many_pings"):
        other.turn()


@pytest.mark.parametrize("head", [b"\1\0\0\0\2", b"\0" + MOST_BYTES.to_bytes(4, "big")])
def test_an_answer_that_is_compressed_or_too_long_is_refused(server: Server, head: bytes) -> None:
    server.h2.send_data(1, head + b"ab")
    with pytest.raises(WireError, match="compressed or too long"):
        server.turn()


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400), st.integers(0, 3))
def test_garbage_never_raises_anything_but_a_wire_error(garbage: bytes, valid: int) -> None:
    server = Server()
    server.h2.send_headers(1, RESPONSE)
    server.answer(b"good")
    prefix = server.h2.data_to_send()[: valid * 20]
    try:
        for part in (prefix, garbage):
            list(server.call.feed(part, 101.0))
        server.call.outgoing()
    except WireError:
        return


def test_a_peer_that_is_silent_is_asked_and_then_given_up(server: Server) -> None:
    assert server.call.keep_alive(110.0) == pytest.approx(11.0)
    assert server.call.keep_alive(121.0) == pytest.approx(10.0)
    assert server.call.keep_alive(125.0) == pytest.approx(6.0)
    server.turn()
    assert len(list(of_kind(server.events, PingReceived))) == 1
    assert server.call.keep_alive(102.0) == pytest.approx(19.0)


def test_a_peer_that_does_not_answer_a_ping_is_given_up(server: Server) -> None:
    server.call.keep_alive(121.0)
    for now in range(122, 131):
        server.call.keep_alive(float(now))
    with pytest.raises(WireError, match="no answer; is it reachable"):
        server.call.keep_alive(131.0)
