"""The stream over real mutual TLS: every batch arrives once, whatever comes in between."""

import logging
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import trustme
from rigs.peer import Listening, Peer, Pki, ack
from rigs.ports import free_port

from headroom_agent.backoff import Backoff
from headroom_agent.channel import Endpoint
from headroom_agent.notices import Notices
from headroom_agent.spool import Limits, Spool
from headroom_agent.transport import Speaker, Transport
from headroom_agent.wire.grpcio import GrpcioWire
from headroom_agent.wire.http2 import Http2Wire
from headroom_agent.wire.seam import Wire
from headroom_proto.v1 import telemetry_pb2 as pb


@dataclass
class Lines(logging.Handler):
    """The log's lines, that can be waited for."""

    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self.changed = threading.Condition()

    __hash__ = logging.Handler.__hash__

    def emit(self, record: logging.LogRecord) -> None:
        with self.changed:
            self.said.append(record.getMessage())
            self.changed.notify_all()

    def wait(self, part: str) -> str:
        def found() -> list[str]:
            return [line for line in self.said if part in line]

        with self.changed:
            assert self.changed.wait_for(found, 15), self.said
            return found()[0]


@pytest.fixture
def lines() -> Iterator[Lines]:
    handler, logger = Lines(), logging.getLogger("transport")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield handler
    logger.removeHandler(handler)


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    return Pki(trustme.CA(), tmp_path_factory.mktemp("pki"))


@pytest.fixture
def listening(pki: Pki) -> Iterator[Listening]:
    made = Listening(pki, Peer()).start()
    yield made
    made.stop()


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    made = Spool(tmp_path / "spool.db", Limits(), Notices(logging.getLogger("transport")))
    yield made
    made.close()


Start = Callable[[str, Path], Transport]


@pytest.fixture(params=[Http2Wire, GrpcioWire])
def wire(request: pytest.FixtureRequest) -> Wire:
    made: Wire = request.param()
    return made


@pytest.fixture
def start(spool: Spool, lines: Lines, wire: Wire) -> Iterator[Start]:
    made: list[Transport] = []

    def transport(address: str, tls: Path) -> Transport:
        speaker = Speaker("boot", "0.1.0", 10.0, {"site": "paris"})
        endpoint = Endpoint(address, tls / "ca.pem", tls / "cert.pem", tls / "key.pem")
        notices = Notices(logging.getLogger("transport"))
        backoff = Backoff(first=0.05, most=0.2, chance=lambda: 1.0)
        made.append(Transport(endpoint, spool, speaker, notices, backoff, wire=wire))
        made[-1].start()
        return made[-1]

    yield transport
    for each in made:
        each.stop(0.0)


def fill(spool: Spool, count: int, size: int = 10) -> None:
    for _ in range(count):
        spool.append(bytes(size), "boot")


def test_the_spool_is_sent_acknowledged_and_freed(
    listening: Listening, pki: Pki, spool: Spool, start: Start
) -> None:
    fill(spool, 20)
    transport = start(listening.address, pki.agent())
    hello = listening.peer.hello()
    assert (hello.epoch, hello.first_seq, hello.next_seq) == (spool.epoch, 1, 21)
    assert dict(hello.hints) == {"site": "paris"}
    fill(spool, 5)
    transport.wake()
    listening.peer.wait(lambda: listening.peer.high_water == 25)
    assert listening.peer.seqs() == list(range(1, 26))
    assert transport.stop(5.0)
    assert listening.peer.goodbye.wait(10)
    assert spool.first_seq == spool.next_seq == 26


def test_no_message_is_larger_than_the_collector_takes(
    listening: Listening, pki: Pki, spool: Spool, start: Start
) -> None:
    fill(spool, 12, size=200_000)
    start(listening.address, pki.agent())
    listening.peer.wait(lambda: listening.peer.high_water == 12)
    assert max(listening.peer.sizes) <= 512 * 1024


def test_a_collector_that_comes_later_gets_everything(
    pki: Pki, spool: Spool, start: Start, lines: Lines
) -> None:
    fill(spool, 3)
    listening = Listening(pki, Peer(), port=free_port())
    start(listening.address, pki.agent())
    line = lines.wait("nothing listens there")
    assert line == (
        f"collector {listening.address}: nothing listens there; is the collector running?"
    )
    listening.start()
    listening.peer.wait(lambda: listening.peer.high_water == 3)
    lines.wait("connected")
    listening.stop()


def test_after_a_break_nothing_is_lost_and_nothing_comes_twice(
    listening: Listening, pki: Pki, spool: Spool, start: Start
) -> None:
    transport = start(listening.address, pki.agent())
    for high_water in (10, 20, 30):
        fill(spool, 10)
        transport.wake()
        expected = high_water
        listening.peer.wait(lambda: listening.peer.high_water == expected)  # noqa: B023 - same turn
        listening.stop()
        listening.start()
    assert listening.peer.seqs() == list(range(1, 31))


def test_a_hole_is_filled_again(
    listening: Listening, pki: Pki, spool: Spool, start: Start
) -> None:
    lost = [3, 7]

    def lose(peer: Peer, batch: pb.Batch) -> list[pb.PushResponse]:
        if batch.seq in lost:
            lost.remove(batch.seq)
            return []
        return ack(peer, batch)

    listening.peer.answer = lose
    fill(spool, 12)
    start(listening.address, pki.agent())
    listening.peer.wait(lambda: listening.peer.high_water == 12)
    assert listening.peer.seqs() == list(range(1, 13))
    assert lost == []


