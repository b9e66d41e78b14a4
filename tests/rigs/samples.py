"""Batches for the store, and a clock that tests move by hand."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from headroom_collector.config import StoreSettings
from headroom_collector.store.api import Rows, StoreBatch, Thing, Value
from headroom_proto.catalogue import catalogue

SECOND = 1_000_000_000
NOON = 1_795_521_600 * SECOND
"""2026-11-24 12:00 UTC, the start of a 5-minute bucket."""
EPOCH = bytes(range(16))
QUICK = StoreSettings(group_window_seconds=0.01)
"""Batches share a commit as ever, but one that comes alone waits for no quarter of a second."""


@dataclass
class HandClock:
    """A clock that stands still until it is moved."""

    time: int = NOON
    seconds: float = 0.0

    def now(self) -> int:
        return self.time

    def monotonic(self) -> float:
        return self.seconds


def values(kind: str, **known: Value) -> tuple[Value, ...]:
    """Return the values of a kind in its order, None where not given."""
    columns = catalogue().kind(kind).columns
    assert known.keys() <= {column.field for column in columns}
    return tuple(known.get(column.field) for column in columns)


def host_rows(time: int = NOON, **known: Value) -> Rows:
    """Return one host sample."""
    return Rows("host", [(time, Thing(), values("host", **known))])


def vm_rows(uuids: Sequence[str], time: int = NOON, **known: Value) -> Rows:
    """Return a sample of each of these VMs."""
    things = [Thing(uuid, {"uuid": uuid, "name": f"vm-{uuid}"}) for uuid in uuids]
    return Rows("vm", [(time, thing, values("vm", **known)) for thing in things])


def batch(host: str = "alpha", seq: int = 1, **fields: Any) -> StoreBatch:
    """Return a batch; its content is one host sample unless ``rows`` says otherwise."""
    given: dict[str, Any] = {"epoch": EPOCH, "crc32": seq, "received": NOON, "rows": [host_rows()]}
    return StoreBatch(host=host, seq=seq, **given | fields)
