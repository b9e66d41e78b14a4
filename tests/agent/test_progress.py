"""The protocol without the network: what goes out, again or not at all."""

import logging
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


def test_rows_that_are_gone_begin_a_new_stream(spool: Spool) -> None:
    progress = welcomed(spool, window=8)
    taken(progress)
    progress.ack(pb.Ack(epoch=spool.epoch, seq=5))
    with pytest.raises(ReopenError, match="batch 2 was asked for and is gone"):
        progress.resend(pb.Resend(epoch=spool.epoch, from_seq=2))


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
