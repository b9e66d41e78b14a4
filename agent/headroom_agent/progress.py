"""What of the spool was sent and acknowledged on one stream: the protocol without the network."""

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field

from headroom_agent.spool import Row, Spool
from headroom_proto.v1 import telemetry_pb2

MAX_MESSAGE = 500 * 1024
"""Bytes of payload in one message, below the collector's limit of 512 KiB."""

MAX_THROTTLE_SECONDS = 300.0

LATE = 2
"""Windows of batches that have to wait before the newest go ahead of them."""


class ReopenError(Exception):
    """The stream has to begin anew, because the spool began a new epoch."""


def to_batch(row: Row, *, ahead: bool = False) -> telemetry_pb2.Batch:
    """Turn a row of the spool into what is sent."""
    return telemetry_pb2.Batch(
        epoch=row.epoch,
        seq=row.seq,
        boot_id=row.boot_id,
        crc32=row.crc32,
        payload=row.payload,
        missing_before=row.missing,
        ahead=ahead,
    )


@dataclass(slots=True)
class Progress:
    """
    One stream's position in the spool.

    Where much waits, the newest go ahead: from ``fence`` on each batch as it comes, up to
    ``fresh``, and the older ones behind, up to ``sent``; 0 where all go in their order. ``beyond``
    are spans that the collector has already, ahead of older ones.

    ``missed`` is set where batches that the collector never got are gone, a new collector's among
    them. Not safe from several threads: its session holds a lock. Every method may raise SpoolError.
    """

    spool: Spool
    welcomed: bool = False
    missed: bool = False
    window: int = 0
    acked: int = 0
    sent: int = 0
    fence: int = 0
    fresh: int = 0
    heartbeat_seconds: float = 0.0
    not_before: float = 0.0
    waiting: list[int] = field(default_factory=list)
    beyond: list[tuple[int, int]] = field(default_factory=list)

    def drained(self) -> bool:
        """Nothing is left to be acknowledged."""
        return self.welcomed and self.acked >= self.spool.newest_seq

    def welcome(self, answer: telemetry_pb2.Welcome) -> None:
        """
        Begin after what the collector has already; raises ReopenError after a new epoch.

        A collector that has more than the spool ever gave it, or other contents under the same
        number, means that the spool was restored from a backup or cloned: what is new in it would
        be taken for duplicates. One that has less was restored itself, and gets again what is
        still kept.
        """
        high_water = answer.high_water
        newest = max([high_water, *(span.to_seq for span in answer.ahead)])
        if newest >= self.spool.next_seq or self._differs(answer):
            self.spool.renew()
            raise ReopenError("the spool is not what the collector has of it; began a new epoch")
        self.spool.ack(high_water)
        self.missed = self.spool.first_seq > high_water + 1
        self.acked = self.sent = max(self.spool.first_seq - 1, high_water)
        self.window = max(1, answer.window)
        self.heartbeat_seconds = answer.heartbeat_seconds
        self._note(answer.ahead)
        self.welcomed = True
        if answer.takes_ahead and self.spool.newest_seq - self.sent > LATE * self.window:
            self.fence = max(self.spool.newest_seq, newest + 1)
            self.fresh = self.fence - 1

    def _differs(self, answer: telemetry_pb2.Welcome) -> bool:
        told = [(span.to_seq, span.crc32) for span in answer.ahead]
        if answer.HasField("crc32"):  # not from one that does not know the spool
            told.append((answer.high_water, answer.crc32))
        ours = [(self.spool.crc_of(seq), theirs) for seq, theirs in told]
        return any(crc32 is not None and crc32 != theirs for crc32, theirs in ours)

    def _note(self, spans: Iterable[telemetry_pb2.Span]) -> None:
        self.beyond = [(span.from_seq, span.to_seq) for span in spans]

    def take(self, now: float) -> telemetry_pb2.Batches | None:
        """Return what may be sent at ``now`` (monotonic seconds); None where that is nothing."""
        room = self.window - len(self.waiting)
        if not self.welcomed or now < self.not_before or room <= 0:
            return None
        if self.fence:
            rows = self.spool.read(self.fresh + 1, room, MAX_MESSAGE)
            if rows:
                self.fresh = rows[-1].seq
                return self._batches(rows, ahead=True)
            room -= 1  # what is fresh must not wait for what is old
        rows = self._older(room)
        if rows:
            self.sent = rows[-1].seq
            return self._batches(rows)
        return self._meet(now)

    def _older(self, room: int) -> list[Row]:
        """Return rows in their order, without those that the collector has ahead."""
        self.sent = max(self.sent, self.acked)
        for first, last in self.beyond:
            if first <= self.sent + 1 <= last and (not self.fence or last < self.fence):
                self.sent = last
        if room <= 0 or self.sent + 1 >= (self.fence or self.spool.next_seq):
            return []
        rows = self.spool.read(self.sent + 1, room, MAX_MESSAGE)
        ends = [first for first, _ in self.beyond if first > self.sent + 1]
        stop = min([*ends, self.fence or self.spool.next_seq])
        before = bisect_left([row.seq for row in rows], stop)
        if rows and not before and stop != self.fence and not self.waiting:
            return rows[:1]  # it has it, but not that what is missing before it is gone
        return rows[:before]

    def _meet(self, now: float) -> telemetry_pb2.Batches | None:
        """Where all that is older was acknowledged, go on in order."""
        if self.fence and not any(seq < self.fence for seq in self.waiting):
            # Acknowledged up to the fence, or what is missing before it has to be said.
            self.sent = self.fresh if self.acked >= self.fence - 1 else self.acked
            self.fence = self.fresh = 0
            self.beyond = []
            return self.take(now)
        return None

    def _batches(self, rows: list[Row], *, ahead: bool = False) -> telemetry_pb2.Batches:
        self.waiting.extend(row.seq for row in rows)
        return telemetry_pb2.Batches(batches=[to_batch(row, ahead=ahead) for row in rows])

    def ack(self, answer: telemetry_pb2.Ack) -> None:
        """Free what is durable; an acknowledgement of another epoch is none of ours."""
        if answer.epoch != self.spool.epoch:
            return
        self.spool.ack(answer.seq)
        self.acked = max(self.acked, answer.seq)
        self._note(answer.ahead)
        spans = [(0, self.acked), *self.beyond]
        self.waiting = [
            seq for seq in self.waiting if not any(first <= seq <= last for first, last in spans)
        ]

    def resend(self, request: telemetry_pb2.Resend) -> None:
        """Go back, and on in order; what is gone is said with the batch behind it."""
        if request.epoch == self.spool.epoch:
            self.fence = self.fresh = 0
            self.beyond = []
            self.sent = min(self.sent, request.from_seq - 1)
            self.acked = min(self.acked, self.sent)
            self.waiting = [seq for seq in self.waiting if seq <= self.sent]

    def throttle(self, request: telemetry_pb2.Throttle, now: float) -> None:
        """Wait, then send again what was not acknowledged."""
        self.not_before = now + min(max(0.0, request.delay_seconds), MAX_THROTTLE_SECONDS)
        self.sent = self.acked
        if self.fence:
            had = [last for _, last in self.beyond if last >= self.fence]
            self.fresh = max([self.fence - 1, *had[:1]])
        self.waiting = []
