"""
The store's seam: what goes in, what comes out, and in which order.

Everything above the store is written against this page. Readers write SQL against views, one a
kind (``host_sample``, ``vm_sample``, ``energy_sample``, ...), each with the columns

    time BIGINT (UTC nanoseconds), host_id INTEGER, thing_id INTEGER, commit_id BIGINT,
    then the kind's columns as the catalogue names them (DOUBLE or BIGINT, NULL where unknown)

and against the tables ``hosts`` and ``things`` (``labels`` is JSON; ``last_seen`` may lag by a
minute). ``commit_id`` only grows: it is the position that durable cursors keep. Kinds that are
rolled up have a table ``<kind>_5m``, described in ``rollup``; ``dirty`` holds, by kind and start,
the 5-minute buckets that are not rolled up yet or no longer rightly; ``gaps`` holds batches that are lost
for good, ``ahead`` those that are stored beyond a hole, ``corrected`` the times that clocks
which were wrong had shown, ``sink_gaps`` the samples that went by age before a sink had them, ``refusals`` the
refused values by host, hour and reason. Times are UTC nanoseconds.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any, Protocol

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from headroom_proto.catalogue import Kind

Value = float | int | None

COLLECTOR_HOST = "_collector"
"""Producer of the samples that the collector makes itself; never a host of the estate."""


class StoreError(Exception):
    """The store cannot be used; the text says what and what to do."""


@dataclass(frozen=True, slots=True)
class Thing:
    """
    What a sample is about.

    ``key`` tells it apart within (host, kind): the key labels' values in the contract's order,
    joined with U+001F, empty for a host itself. ``labels`` are all its labels; those outside the
    key may change.
    """

    key: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rows:
    """
    Samples of one kind.

    ``rows``: (UTC nanoseconds, thing, one value for each column of the kind in its order).
    """

    kind: str
    rows: Sequence[tuple[int, Thing, Sequence[Value]]]


@dataclass(frozen=True, slots=True)
class Refusal:
    """A value that a named rule refused: acknowledged, recorded, counted, and not stored."""

    reason: str
    detail: str
    values: int = 1


@dataclass(frozen=True, slots=True)
class StoreBatch:
    """One batch of one producer, validated. ``facts``: HostFacts as a flat mapping, or None."""

    host: str
    epoch: bytes
    seq: int
    crc32: int
    received: int
    """UTC nanoseconds at which the collector had it."""
    rows: Sequence[Rows] = ()
    facts: Mapping[str, Any] | None = None
    refused: Sequence[Refusal] = ()
    simulated: bool = False
    agent_version: str = ""
    interval_seconds: float | None = None
    gap_before: bool = False
    """The missing batches before this one are gone for good: take it all the same, note the gap."""
    missing_before: int = 0
    """So many right before this one are gone for good, by its agent's own word."""
    ahead: bool = False
    """Sent ahead of older batches that follow: stored beyond the high water."""
    raw_time: int | None = None
    """UTC nanoseconds that the agent's clock showed, where its samples have a corrected time."""
    payload: bytes | None = None
    """The cycle as it came, for the decoder that the store was opened with; no ``rows`` then."""
    boot_id: str = ""
    boot_offset: int | None = None
    """Nanoseconds from the host's time since boot to the collector's clock, where that is known."""
    hints: Mapping[str, str] = field(default_factory=dict)
    place: int = -1
    """Among the batches that were decoded together; -1 where it was decoded by itself."""
    time: int | None = None
    """UTC nanoseconds of a batch that was decoded together with others."""
    aside: bool = False
    """About a host and not from its agent: when that was last heard, and that it said goodbye, stay."""
    acked_before: int = 0
    """Highest seq that some collector acknowledged: in a spool that this store does not know, what
    is missing up to it is stored elsewhere and no gap."""


class Result(Enum):
    """What became of a batch."""

    STORED = "stored"
    DUPLICATE = "duplicate"
    """Was there already: acknowledge it."""
    HOLE = "hole"
    """Batches before it are missing: ask for them."""
    CLASH = "clash"
    """Same epoch and seq as a stored batch, other content: a cloned or rolled-back spool."""


