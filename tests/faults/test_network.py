"""Networks that swallow, lose and crawl, in namespaces of their own."""

import time
from collections.abc import Iterator

import pytest
from rigs.delivery.field import Actor, Field
from rigs.delivery.network import FAR, Wire, wire


@pytest.fixture
def between(field_: Field) -> Iterator[Wire]:
    with wire() as made:
        field_.listen = FAR
        yield made


@pytest.fixture
def ends(field_: Field, between: Wire) -> tuple[Actor, Actor]:
    receiver = field_.receiver(prefix=between.inside(between.far))
    sender = field_.sender(None, "--pause", "0.05", prefix=between.inside(between.near))
    receiver.start()
    field_.start(sender)
    field_.grow()
    return receiver, sender


def test_a_black_hole_is_noticed_and_what_waited_arrives(
    field_: Field, between: Wire, ends: tuple[Actor, Actor], table, long: int
) -> None:
    receiver, sender = ends
    for _ in range(long):
        field_.drained()
        between.filter("-p", "tcp")
        time.sleep(4)  # longer than the 1 s of idleness and 1 s for an answer
        assert field_.waiting() > 5
        between.clear()
        field_.drained()
    table.note("black hole for 4 s", long, field_.finish(sender, receiver))


def test_a_half_open_connection_is_given_up(
    field_: Field, between: Wire, ends: tuple[Actor, Actor], table, long: int
) -> None:
    receiver, sender = ends
    for _ in range(long):
        field_.drained()
        between.filter("-p", "tcp")
        receiver.kill()  # and the agent never hears of it
        receiver.start()
        time.sleep(1)
        between.clear()
        field_.drained()
    table.note("half-open connection", long, field_.finish(sender, receiver))


def test_a_third_of_all_packets_lost_loses_no_sample(
    field_: Field, between: Wire, ends: tuple[Actor, Actor], table, long: int
) -> None:
    receiver, sender = ends
    for _ in range(long):
        between.filter("-m", "statistic", "--mode", "random", "--probability", "0.3")
        field_.grow(60)
        between.clear()
        field_.drained()
    table.note("30 % of the packets lost", long, field_.finish(sender, receiver))


def test_a_wire_of_64_kbit_loses_no_sample(
    field_: Field, between: Wire, ends: tuple[Actor, Actor], table, long: int
) -> None:
    receiver, sender = ends
    for _ in range(long):
        between.narrow("64kbit")
        field_.grow(60)
        between.widen()
        field_.drained()
    table.note("64 kbit/s", long, field_.finish(sender, receiver))
