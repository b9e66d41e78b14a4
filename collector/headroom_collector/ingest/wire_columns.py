"""
Many protobuf messages of one type at once: from the bytes on the wire into columns.

All messages are walked in step, a field of each at a time, with one numpy operation for all of
them; no Python object is made of a value. The encoding is the one of "Protocol Buffers: Encoding":
a tag is a varint of (number << 3 | wire type); 0 is a varint, 1 eight bytes, 2 a length and bytes,
5 four bytes.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

VARINT, EIGHT, BYTES, FOUR = 0, 1, 2, 5
PADDING = 16
"""Bytes behind the last message, so that a read beyond a damaged one stays in the buffer."""
LONGEST = 10
"""Bytes of the longest varint."""

Numbers = NDArray[np.int64]
Words = NDArray[np.uint64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Field:
    """
    One field of some of the messages: the number of each message, and what it says.

    ``values`` are the raw 64 bits; of bytes, where they begin in the buffer, and ``sizes``.
    """

    number: int
    wire: int
    rows: Numbers
    values: Words
    sizes: Numbers


@dataclass(slots=True)
class Buffer:
    """Messages side by side; ``bad`` are those that are not what they should be."""

    data: bytes
    words: NDArray[np.uint8]
    starts: Numbers
    ends: Numbers
    bad: Flags

    @classmethod
    def of(cls, messages: list[bytes]) -> "Buffer":
        """Put messages side by side."""
        data = b"".join(messages) + bytes(PADDING)
        ends = np.cumsum([len(message) for message in messages], dtype=np.int64)
        starts = np.concatenate([np.zeros(1, np.int64), ends[:-1]])
        return cls(data, np.frombuffer(data, np.uint8), starts, ends, np.zeros(len(ends), bool))

    def inner(self, starts: Numbers, sizes: Numbers) -> "Buffer":
        """Return messages that are inside these."""
        return Buffer(self.data, self.words, starts, starts + sizes, np.zeros(len(starts), bool))

    def fields(self) -> Iterator[Field]:
        """Yield the fields in the order in which the messages have them."""
        places = self.starts.copy()
        live = np.flatnonzero(places < self.ends)
        while len(live):
            tags, at = self._varints(places[live])
            for tag in np.unique(tags):
                same = tags == tag
                yield from self._field(int(tag), live[same], at[same], places)
            live = live[(places[live] < self.ends[live]) & ~self.bad[live]]

    def _field(self, tag: int, rows: Numbers, at: Numbers, places: Numbers) -> Iterator[Field]:
        wire, sizes = tag & 7, np.zeros(len(rows), np.int64)
        if wire == VARINT:
            values, at = self._varints(at)
        elif wire in {EIGHT, FOUR}:
            width = 8 if wire == EIGHT else 4
            values, at = self._fixed(at, width), at + width
        elif wire == BYTES:
            lengths, begin = self._varints(at)
            sizes = np.minimum(lengths, np.uint64(len(self.data))).astype(np.int64)
            values, at = begin.astype(np.uint64), begin + sizes
        else:
            self.bad[rows] = True
            return
        wrong = at > self.ends[rows]
        if tag < 8 or wrong.any():
            self.bad[rows[wrong] if tag >= 8 else rows] = True
            good = ~wrong
            rows, at, values, sizes = rows[good], at[good], values[good], sizes[good]
        places[rows] = at
        if len(rows):
            yield Field(tag >> 3, wire, rows, values, sizes)

    def _fixed(self, at: Numbers, width: int) -> Words:
        at = np.minimum(at, len(self.data) - width)
        parts = self.words[at[:, None] + np.arange(width)]
        return np.ascontiguousarray(parts).view(f"<u{width}").ravel().astype(np.uint64)

    def _varints(self, at: Numbers) -> tuple[Words, Numbers]:
        """Return numbers and the places behind them; those that do not end point far beyond."""
        last = len(self.data) - 1
        bytes_ = self.words[np.minimum(at, last)]
        values, at = (bytes_ & 0x7F).astype(np.uint64), at + 1
        going = np.flatnonzero(bytes_ > 0x7F)
        for step in range(1, LONGEST):
            if not len(going):
                break
            bytes_ = self.words[np.minimum(at[going], last)]
            values[going] |= (bytes_ & 0x7F).astype(np.uint64) << np.uint64(7 * step)
            at[going] += 1
            going = going[bytes_ > 0x7F]
        at[going] = len(self.data) + 1
        return values, at
