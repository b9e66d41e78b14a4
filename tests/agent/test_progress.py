"""The protocol without the network: what goes out, again or not at all."""

import logging
import random
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from headroom_agent.notices import Notices
from headroom_agent.progress import Progress, ReopenError
from headroom_agent.spool import Limits, Spool
from headroom_proto.v1 import telemetry_pb2 as pb


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    made = Spool(tmp_path / "spool.db", Limits(), Notices(logging.getLogger("spool")))
    for number in range(1, 11):
        made.append(str(number).encode(), "boot")
    yield made
    made.close()


def welcomed(spool: Spool, high_water: int = 0, window: int = 4) -> Progress:
    progress = Progress(spool)
    progress.welcome(pb.Welcome(high_water=high_water, window=window))
    return progress


def taken(progress: Progress, now: float = 0.0) -> list[int]:
    batches = progress.take(now)
    return [batch.seq for batch in batches.batches] if batches is not None else []


def test_nothing_goes_out_before_the_welcome(spool: Spool) -> None:
    assert Progress(spool).take(0) is None


def test_no_more_than_the_window_waits_for_its_acknowledgement(spool: Spool) -> None:
    progress = welcomed(spool)
    assert taken(progress) == [1, 2, 3, 4]
    assert taken(progress) == []
    progress.ack(pb.Ack(epoch=spool.epoch, seq=2))
    assert taken(progress) == [5, 6]
    assert spool.first_seq == 3


def test_what_the_collector_has_already_is_freed_and_not_sent(spool: Spool) -> None:
    progress = welcomed(spool, high_water=7)
    assert taken(progress) == [8, 9, 10]
    assert not progress.drained()
    progress.ack(pb.Ack(epoch=spool.epoch, seq=10))
    assert progress.drained()


def test_a_hole_is_sent_again(spool: Spool) -> None:
    progress = welcomed(spool, window=8)
    assert taken(progress) == [1, 2, 3, 4, 5, 6, 7, 8]
    progress.resend(pb.Resend(epoch=spool.epoch, from_seq=3))
    assert taken(progress) == [3, 4, 5, 6, 7, 8]


def test_what_is_gone_is_said_with_the_batch_behind_it(spool: Spool) -> None:
    progress = welcomed(spool, window=8)
    taken(progress)
    progress.ack(pb.Ack(epoch=spool.epoch, seq=5))
    progress.resend(pb.Resend(epoch=spool.epoch, from_seq=2))
    sent = progress.take(0.0)
    assert sent is not None
    assert (sent.batches[0].seq, sent.batches[0].missing_before) == (6, 5)


@pytest.fixture
def full(tmp_path: Path) -> Iterator[Spool]:
    """A spool with the backlog of an outage."""
    made = Spool(tmp_path / "full.db", Limits(), Notices(logging.getLogger("spool")))
    for number in range(1, 41):
        made.append(str(number).encode(), "boot")
    yield made
    made.close()


class Receiver:
    """A collector in memory: what it has of a spool, and the spans that it has ahead."""

    def __init__(self, spool: Spool) -> None:
        self.spool, self.has, self.order = spool, set[int](), list[int]()
        self.gone: set[int] = set()

    def take(self, progress: Progress, most: int = 1000) -> None:
        """Have everything sent, each message acknowledged, for so many messages."""
        for _ in range(most):
            sent = progress.take(0.0)
            if sent is None:
                return
            for batch in sent.batches:
                self.gone |= set(range(batch.seq - batch.missing_before, batch.seq)) - self.has
                self.has.add(batch.seq)
                self.order.append(batch.seq)
            progress.ack(pb.Ack(epoch=self.spool.epoch, seq=self.high_water(), ahead=self.spans()))

    def high_water(self) -> int:
        had = self.has | self.gone
        return next(seq - 1 for seq in range(1, 10**6) if seq not in had)

    def spans(self) -> list[pb.Span]:
        beyond = sorted(seq for seq in self.has if seq > self.high_water())
        starts = [seq for seq in beyond if seq - 1 not in beyond]
        ends = [seq for seq in beyond if seq + 1 not in beyond]
        return [pb.Span(from_seq=a, to_seq=b) for a, b in zip(starts, ends, strict=True)]

    def welcome(self) -> Progress:
        made = Progress(self.spool)
        spans = self.spans()
        for span in spans:
            span.crc32 = self.spool.crc_of(span.to_seq) or 0
        made.welcome(
            pb.Welcome(high_water=self.high_water(), window=4, ahead=spans, takes_ahead=True)
        )
        return made


def test_after_an_outage_the_newest_goes_first_and_the_backlog_behind(full: Spool) -> None:
    receiver = Receiver(full)
    progress = receiver.welcome()
    receiver.take(progress, 2)
    assert receiver.order == [40, 1, 2, 3]
    full.append(b"41", "boot")
    receiver.take(progress)
    assert receiver.order[4] == 41
    assert sorted(receiver.order) == list(range(1, 42))
    assert progress.drained()
    full.append(b"42", "boot")
    receiver.take(progress)
    assert receiver.order[-1] == 42


