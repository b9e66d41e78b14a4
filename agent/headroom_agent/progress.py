"""What of the spool was sent and acknowledged on one stream: the protocol without the network."""

from collections import deque
from dataclasses import dataclass, field

from headroom_agent.spool import Row, Spool
from headroom_proto.v1 import telemetry_pb2

MAX_MESSAGE = 500 * 1024
"""Bytes of payload in one message, below the collector's limit of 512 KiB."""

MAX_THROTTLE_SECONDS = 300.0


class ReopenError(Exception):
    """The stream has to begin anew, because the spool no longer has what was asked for."""


def to_batch(row: Row) -> telemetry_pb2.Batch:
    """Turn a row of the spool into what is sent."""
    return telemetry_pb2.Batch(
        epoch=row.epoch, seq=row.seq, boot_id=row.boot_id, crc32=row.crc32, payload=row.payload
    )


@dataclass(slots=True)
class Progress:
    """
    One stream's position in the spool.

    ``missed`` is set where batches that the collector never got are gone, a new collector's among them. Not safe from several threads:
    its session holds a lock. Every method may raise SpoolError.
    """

    spool: Spool
    welcomed: bool = False
    missed: bool = False
    window: int = 0
    acked: int = 0
    sent: int = 0
    not_before: float = 0.0
    waiting: deque[int] = field(default_factory=deque)

    def drained(self) -> bool:
        """Nothing is left to be acknowledged."""
        return self.welcomed and self.acked + 1 >= self.spool.next_seq

    def welcome(self, answer: telemetry_pb2.Welcome) -> None:
        """
        Begin after what the collector has already; raises ReopenError after a new epoch.

        A collector that has more than the spool ever gave it, or other contents under the same
        number, means that the spool was restored from a backup or cloned: what is new in it would
        be taken for duplicates. One that has less was restored itself, and gets again what is
        still kept.
        """
        high_water = answer.high_water
        if high_water >= self.spool.next_seq or self._differs(answer):
            self.spool.renew()
            raise ReopenError("the spool is not what the collector has of it; began a new epoch")
        self.spool.ack(high_water)
        self.missed = self.spool.first_seq > high_water + 1
        self.acked = self.sent = max(self.spool.first_seq - 1, high_water)
        self.window = max(1, answer.window)
        self.welcomed = True

    def _differs(self, answer: telemetry_pb2.Welcome) -> bool:
        if not answer.HasField("crc32"):
            return False  # an older collector, or one that does not know the spool
        ours = self.spool.crc_of(answer.high_water)
        return ours is not None and ours != answer.crc32

    def take(self, now: float) -> telemetry_pb2.Batches | None:
        """Return what may be sent at ``now`` (monotonic seconds); None where that is nothing."""
        room = self.window - len(self.waiting)
        if not self.welcomed or now < self.not_before or room <= 0:
            return None
        if self.sent + 1 >= self.spool.next_seq:
            return None
        rows = self.spool.read(self.sent + 1, room, MAX_MESSAGE)
        if not rows:
            return None
        self.sent = rows[-1].seq
        self.waiting.extend(row.seq for row in rows)
        return telemetry_pb2.Batches(batches=[to_batch(row) for row in rows])

    def ack(self, answer: telemetry_pb2.Ack) -> None:
        """Free what is durable; an acknowledgement of another epoch is none of ours."""
        if answer.epoch != self.spool.epoch:
            return
        self.spool.ack(answer.seq)
        self.acked = max(self.acked, answer.seq)
        while self.waiting and self.waiting[0] <= answer.seq:
            self.waiting.popleft()

    def resend(self, request: telemetry_pb2.Resend) -> None:
        """Go back; raises ReopenError where the rows are gone, so that a Hello can say so."""
        if request.epoch != self.spool.epoch:
            return
        if request.from_seq < self.spool.first_seq:
            raise ReopenError(f"batch {request.from_seq} was asked for and is gone")
        first = self.spool.read(request.from_seq, 1, 0)
        if first and first[0].seq != request.from_seq:
            raise ReopenError(f"batch {request.from_seq} was asked for and is gone")
        self._back_to(request.from_seq - 1)

    def throttle(self, request: telemetry_pb2.Throttle, now: float) -> None:
        """Wait, then send again what was not acknowledged."""
        self.not_before = now + min(max(0.0, request.delay_seconds), MAX_THROTTLE_SECONDS)
        self._back_to(self.acked)

    def _back_to(self, seq: int) -> None:
        self.sent = min(self.sent, seq)
        while self.waiting and self.waiting[-1] > seq:
            self.waiting.pop()
