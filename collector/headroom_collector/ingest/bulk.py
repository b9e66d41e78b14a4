"""
The batches of one commit decoded together: values go from the wire into columns.

What is odd in any way (facts, damage, a value that a rule refuses, a thing that comes twice) makes
its batch go the slow way, through ``intake``, which names and counts what it refuses; so both ways
give the same, and a test compares them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, partial

import numpy as np
from google.protobuf.descriptor import FieldDescriptor

from headroom_collector.ingest.decode import Part, parts
from headroom_collector.ingest.intake import Sender, intake
from headroom_collector.ingest.settings import SECOND, Limits
from headroom_collector.ingest.sight import Sight
from headroom_collector.ingest.validate import INTEGER_MAX, is_text, rules
from headroom_collector.ingest.wire_columns import BYTES, EIGHT, VARINT, Buffer, Flags, Numbers
from headroom_collector.store.api import Block, Bulk, StoreBatch, Thing
from headroom_proto.v1 import telemetry_pb2

CYCLE = telemetry_pb2.Cycle.DESCRIPTOR
TIME, BOOTTIME, FACTS = (
    CYCLE.fields_by_name[name].number for name in ("time_unix_nano", "boottime_nano", "facts")
)
JOINT = "\x1f"
SIGNED = {FieldDescriptor.TYPE_INT64, FieldDescriptor.TYPE_INT32}
UNSIGNED = {FieldDescriptor.TYPE_UINT64, FieldDescriptor.TYPE_UINT32, FieldDescriptor.TYPE_BOOL}


@dataclass(frozen=True, slots=True)
class Shape:
    """
    How a kind's messages look on the wire.

    ``columns``: place of the column by the field's number; ``labels``: place of the label and
    whether it is a number.
    """

    part: Part
    columns: dict[int, int]
    floats: tuple[bool, ...]
    labels: dict[int, tuple[int, bool]]
    odd: frozenset[int]


@cache
def shapes() -> dict[int, Shape]:
    """Return the shape of each field of a Cycle that holds samples, by its number."""
    return {CYCLE.fields_by_name[part.field].number: _shape(part) for part in parts()}


def _shape(part: Part) -> Shape:
    message = CYCLE.fields_by_name[part.field].message_type
    if message is None:
        raise ValueError(f"Cycle.{part.field} is no message")
    places = {column.field: place for place, column in enumerate(part.kind.columns)}
    names = {label.field: place for place, label in enumerate(part.kind.labels)}
    columns, labels, odd = {}, {}, set()
    floats = [False] * len(places)
    for field in message.fields:
        number = field.type in SIGNED | UNSIGNED
        if field.name in names and (number or field.type == FieldDescriptor.TYPE_STRING):
            labels[field.number] = (names[field.name], number)
        elif field.name in places and (number or field.type == FieldDescriptor.TYPE_DOUBLE):
            columns[field.number] = places[field.name]
            floats[places[field.name]] = not number
        else:
            odd.add(field.number)
    return Shape(part, columns, tuple(floats), labels, frozenset(odd))


@dataclass(slots=True)
class Cycles:
    """What was found of a group's cycles: their times, and where their samples are."""

    times: Numbers
    boots: Numbers
    slow: Flags
    samples: dict[int, tuple[Numbers, Numbers, Numbers]]
    """By the field's number: cycle, start and size of each."""


def _cycles(buffer: Buffer) -> Cycles:
    count = len(buffer.starts)
    found = Cycles(np.zeros(count, np.int64), np.zeros(count, np.int64), buffer.bad, {})
    parts_: dict[int, list[tuple[Numbers, Numbers, Numbers]]] = {}
    for field in buffer.fields():
        if field.number in {TIME, BOOTTIME} and field.wire == VARINT:
            into = found.times if field.number == TIME else found.boots
            into[field.rows] = field.values.view(np.int64)
        elif field.number in shapes() and field.wire == BYTES:
            where = (field.rows, field.values.astype(np.int64), field.sizes)
            parts_.setdefault(field.number, []).append(where)
        else:
            found.slow[field.rows] = True
    empty = np.ones(count, bool)
    for number, pieces in parts_.items():
        rows, starts, sizes = (np.concatenate(piece) for piece in zip(*pieces, strict=True))
        order = np.argsort(starts)
        found.samples[number] = (rows[order], starts[order], sizes[order])
        empty[rows] = False
    found.slow |= empty
    return found


