"""What the writer remembers of the tables, so that a batch costs no look-up in them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import duckdb

from headroom_collector.store.api import Span
from headroom_collector.store.tables import Days
from headroom_proto.catalogue import Catalogue

Epoch = tuple[str, bytes]
"""(host, epoch): one spool."""
UNKNOWN = -1
"""In place of a checksum: that batch is stored elsewhere."""


@dataclass(frozen=True, slots=True)
class Mark:
    """How far a spool is stored: up to its batch ``seq``, and some beyond it, in order."""

    seq: int
    crc32: int
    ahead: tuple[Span, ...] = ()


@dataclass(slots=True)
class Known:
    """A thing that is in the table, with its first and last time there, in UTC nanoseconds."""

    id: int
    labels: Mapping[str, str]
    first: int
    last: int


@dataclass(slots=True)
class Memory:
    """
    The writer's view of the transaction in progress. The writer's thread alone uses it.

    It is changed before the transaction commits; after a rollback it is loaded again.
    """

    days: Days
    commit_id: int = 0
    next_thing: int = 1
    hosts: dict[str, int] = field(default_factory=dict)
    things: dict[int, dict[tuple[str, str], Known]] = field(default_factory=dict)
    marks: dict[Epoch, Mark] = field(default_factory=dict)
    dirty: set[tuple[str, int]] = field(default_factory=set)
    raw: dict[tuple[int, str], dict[Any, tuple[Known, Mapping[str, str]]]] = field(
        default_factory=dict
    )
    """Things by host, kind and raw key, each with the labels that the key says."""

    def load(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Read everything from the database."""
        self.days.load(cursor)
        self.commit_id = _number(cursor, "SELECT last FROM commits")
        self.next_thing = 1 + _number(cursor, "SELECT coalesce(max(id), 0) FROM things")
        self.hosts = dict(cursor.execute("SELECT name, id FROM hosts").fetchall())
        self.dirty = set(cursor.execute("SELECT kind, bucket FROM dirty").fetchall())
        self.marks = {
            (name, epoch): Mark(seq, crc32)
            for name, epoch, seq, crc32 in cursor.execute(
                "SELECT h.name, w.epoch, w.seq, w.crc32 "
                "FROM high_water w JOIN hosts h ON h.id = w.host_id"
            ).fetchall()
        }
        for name, epoch, first, last, crc32 in cursor.execute(
            "SELECT h.name, a.epoch, a.from_seq, a.to_seq, a.crc32 "
            "FROM ahead a JOIN hosts h ON h.id = a.host_id ORDER BY a.from_seq"
        ).fetchall():
            mark = self.marks[name, epoch]
            self.marks[name, epoch] = replace(mark, ahead=(*mark.ahead, Span(first, last, crc32)))
        self.things, self.raw = {}, {}
        rows = cursor.execute(
            "SELECT host_id, kind, key, id, labels, first_seen, last_seen FROM things"
        )
        for host, kind, key, number, labels, first, last in rows.fetchall():
            known = Known(number, json.loads(labels), first, last)
            self.things.setdefault(host, {})[kind, key] = known

    def durable(self) -> dict[Epoch, Mark]:
        """Return how far every spool is stored."""
        return dict(self.marks)


def remember(cursor: duckdb.DuckDBPyConnection, catalogue: Catalogue) -> Memory:
    """Return a memory of this database."""
    memory = Memory(Days(catalogue))
    memory.load(cursor)
    return memory


def _number(cursor: duckdb.DuckDBPyConnection, sql: str) -> int:
    row = cursor.execute(sql).fetchone()
    return int(row[0]) if row else 0
