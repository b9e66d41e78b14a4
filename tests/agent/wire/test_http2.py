"""The agent's own client where the peer misbehaves: one line each, and never a hang."""

import os
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.settings import SettingCodes
from rigs.peer import Pki

from headroom_agent.channel import Endpoint, Keepalive
from headroom_agent.session import Session
from headroom_agent.wire.http2 import Http2Wire
from headroom_agent.wire.link import Bell
from headroom_agent.wire.seam import WireError
from headroom_core.identity import COLLECTOR_NAME
from headroom_proto.v1 import telemetry_pb2 as pb

PATIENT = Keepalive()
Handler = Callable[[ssl.SSLSocket], object]


@pytest.fixture
def pki(tmp_path: Path) -> Pki:
    return Pki(trustme.CA(), tmp_path / "pki")


class Nothing:
    """A spool's progress on a stream that is never welcomed."""

    def __init__(self, *, waiting: bool = False) -> None:
        self.waiting = [1] if waiting else []
        self.welcomed = waiting
        self.not_before = self.heartbeat_seconds = 0.0
        self.batches: list[pb.Batches] = []

    def take(self, now: float) -> pb.Batches | None:
        return self.batches.pop() if self.batches else None

    def drained(self) -> bool:
        return False


def session(progress: Nothing | None = None) -> Session:
    return Session(pb.Hello(boot_id="boot"), progress or Nothing())  # type: ignore[arg-type]


@pytest.fixture
def serve(pki: Pki) -> Iterator[Callable[..., Endpoint]]:
    """Answer one connection over TLS with a function; returns where."""
    with ExitStack() as stack:

        def serving(
            handler: Handler,
            *,
            name: str = COLLECTOR_NAME,
            alpn: str = "h2",
            expires: datetime | None = None,
            keepalive: Keepalive = PATIENT,
        ) -> Endpoint:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            pki.ca.issue_cert(name, not_after=expires).configure_cert(context)
            pki.ca.configure_trust(context)
            context.verify_mode = ssl.CERT_REQUIRED
            if alpn:
                context.set_alpn_protocols([alpn])
            listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))

            def run() -> None:
                raw = listener.accept()[0]
                with closing(raw):
                    raw.settimeout(20)
                    try:
                        with context.wrap_socket(raw, server_side=True) as link:
                            handler(link)
                    except OSError:
                        return  # the client hung up, which is what some tests are about

            thread = threading.Thread(target=run)
            thread.start()
            stack.callback(thread.join)
            tls = pki.agent()
            address = f"127.0.0.1:{listener.getsockname()[1]}"
            return Endpoint(address, tls / "ca.pem", tls / "cert.pem", tls / "key.pem", keepalive)

        yield serving


def fault(endpoint: Endpoint, talk: Session | None = None) -> str:
    """Hold a stream that breaks; returns the line."""
    wire = Http2Wire()
    with closing(wire), pytest.raises(WireError) as caught:
        wire.hold(endpoint, talk or session(), lambda _: None)
    return str(caught.value)


def until_closed(link: ssl.SSLSocket) -> None:
    while link.recv(1 << 16):
        pass


def greeted(link: ssl.SSLSocket, window: int = 65_535) -> H2Connection:
    """Be an HTTP/2 server that has said its first words."""
    h2 = H2Connection(H2Configuration(client_side=False))
    h2.local_settings.update({SettingCodes.INITIAL_WINDOW_SIZE: window})
    h2.local_settings.acknowledge()
    h2.initiate_connection()
    link.sendall(h2.data_to_send())
    return h2


def test_a_certificate_of_another_name_is_no_collectors(serve: Callable[..., Endpoint]) -> None:
    endpoint = serve(until_closed, name="web.example.org")
    assert fault(endpoint) == "its certificate is not a collector's"


def test_a_certificate_that_has_expired_says_so(serve: Callable[..., Endpoint]) -> None:
    endpoint = serve(until_closed, expires=datetime.now(UTC) - timedelta(days=1))
    assert fault(endpoint) == "its certificate has expired; is the clock right, here and there?"


def test_a_peer_without_http2_is_no_collector(serve: Callable[..., Endpoint]) -> None:
    endpoint = serve(until_closed, alpn="http/1.1")
    assert fault(endpoint) == "what listens there is no collector; is the port the gRPC one?"


def test_a_peer_that_talks_nonsense_is_told_so(serve: Callable[..., Endpoint]) -> None:
    def greet(link: ssl.SSLSocket) -> None:
        link.sendall(b"220 smtp ready\r\n" * 4)
        until_closed(link)

    assert fault(serve(greet)).startswith("speaks no HTTP/2 that can be understood")


def test_a_connection_that_is_cut_broke(serve: Callable[..., Endpoint]) -> None:
    def cut_after_answering(link: ssl.SSLSocket) -> None:
        link.recv(1 << 16)
        greeted(link)
        link.unwrap()

    assert fault(serve(cut_after_answering)) == "the connection broke"


def test_a_dead_peer_is_noticed_by_its_silence(serve: Callable[..., Endpoint]) -> None:
    def freeze(link: ssl.SSLSocket) -> None:
        greeted(link)
        until_closed(link)

    endpoint = serve(freeze, keepalive=Keepalive(0.2, 0.3))
    assert fault(endpoint) == "no answer; is it reachable?"


def test_a_window_that_never_opens_does_not_hold_the_stream_for_ever(
    serve: Callable[..., Endpoint],
) -> None:
    def mean(link: ssl.SSLSocket) -> None:
        greeted(link, window=10)
        until_closed(link)

    progress = Nothing(waiting=True)
    progress.batches = [pb.Batches(batches=[pb.Batch(payload=bytes(1000))])]
    times = iter([0.0, 0.0, 0.0, 0.0] + [61.0] * 1000)
    talk = session(progress)
    talk.clock = lambda: next(times)
    fault(serve(mean), talk)
    assert talk.ended == "the collector does not answer"


def test_cancelling_ends_a_connection_that_is_being_made(pki: Pki) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        tls = pki.agent()
        endpoint = Endpoint(
            f"127.0.0.1:{silent.getsockname()[1]}",
            tls / "ca.pem",
            tls / "cert.pem",
            tls / "key.pem",
        )
        talk = session()
        timer = threading.Timer(0.2, talk.cancel)
        timer.start()
        assert fault(endpoint, talk) == "stopped before the collector answered"
        timer.join()


def test_a_key_with_a_password_is_refused_without_asking(pki: Pki, tmp_path: Path) -> None:
    from cryptography.hazmat.primitives import serialization as ser

    tls = pki.agent()
    key = ser.load_pem_private_key((tls / "key.pem").read_bytes(), None)
    kind = ser.PrivateFormat.TraditionalOpenSSL
    locked = key.private_bytes(ser.Encoding.PEM, kind, ser.BestAvailableEncryption(b"secret"))
    (tmp_path / "locked.pem").write_bytes(locked)
    endpoint = Endpoint("127.0.0.1:1", tls / "ca.pem", tls / "cert.pem", tmp_path / "locked.pem")
    assert fault(endpoint) == "the key has a password; the agent needs one without"


def test_a_bell_that_rang_often_or_is_gone_is_no_fault() -> None:
    bell = Bell()
    for _ in range(100_000):
        bell.ring()
    bell.hush()
    descriptor = bell.fileno()
    bell.close()
    bell.ring()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)
