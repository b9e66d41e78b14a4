"""What becomes of a batch, by what is stored of its spool already; pure."""

from dataclasses import dataclass, replace

from headroom_collector.store.api import Result, Span, StoreBatch
from headroom_collector.store.memory import UNKNOWN, Mark

MOST_SPANS = 32
"""Spans of a spool that are stored beyond a hole; a batch that would make one more has to wait."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a batch, the spool's mark behind it, and the batches that are gone for good."""

    result: Result
    mark: Mark
    gaps: tuple[tuple[int, int], ...] = ()


def start_of(batch: StoreBatch) -> Mark:
    """
    Return where a spool that is not known begins.

    What another collector acknowledged is stored there and no gap here.
    """
    return Mark(min(batch.acked_before, batch.seq - 1), UNKNOWN)


def judge(known: Mark | None, batch: StoreBatch) -> Verdict:
    """Say what becomes of a batch of a spool that is stored up to ``known``, None for nothing."""
    mark = known or start_of(batch)
    seq = batch.seq
    if known is not None and seq == known.seq and known.crc32 not in {batch.crc32, UNKNOWN}:
        return Verdict(Result.CLASH, mark)
    if known is not None and seq <= known.seq:
        return Verdict(Result.DUPLICATE, mark)
    for span in mark.ahead:
        if seq == span.last and batch.crc32 != span.crc32:
            return Verdict(Result.CLASH, mark)
    had = any(span.first <= seq <= span.last for span in mark.ahead)
    joined = (
        (known is None and not batch.ahead)
        or batch.gap_before
        or seq - batch.missing_before <= mark.seq + 1
    )
    if joined:
        gaps = _gaps(mark, mark.seq + 1, seq - 1)
        return Verdict(
            Result.DUPLICATE if had else Result.STORED, _joined(mark, batch, had=had), gaps
        )
    if had:
        return Verdict(Result.DUPLICATE, mark)
    return _beyond(mark, batch) if batch.ahead else Verdict(Result.HOLE, mark)


def _gaps(mark: Mark, first: int, last: int) -> tuple[tuple[int, int], ...]:
    """Return which batches from ``first`` to ``last`` are not stored beyond the high water."""
    found = []
    for span in mark.ahead:
        if first <= last and span.first > first:
            found.append((first, min(last, span.first - 1)))
        first = max(first, span.last + 1)
    if first <= last:
        found.append((first, last))
    return tuple(found)


def _joined(mark: Mark, batch: StoreBatch, *, had: bool) -> Mark:
    """Return the mark at a batch that everything before is settled of, and behind what touches it."""
    made = mark if had else replace(mark, seq=batch.seq, crc32=batch.crc32)
    reach = batch.seq
    for span in mark.ahead:
        if span.first <= reach + 1:
            reach = max(reach, span.last)
            if span.last >= made.seq:
                made = replace(made, seq=span.last, crc32=span.crc32)
    return replace(made, ahead=tuple(span for span in mark.ahead if span.last > reach))


def _beyond(mark: Mark, batch: StoreBatch) -> Verdict:
    """Put a batch into the spans beyond the high water."""
    seq = batch.seq
    gaps: tuple[tuple[int, int], ...] = ()
    before = next((span for span in reversed(mark.ahead) if span.last < seq), None)
    made = Span(seq, seq, batch.crc32)
    if before and before.last + 1 >= seq - batch.missing_before:
        gaps = _gaps(mark, before.last + 1, seq - 1)
        made = replace(made, first=before.first)
    after = next((span for span in mark.ahead if span.first == seq + 1), None)
    if after:
        made = replace(after, first=made.first)
    rest = [span for span in mark.ahead if span.last < made.first or span.first > made.last]
    if len(rest) >= MOST_SPANS:
        return Verdict(Result.HOLE, mark)
    spans = tuple(sorted((*rest, made), key=_first))
    return Verdict(Result.STORED, replace(mark, ahead=spans), gaps)


def _first(span: Span) -> int:
    return span.first