@dataclass(frozen=True, slots=True)
class Decoder:
    """Decodes the batches of a commit; ``limits`` are those of the ingest."""

    limits: Limits

    def __call__(self, batches: Sequence[StoreBatch]) -> Bulk:
        """Return the batches with their times, those of the slow way whole, and the others' rows."""
        buffer = Buffer.of([batch.payload or b"" for batch in batches])
        cycles = _cycles(buffer)
        self._check_times(batches, cycles)
        blocks = [
            self._block(buffer, cycles, number, *where) for number, where in cycles.samples.items()
        ]
        made = [
            self._whole(batch)
            if cycles.slow[place]
            else replace(batch, place=place, time=int(cycles.times[place]), raw_time=raw)
            for place, (batch, raw) in enumerate(
                zip(batches, self._correct(batches, cycles), strict=True)
            )
        ]
        return Bulk(made, [block for block in blocks if block is not None], self._whole)

    def _whole(self, batch: StoreBatch) -> StoreBatch:
        """Decode one batch the slow way."""
        source = Sender(
            batch.host,
            batch.epoch,
            batch.simulated,
            batch.agent_version,
            batch.interval_seconds,
            batch.hints,
            batch.acked_before,
        )
        told = telemetry_pb2.Batch(
            seq=batch.seq,
            boot_id=batch.boot_id,
            crc32=batch.crc32,
            payload=batch.payload or b"",
            missing_before=batch.missing_before,
            ahead=batch.ahead,
        )
        sight = Sight(batch.boot_id, batch.boot_offset)
        return intake(
            source, told, batch.received, self.limits, gap_before=batch.gap_before, sight=sight
        )

    def _correct(self, batches: Sequence[StoreBatch], cycles: Cycles) -> list[int | None]:
        """Give cycles of wrong clocks their right times; returns what those had shown."""
        offsets = np.array([batch.boot_offset or 0 for batch in batches], np.int64)
        known = np.array([batch.boot_offset is not None for batch in batches]) & (cycles.boots > 0)
        right = cycles.boots + offsets
        off = known & (right > 0)
        off &= np.abs(cycles.times - right) > round(self.limits.skew_seconds * SECOND)
        raw: list[int | None] = [None] * len(batches)
        for place in np.flatnonzero(off):
            raw[place] = int(cycles.times[place])
            cycles.times[place] = right[place]
        return raw

    def _check_times(self, batches: Sequence[StoreBatch], cycles: Cycles) -> None:
        """Have cycles whose time no host can have go the slow way, and those of wrong clocks too."""
        received = np.array([batch.received for batch in batches], np.int64)
        times = cycles.times
        sane = (times > 0) & (times < np.int64(1) << 62)
        ahead = np.where(sane, times, 0) - received
        cycles.slow |= ~sane | (ahead > round(self.limits.future_seconds * SECOND))
        cycles.slow |= -ahead > round(self.limits.oldest_seconds * SECOND)
        cycles.slow |= (cycles.boots < 0) | (cycles.boots >= np.int64(1) << 62)

    def _block(
        self,
        buffer: Buffer,
        cycles: Cycles,
        number: int,
        rows: Numbers,
        starts: Numbers,
        sizes: Numbers,
    ) -> Block | None:
        shape, slow = shapes()[number], cycles.slow
        counts = np.bincount(rows, minlength=len(slow))
        slow |= counts > (self.limits.of(shape.part.field) if shape.part.repeated else 1)
        inner = buffer.inner(starts, sizes)
        columns = shape.part.kind.columns
        values = [np.zeros(len(rows), np.float64 if one else np.int64) for one in shape.floats]
        known = [np.zeros(len(rows), bool) for _ in columns]
        spots = [np.zeros((2, len(rows)), np.int64) for _ in shape.labels]
        for field in inner.fields():
            place = shape.columns.get(field.number)
            label = shape.labels.get(field.number)
            if place is not None and field.wire == (EIGHT if shape.floats[place] else VARINT):
                raw = field.values
                if not shape.floats[place]:
                    slow[rows[field.rows[raw > INTEGER_MAX]]] = True
                values[place][field.rows] = raw.view(values[place].dtype)
                known[place][field.rows] = True
            elif label is not None and field.wire == (VARINT if label[1] else BYTES):
                spots[label[0]][:, field.rows] = (field.values.view(np.int64), field.sizes)
            elif field.number in shape.odd or place is not None or label is not None:
                slow[rows[field.rows]] = True
        slow[rows[inner.bad]] = True
        self._check_values(shape, values, known, rows, slow)
        keys = _keys(buffer.data, shape, spots, len(rows))
        return Block(
            shape.part.kind, rows, keys, values, known, partial(_thing, shape, self.limits)
        )

    def _check_values(
        self,
        shape: Shape,
        values: list[np.ndarray],
        known: list[Flags],
        rows: Numbers,
        slow: Flags,
    ) -> None:
        rule = rules(self.limits)[shape.part.kind.name]
        for found, there, (low, high) in zip(values, known, rule.ranges, strict=True):
            # A value that is not a number compares false and so goes the slow way too.
            bad = there & ~((found >= low) & (found <= high))
            if bad.any():
                slow[rows[bad]] = True


def _keys(
    data: bytes, shape: Shape, spots: list[np.ndarray], count: int
) -> list[bytes | int | tuple[bytes | int, ...]]:
    """Return what tells each row's thing, raw as it came."""
    if not shape.labels:
        return [b""] * count
    parts_: list[list[bytes | int]] = []
    for place, number in sorted(shape.labels.values()):
        begins, sizes = spots[place].tolist()
        parts_.append(
            begins
            if number
            else [data[at : at + size] for at, size in zip(begins, sizes, strict=True)]
        )
    return parts_[0] if len(parts_) == 1 else list(zip(*parts_, strict=True))  # type: ignore[return-value] # of bytes and numbers


def _thing(
    shape: Shape, limits: Limits, key: bytes | int | tuple[bytes | int, ...]
) -> Thing | None:
    """Return the thing of a raw key; None where it has to go the slow way."""
    labels = shape.part.kind.labels
    if not labels:
        return Thing()
    raw = key if isinstance(key, tuple) else (key,)
    try:
        texts = [one.decode() if isinstance(one, bytes) else str(one) for one in raw]
    except UnicodeDecodeError:
        return None
    if not all(is_text(text, limits) for text in texts):
        return None
    named = {label.name: text for label, text in zip(labels, texts, strict=True)}
    return Thing(JOINT.join(named[label.name] for label in labels if label.key), named)