@dataclass(frozen=True, slots=True)
class Span:
    """Batches ``first`` to ``last``, both included; ``crc32`` is that of the last."""

    first: int
    last: int
    crc32: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """``high_water`` is the highest seq of the epoch that is durable now, ``ahead`` what is beyond."""

    result: Result
    high_water: int
    ahead: tuple[Span, ...] = ()
    refused: Sequence[Refusal] = ()
    whole: bool = False
    """Nothing of it was fit to be stored."""
    corrected: bool = False


Key = bytes | int | tuple[bytes | int, ...]
"""What tells a thing of a host and kind apart, raw as it came."""


@dataclass(frozen=True, slots=True)
class Block:
    """
    Samples of one kind of many batches, a row each: the ``place`` of its batch, its thing's key.

    ``values`` and ``known`` have an array a column of the kind; ``thing`` gives the thing of a
    key, None for one that only the slow way can deal with.
    """

    kind: Kind
    places: NDArray[np.int64]
    keys: Sequence[Key]
    values: Sequence[NDArray[Any]]
    known: Sequence[NDArray[np.bool_]]
    thing: Callable[[Any], Thing | None]


@dataclass(frozen=True, slots=True)
class Bulk:
    """
    Batches that were decoded together: those with a ``place`` have their samples in ``blocks``.

    ``whole`` decodes one by itself.
    """

    batches: Sequence[StoreBatch]
    blocks: Sequence[Block]
    whole: Callable[[StoreBatch], StoreBatch]


Decode = Callable[[Sequence[StoreBatch]], Bulk]


@dataclass(frozen=True, slots=True)
class HostRow:
    """A row of ``hosts``; times in UTC nanoseconds, None where it never happened."""

    id: int
    name: str
    simulated: bool
    first_seen: int
    last_seen: int
    """Newest sample's own time."""
    received: int
    """When the collector last had something from it."""
    goodbye: int | None
    agent_version: str
    interval_seconds: float | None
    facts: Mapping[str, Any]


class Change(Protocol):
    """Something that other rooms write in the writer's own transaction: SQL on the cursor it gets."""

    def __call__(self, cursor: duckdb.DuckDBPyConnection, commit_id: int, /) -> object:
        """Write; what it raises rolls back this change alone and lands in its future."""
        ...


@dataclass(frozen=True, slots=True)
class Migration:
    """
    One forward step of a room's tables: SQL statements, run once, in the room's own order.

    Steps that were released never change; a new step is added behind them.
    """

    room: str
    number: int
    sql: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A copy of the database: ``commit_id`` is the newest commit in it."""

    commit_id: int
    size_bytes: int


class Reader(Protocol):
    """Reads what is committed. Safe from any thread; each call sees one consistent state."""

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> pa.Table:
        """Run one SELECT; raises StoreError."""
        ...

    def hosts(self) -> list[HostRow]:
        """Every host that was ever seen, by name, the collector itself left out."""
        ...


class Store(Reader, Protocol):
    """The one writer and its readers."""

    def append(self, batch: StoreBatch) -> "Future[Outcome]":
        """Queue a batch; the future is done once it is durable. StoreError where it is not."""
        ...

    def change(self, change: Change) -> "Future[int]":
        """Queue a change for the next group commit; the future gives its commit id, durable."""
        ...

    @property
    def decodes(self) -> bool:
        """Whether batches may be appended as they came, with their ``payload``."""
        ...

    def high_water(self, host: str, epoch: bytes) -> int:
        """Highest durable seq of that spool; 0 where it is not known."""
        ...

    def checksum(self, host: str, epoch: bytes) -> int | None:
        """CRC-32 of the batch that is that spool's high water; None where it is not known."""
        ...

    def ahead(self, host: str, epoch: bytes) -> tuple[Span, ...]:
        """Return which batches of that spool are durable beyond its high water."""
        ...

    def snapshot(self, target: Path) -> "Snapshot":
        """Write a copy of the database as a new file, while it is in use; raises StoreError."""
        ...

    def subscribe(self, listener: Callable[[int], None]) -> None:
        """Have ``listener`` called with each commit id, from the writer's thread, right after."""
        ...

    def statistics(self) -> Mapping[str, float]:
        """Return the store's counters by the field names of CollectorSample."""
        ...

    def close(self) -> None:
        """Commit what is queued and close; idempotent."""
        ...
