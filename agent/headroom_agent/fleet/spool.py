"""
A spool in memory that keeps only when each batch was made.

A payload is a pure function of the time, so it is made when it is sent, and the same again when
it is asked for again.
"""

import zlib
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from headroom_agent.fleet.cycle import NANO, boot_id, cycle
from headroom_agent.fleet.estate import HostSpec
from headroom_proto.v1 import telemetry_pb2

MOST = 20_000


@dataclass(frozen=True, slots=True)
class Row:
    """One cycle to send: its number, its moment and the seconds its ratios are over."""

    seq: int
    time_ns: int
    step_seconds: float


class Spool:
    """
    The unacknowledged rows of one host; the oldest go when there are more than ``most``.

    ``acked_ns`` is the moment of the newest acknowledged one, in UTC nanoseconds; 0 before.
    """

    def __init__(self, spec: HostSpec, epoch: bytes, most: int = MOST) -> None:
        self._spec = spec
        self._rows: deque[Row] = deque(maxlen=most)
        self.epoch = epoch
        self.next_seq = 1
        self.acked_ns = 0

    @property
    def first_seq(self) -> int:
        """Oldest number that is still here; the next one where there is none."""
        return self._rows[0].seq if self._rows else self.next_seq

    def append(self, time_ns: int, step_seconds: float) -> None:
        """Take up one cycle."""
        self._rows.append(Row(self.next_seq, time_ns, step_seconds))
        self.next_seq += 1

    def ack(self, seq: int) -> None:
        """Forget every row up to and with that number."""
        while self._rows and self._rows[0].seq <= seq:
            self.acked_ns = self._rows.popleft().time_ns

    def rows(self, from_seq: int, count: int) -> Iterator[Row]:
        """Give up to ``count`` rows from that number on, or from the oldest that is here."""
        start = max(0, from_seq - self.first_seq)
        for index in range(start, min(start + count, len(self._rows))):
            yield self._rows[index]

    def batch(self, row: Row) -> telemetry_pb2.Batch:
        """Make the batch of a row. The first one carries the facts."""
        made = cycle(self._spec, row.time_ns, row.step_seconds, with_facts=row.seq == 1)
        payload = made.SerializeToString()
        return telemetry_pb2.Batch(
            epoch=self.epoch,
            seq=row.seq,
            boot_id=boot_id(self._spec, row.time_ns / NANO),
            crc32=zlib.crc32(payload),
            payload=payload,
        )
