"""kill -9 and SIGSTOP of either side, of both, and between a commit and its acknowledgement."""

import random
import signal
import time
from collections.abc import Iterator

import pytest
from rigs.delivery.field import Field, wait_for
from rigs.proxy import Proxy

CHANCE = random.Random(20_26)


def test_a_killed_sender_loses_and_doubles_nothing(field_: Field, table, short: int) -> None:
    receiver, sender = field_.receiver(), field_.sender()
    receiver.start()
    field_.start(sender)
    for _ in range(short):
        field_.grow(CHANCE.randrange(1, 25))
        sender.kill()
        field_.start(sender)
    field_.grow()
    table.note("kill -9 of the agent", short, field_.finish(sender, receiver))


def test_a_killed_receiver_loses_and_doubles_nothing(field_: Field, table, short: int) -> None:
    receiver, sender = field_.receiver(), field_.sender()
    receiver.start()
    field_.start(sender)
    field_.grow()
    for turn in range(short):
        if turn % 3 == 0:
            field_.drained()  # else it may be hit before it is up
        time.sleep(CHANCE.uniform(0.05, 0.3))
        receiver.kill()
        receiver.start()
    field_.drained()
    table.note("kill -9 of the collector", short, field_.finish(sender, receiver))


def test_both_killed_at_once_lose_and_double_nothing(field_: Field, table, short: int) -> None:
    receiver, sender = field_.receiver(), field_.sender()
    receiver.start()
    field_.start(sender)
    field_.grow()
    for turn in range(short):
        if turn % 3 == 0:
            field_.drained()
        field_.grow(CHANCE.randrange(1, 20))
        receiver.kill()
        sender.kill()
        receiver.start()
        field_.start(sender)
        field_.grow(1)
    field_.drained()
    table.note("kill -9 of both", short, field_.finish(sender, receiver))


@pytest.fixture
def proxy(field_: Field) -> Iterator[Proxy]:
    made = Proxy(field_.port)
    yield made
    made.close()


def test_a_kill_between_commit_and_acknowledgement_doubles_nothing(
    field_: Field, proxy: Proxy, table, short: int
) -> None:
    receiver, sender = field_.receiver(), field_.sender(proxy.port)
    receiver.start()
    field_.start(sender)
    field_.grow()
    for turn in range(short):
        field_.drained()
        proxy.hold()
        wait_for("batches whose acknowledgement is held", lambda: field_.waiting() > 6)
        (receiver if turn % 2 else sender).kill()
        proxy.drop_held()
        if turn % 2:
            receiver.start()
        else:
            field_.start(sender)
    field_.drained()
    table.note(
        "kill -9 between commit and acknowledgement", short, field_.finish(sender, receiver)
    )


@pytest.mark.parametrize("who", ["agent", "collector"])
def test_a_stopped_process_loses_and_doubles_nothing(
    field_: Field, table, long: int, who: str
) -> None:
    receiver, sender = field_.receiver(), field_.sender()
    receiver.start()
    field_.start(sender)
    field_.grow()
    stopped = sender if who == "agent" else receiver
    for _ in range(long):
        field_.drained()
        stopped.signal(signal.SIGSTOP)
        time.sleep(3.5)  # longer than the 1 s of idleness and 1 s for an answer
        stopped.signal(signal.SIGCONT)
        field_.grow()
    field_.drained()
    table.note(f"SIGSTOP of the {who} for 3.5 s", long, field_.finish(sender, receiver))