def test_a_new_stream_goes_on_with_what_is_missing_in_the_middle(full: Spool) -> None:
    receiver = Receiver(full)
    receiver.take(receiver.welcome(), 3)
    for number in range(41, 61):
        full.append(str(number).encode(), "boot")
    second = receiver.welcome()
    receiver.take(second, 2)
    third = receiver.welcome()
    receiver.take(third)
    assert sorted(receiver.order) == list(range(1, 61))
    assert third.drained()


def test_a_hole_before_what_went_ahead_is_said(full: Spool, tmp_path: Path) -> None:
    receiver = Receiver(full)
    progress = receiver.welcome()
    receiver.take(progress, 2)
    with sqlite3.connect(tmp_path / "full.db") as other:
        other.execute("DELETE FROM batches WHERE seq BETWEEN 20 AND 39")
    other.close()
    receiver.take(progress)
    assert receiver.gone == set(range(20, 40))
    assert progress.drained()


def test_a_hole_before_a_span_of_an_earlier_stream_is_said(full: Spool, tmp_path: Path) -> None:
    receiver = Receiver(full)
    receiver.take(receiver.welcome(), 7)
    with sqlite3.connect(tmp_path / "full.db") as other:
        other.execute("DELETE FROM batches WHERE seq BETWEEN 10 AND 39")
    other.close()
    full.append(b"41", "boot")
    progress = receiver.welcome()
    receiver.take(progress)
    assert receiver.gone == set(range(20, 40)) | (set(range(10, 40)) - set(receiver.order))
    assert progress.drained()


@pytest.mark.parametrize("seed", range(30))
def test_whatever_breaks_between_every_batch_arrives(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    spool = Spool(tmp_path / "s.db", Limits(), Notices(logging.getLogger("spool")))
    receiver, progress = Receiver(spool), None
    for _ in range(12):
        for _ in range(chance.choice((0, 1, 3, 20))):
            spool.append(b"x", "boot")
        if progress is None or chance.random() < 0.3:
            progress = receiver.welcome()
        if chance.random() < 0.2:
            progress.take(0.0)  # lost on its way
            progress.throttle(pb.Throttle(delay_seconds=0.0), 0.0)
        if chance.random() < 0.2:
            progress.resend(pb.Resend(epoch=spool.epoch, from_seq=receiver.high_water() + 1))
        receiver.take(progress, chance.randrange(6))
    receiver.take(receiver.welcome())
    assert receiver.has == set(range(1, spool.next_seq))
    assert not receiver.gone
    assert spool.acked_seq == spool.next_seq - 1
    spool.close()


def test_a_throttle_waits_and_sends_again_what_was_not_acknowledged(spool: Spool) -> None:
    progress = welcomed(spool)
    taken(progress)
    progress.ack(pb.Ack(epoch=spool.epoch, seq=1))
    progress.throttle(pb.Throttle(delay_seconds=3), now=100.0)
    assert taken(progress, now=102.9) == []
    assert taken(progress, now=103.0) == [2, 3, 4, 5]


def test_an_acknowledgement_of_another_epoch_frees_nothing(spool: Spool) -> None:
    progress = welcomed(spool)
    taken(progress)
    progress.ack(pb.Ack(epoch=bytes(16), seq=4))
    progress.resend(pb.Resend(epoch=bytes(16), from_seq=1))
    assert spool.first_seq == 1
    assert taken(progress) == []


def test_a_collector_that_is_ahead_of_the_spool_starts_a_new_epoch(spool: Spool) -> None:
    epoch = spool.epoch
    with pytest.raises(ReopenError, match="began a new epoch"):
        welcomed(spool, high_water=10 + 1)
    assert spool.epoch != epoch
    assert [row.seq for row in spool.read(1, 100, 10**6)] == list(range(1, 11))


def test_every_batch_carries_what_the_spool_holds(spool: Spool) -> None:
    batches = welcomed(spool).take(0)
    assert batches is not None
    row = spool.read(1, 1, 1)[0]
    assert batches.batches[0] == pb.Batch(
        epoch=spool.epoch, seq=1, boot_id="boot", crc32=row.crc32, payload=b"1"
    )


def test_a_collector_that_was_restored_gets_again_what_is_kept(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "s.db", Limits(keep_seconds=900), Notices(logging.getLogger("spool")))
    for number in range(1, 11):
        spool.append(str(number).encode(), "boot")
    spool.ack(9)
    progress = welcomed(spool, high_water=4, window=16)
    assert not progress.missed
    assert taken(progress) == [5, 6, 7, 8, 9, 10]
    assert not progress.drained()
    progress.ack(pb.Ack(epoch=spool.epoch, seq=10))
    assert progress.drained()
    spool.close()


def test_other_contents_under_the_same_number_start_a_new_epoch(spool: Spool) -> None:
    epoch, crc32 = spool.epoch, spool.read(7, 1, 1)[0].crc32
    with pytest.raises(ReopenError, match="began a new epoch"):
        Progress(spool).welcome(pb.Welcome(high_water=7, window=4, crc32=crc32 ^ 1))
    assert spool.epoch != epoch


def test_the_same_contents_under_the_same_number_are_the_same_spool(spool: Spool) -> None:
    crc32 = spool.read(7, 1, 1)[0].crc32
    progress = Progress(spool)
    progress.welcome(pb.Welcome(high_water=7, window=4, crc32=crc32))
    assert taken(progress) == [8, 9, 10]