def test_a_gap_in_the_spool_is_declared_with_the_batch_behind_it(
    listening: Listening, pki: Pki, spool: Spool, start: Start
) -> None:
    fill(spool, 6)
    spool._connection.execute("DELETE FROM batches WHERE seq IN (3, 4)")
    spool._connection.commit()
    start(listening.address, pki.agent())
    listening.peer.wait(lambda: listening.peer.high_water == 6)
    assert listening.peer.seqs() == [1, 2, 5, 6]
    assert [batch.missing_before for batch in listening.peer.stored] == [0, 0, 2, 0]


def test_a_spool_restored_from_a_backup_begins_a_new_epoch(
    listening: Listening, pki: Pki, spool: Spool, start: Start, lines: Lines
) -> None:
    fill(spool, 3)
    epoch = spool.epoch
    listening.peer.high_water = 50
    start(listening.address, pki.agent())
    lines.wait("the spool is not what the collector has of it; began a new epoch")
    listening.peer.wait(lambda: listening.peer.seqs() == [1, 2, 3])
    assert {batch.epoch for batch in listening.peer.stored} == {spool.epoch}
    assert spool.epoch != epoch


def test_a_throttled_agent_sends_again(
    listening: Listening, pki: Pki, spool: Spool, start: Start
) -> None:
    refused: list[int] = []

    def throttle(peer: Peer, batch: pb.Batch) -> list[pb.PushResponse]:
        if not refused:
            refused.append(batch.seq)
            answer = pb.Throttle(delay_seconds=0.2, reason="the disk is full")
            return [pb.PushResponse(throttle=answer)]
        return ack(peer, batch)

    listening.peer.answer = throttle
    listening.peer.window = 1
    fill(spool, 3)
    start(listening.address, pki.agent())
    listening.peer.wait(lambda: listening.peer.high_water == 3)
    assert listening.peer.seqs() == [1, 2, 3]
    assert refused == [1]


def test_a_ca_that_did_not_sign_the_collector_is_one_line(
    listening: Listening, pki: Pki, start: Start, lines: Lines, tmp_path: Path
) -> None:
    start(listening.address, Pki(trustme.CA(), tmp_path).agent())
    assert "its certificate is not of the CA in the agent's CA file" in lines.wait("collector 127")
    assert listening.peer.messages.empty()


def test_an_agent_of_another_ca_is_told_so(
    listening: Listening, pki: Pki, start: Start, lines: Lines, tmp_path: Path
) -> None:
    tls = Pki(trustme.CA(), tmp_path).agent()
    pki.ca.cert_pem.write_to_path(str(tls / "ca.pem"))
    start(listening.address, tls)
    assert "does not accept our certificate" in lines.wait("collector 127")


def test_a_key_of_another_certificate_is_named(
    listening: Listening, pki: Pki, start: Start, lines: Lines, tmp_path: Path
) -> None:
    tls = pki.agent("odd")
    pki.ca.issue_cert("else").private_key_pem.write_to_path(str(tls / "key.pem"))
    start(listening.address, tls)
    line = lines.wait("collector 127")
    assert "key and certificate of this host do not fit together" in line


def test_a_port_of_something_else_is_named(pki: Pki, start: Start, lines: Lines) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        start(f"127.0.0.1:{server.server_port}", pki.agent())
        assert "what listens there is no collector" in lines.wait("collector 127")
        server.shutdown()
        thread.join()


def test_a_name_that_does_not_exist_is_named(pki: Pki, start: Start, lines: Lines) -> None:
    start("no-such-host.invalid:9440", pki.agent())
    assert "the name cannot be resolved" in lines.wait("collector no-such-host.invalid:9440")


def test_stopping_does_not_wait_for_a_peer_that_says_nothing(
    pki: Pki, start: Start, spool: Spool
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        transport = start(f"127.0.0.1:{silent.getsockname()[1]}", pki.agent())
        with silent.accept()[0]:
            assert not transport.stop(5.0)
            assert not transport._thread.is_alive()


def test_certificates_that_are_missing_are_named_and_waited_for(
    listening: Listening, pki: Pki, spool: Spool, start: Start, lines: Lines, tmp_path: Path
) -> None:
    fill(spool, 1)
    tls = tmp_path / "tls"
    start(listening.address, tls)
    assert f"{tls}/ca.pem: cannot be read: No such file or directory; --ca FILE or" in (
        lines.wait("cannot connect")
    )
    later = pki.agent("late")
    later.rename(tls)
    listening.peer.wait(lambda: listening.peer.high_water == 1)


def test_stopping_does_not_wait_for_a_collector_that_is_not_there(
    pki: Pki, spool: Spool, start: Start, lines: Lines
) -> None:
    fill(spool, 1)
    transport = start(f"127.0.0.1:{free_port()}", pki.agent())
    lines.wait("nothing listens there")
    assert not transport.stop(5.0)
    assert not transport._thread.is_alive()
    assert spool.first_seq == 1


def test_the_next_collector_is_taken_after_a_failure(
    listening: Listening, pki: Pki, spool: Spool, start: Start
) -> None:
    other = Listening(pki, Peer()).start()
    fill(spool, 3)
    start(f"{listening.address}, {other.address}", pki.agent())
    listening.peer.wait(lambda: listening.peer.high_water == 3)
    listening.stop()
    fill(spool, 2)
    other.peer.wait(lambda: other.peer.high_water == 5)
    assert {batch.seq for batch in other.peer.stored} >= {4, 5}
    other.stop()
    listening.start()
