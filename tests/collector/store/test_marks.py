"""What becomes of a batch: against a model that remembers every single one."""

import random

import pytest

from headroom_collector.store.api import Result, StoreBatch
from headroom_collector.store.marks import MOST_SPANS, judge
from headroom_collector.store.memory import Mark


def batch(seq: int, *, ahead: bool = False, missing: int = 0, crc32: int | None = None):
    crc = 1000 + seq if crc32 is None else crc32
    return StoreBatch("web-1", b"e" * 16, seq, crc, 0, ahead=ahead, missing_before=missing)


@pytest.mark.parametrize("seed", range(200))
def test_in_whatever_order_each_batch_is_stored_once_and_every_gap_is_exact(seed: int) -> None:
    chance = random.Random(seed)
    gone = {seq for seq in range(2, 60) if chance.random() < 0.15}
    spool = [seq for seq in range(1, 61) if seq not in gone]
    mark, stored, gaps = Mark(0, -1), [], []
    for _ in range(400):
        seq = chance.choice(spool)
        before = max([0, *(one for one in spool if one < seq)])
        verdict = judge(mark, batch(seq, ahead=chance.random() < 0.5, missing=seq - before - 1))
        assert (verdict.result is Result.DUPLICATE) == (seq in stored)
        if verdict.result is Result.STORED:
            stored.append(seq)
        mark = verdict.mark
        gaps += [one for first, last in verdict.gaps for one in range(first, last + 1)]
        known = {one for span in mark.ahead for one in range(span.first, span.last + 1)}
        assert set(stored) <= known | set(range(1, mark.seq + 1))
    for seq in spool:
        before = max([0, *(one for one in spool if one < seq)])
        verdict = judge(mark, batch(seq, missing=seq - before - 1))
        stored += [seq] if verdict.result is Result.STORED else []
        mark = verdict.mark
        gaps += [one for first, last in verdict.gaps for one in range(first, last + 1)]
    assert sorted(stored) == spool
    assert sorted(gaps) == sorted(seq for seq in gone if seq < spool[-1])
    assert (mark.seq, mark.crc32, mark.ahead) == (spool[-1], 1000 + spool[-1], ())


def test_other_contents_under_a_number_that_is_the_newest_of_its_span_are_a_clash() -> None:
    mark = judge(Mark(5, 1005), batch(9, ahead=True)).mark
    assert judge(mark, batch(9, ahead=True, crc32=1)).result is Result.CLASH
    assert judge(mark, batch(5, crc32=1)).result is Result.CLASH


def test_no_more_spans_than_some_are_kept() -> None:
    mark = Mark(1, 1001)
    for place in range(MOST_SPANS):
        mark = judge(mark, batch(10 + 2 * place, ahead=True)).mark
    assert judge(mark, batch(500, ahead=True)).result is Result.HOLE
    assert judge(mark, batch(11, ahead=True)).result is Result.STORED


def test_what_another_collector_acknowledged_is_no_gap_and_its_contents_are_not_compared() -> None:
    first = StoreBatch("web-1", b"e" * 16, 40, 7, 0, acked_before=30, ahead=True)
    verdict = judge(None, first)
    assert (verdict.result, verdict.gaps, verdict.mark.seq) == (Result.STORED, (), 30)
    assert judge(verdict.mark, batch(30)).result is Result.DUPLICATE
    assert judge(verdict.mark, batch(31)).result is Result.STORED
