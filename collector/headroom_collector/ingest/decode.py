"""Decoder: a Cycle of the contract into the store's rows, in the catalogue's order of columns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from headroom_collector.store.api import Rows, Thing, Value
from headroom_proto.catalogue import Kind, read_kind
from headroom_proto.v1 import telemetry_pb2

JOINT = "\x1f"
"""Between the values of a thing's key. No label can hold it: control characters are refused."""
HOST = Thing()

Row = tuple[int, Thing, Sequence[Value]]


@dataclass(frozen=True, slots=True)
class Part:
    """
    A field of Cycle that holds samples of one kind.

    ``slots`` gives a column's place by the number of its field, -1 where the field is none.
    """

    field: str
    repeated: bool
    kind: Kind
    slots: tuple[int, ...]

    def messages(self, cycle: telemetry_pb2.Cycle) -> Sequence[Message]:
        """Return this part of a cycle, without touching the contents."""
        if self.repeated:
            found: Sequence[Message] = getattr(cycle, self.field)
            return found
        present = cycle.HasField(self.field)  # type: ignore[arg-type]  # a name off the descriptor
        return (getattr(cycle, self.field),) if present else ()

    def row(self, time: int, message: Message) -> Row:
        """Return one sample as a row; a field that is absent is None."""
        values: list[Value] = [None] * len(self.kind.columns)
        for descriptor, value in message.ListFields():
            slot = self.slots[descriptor.number]
            if slot >= 0:
                values[slot] = value
        return time, self.thing(message), values

    def thing(self, message: Message) -> Thing:
        """Return what a sample is about."""
        if not self.kind.labels:
            return HOST
        texts = {label.name: str(getattr(message, label.field)) for label in self.kind.labels}
        return Thing(
            JOINT.join(texts[label.name] for label in self.kind.labels if label.key), texts
        )


def _part(field: FieldDescriptor) -> Part | None:
    message = field.message_type
    kind = read_kind(message) if message else None
    if message is None or kind is None:
        return None
    places = {column.field: place for place, column in enumerate(kind.columns)}
    numbers = {member.number: member.name for member in message.fields}
    slots = (places.get(numbers.get(n, ""), -1) for n in range(max(numbers) + 1))
    return Part(field.name, field.is_repeated, kind, tuple(slots))


@cache
def parts() -> tuple[Part, ...]:
    """Every field of Cycle that holds samples, read off the contract once."""
    found = (_part(field) for field in telemetry_pb2.Cycle.DESCRIPTOR.fields)
    return tuple(part for part in found if part is not None)


def rows(cycle: telemetry_pb2.Cycle) -> list[Rows]:
    """Return the samples of a cycle, kind by kind; kinds without samples are left out."""
    time = cycle.time_unix_nano
    found = []
    for part in parts():
        messages = part.messages(cycle)
        if messages:
            found.append(Rows(part.kind.name, [part.row(time, message) for message in messages]))
    return found


def facts(cycle: telemetry_pb2.Cycle) -> Mapping[str, Any] | None:
    """Return what the cycle says of the host, by field; None where it says nothing of it."""
    if not cycle.HasField("facts"):
        return None
    return {descriptor.name: value for descriptor, value in cycle.facts.ListFields()}
