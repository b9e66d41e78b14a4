"""One stream: it gives up on a collector that is silent, and ends in time."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from headroom_agent.notices import Notices
from headroom_agent.progress import Progress
from headroom_agent.session import FIRST_ANSWER_SECONDS, STALL_SECONDS, WELCOME_SECONDS, Session
from headroom_agent.spool import Limits, Spool
from headroom_proto.v1 import telemetry_pb2 as pb


class Clock:
    """Monotonic seconds, set by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    made = Spool(tmp_path / "spool.db", Limits(), Notices(logging.getLogger("spool")))
    made.append(b"a", "boot")
    yield made
    made.close()


@pytest.fixture
def session(spool: Spool, clock: Clock) -> Session:
    return Session(pb.Hello(epoch=spool.epoch), Progress(spool), clock)


WELCOME = pb.PushResponse(welcome=pb.Welcome(high_water=0, window=4))


def kind(requests: Iterator[pb.PushRequest]) -> str | None:
    request = next(requests, None)
    return None if request is None else request.WhichOneof("kind")


def test_a_stream_begins_with_a_hello_then_batches_then_goodbye(
    session: Session, spool: Spool, clock: Clock
) -> None:
    requests = session.requests()
    assert kind(requests) == "hello"
    session.handle(WELCOME)
    assert kind(requests) == "batches"
    session.handle(pb.PushResponse(ack=pb.Ack(epoch=spool.epoch, seq=1)))
    session.finish(clock.now + 5)
    assert kind(requests) == "goodbye"
    assert kind(requests) is None
    assert session.said_goodbye


def test_a_collector_that_does_not_welcome_is_given_up(session: Session, clock: Clock) -> None:
    cancelled = []
    session.on_cancel = lambda: cancelled.append(True)
    requests = session.requests()
    assert kind(requests) == "hello"
    clock.now += WELCOME_SECONDS
    assert kind(requests) is None
    assert cancelled == [True]
    assert session.ended == "the collector does not answer"


def test_a_collector_that_does_not_acknowledge_is_given_up(session: Session, clock: Clock) -> None:
    requests = session.requests()
    assert kind(requests) == "hello"
    session.handle(WELCOME)
    clock.now += 1000
    assert kind(requests) == "batches"
    clock.now += STALL_SECONDS
    assert kind(requests) is None
    assert session.ended == "the collector does not answer"


def test_goodbye_does_not_wait_for_an_acknowledgement_for_ever(
    session: Session, clock: Clock
) -> None:
    requests = session.requests()
    assert kind(requests) == "hello"
    session.handle(WELCOME)
    assert kind(requests) == "batches"
    session.finish(clock.now + 5)
    clock.now += 5
    assert kind(requests) == "goodbye"


def test_a_collector_that_never_answered_gets_no_goodbye(session: Session, clock: Clock) -> None:
    cancelled = []
    session.on_cancel = lambda: cancelled.append(True)
    requests = session.requests()
    assert kind(requests) == "hello"
    session.finish(clock.now + 5)
    clock.now += FIRST_ANSWER_SECONDS
    assert kind(requests) is None
    assert cancelled == [True]
    assert not session.said_goodbye


def test_a_closed_session_ends_its_requests(session: Session) -> None:
    requests = session.requests()
    assert kind(requests) == "hello"
    session.close()
    assert kind(requests) is None
    assert not session.said_goodbye


def test_an_answer_of_a_newer_collector_is_passed_over(session: Session) -> None:
    session.handle(pb.PushResponse())
    assert not session.progress.welcomed
