"""One group of batches: decided against the memory, then written in one transaction."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from headroom_collector.store import merges
from headroom_collector.store.api import Bulk, Decode, Result, Rows, Span, StoreBatch, Thing
from headroom_collector.store.blocks import FRESH, Blocks
from headroom_collector.store.marks import Verdict, judge
from headroom_collector.store.memory import Known, Memory
from headroom_collector.store.sheet import Sheet, insert, known, run
from headroom_collector.store.tables import BUCKET, DAY, REACH, SECOND
from headroom_proto.catalogue import Catalogue, Kind

HOUR = 3_600 * SECOND

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a batch, and the batch as it was decoded."""

    result: Result
    batch: StoreBatch


def _times(batch: StoreBatch) -> list[int]:
    if batch.time is not None:
        return [batch.time]
    return [row[0] for rows in batch.rows for row in rows.rows]


@dataclass(slots=True)
class Group:
    """What a group adds to the tables. ``take`` changes the memory, ``write`` the database."""

    memory: Memory
    catalogue: Catalogue
    floor: int
    """UTC nanoseconds; roll-ups before it stay, because raw data beside the sample is gone."""
    sheets: dict[tuple[str, int], Sheet] = field(default_factory=dict)
    hosts: dict[int, Row] = field(default_factory=dict)
    things: dict[int, Row] = field(default_factory=dict)
    marks: dict[tuple[int, bytes], Row] = field(default_factory=dict)
    gaps: list[Row] = field(default_factory=list)
    spans: dict[tuple[int, bytes], tuple[Span, ...]] = field(default_factory=dict)
    corrected: list[Row] = field(default_factory=list)
    refusals: dict[tuple[int, int, str], Row] = field(default_factory=dict)
    refused: int = 0
    blocks: Blocks | None = None

    def take_all(self, batches: Sequence[StoreBatch], decode: Decode | None) -> list[Taken]:
        """Decide about batches in their order; those with a payload are decoded together."""
        raw = [batch for batch in batches if batch.payload is not None]
        bulk = decode(raw) if decode is not None and raw else None
        if bulk is None:
            return [Taken(self.take(batch), batch) for batch in batches]
        times = np.array([batch.time or 0 for batch in bulk.batches], np.int64)
        self.blocks = Blocks(list(bulk.blocks), times)
        decoded = iter(bulk.batches)
        found = [batch if batch.payload is None else next(decoded) for batch in batches]
        taken = [Taken(self.take(batch), batch) for batch in found]
        odd = self.blocks.find(self.memory, self._thing)
        for number, one in enumerate(taken):
            if one.batch.place in odd and one.result is Result.STORED:
                taken[number] = Taken(one.result, self._slowly(bulk, one.batch))
        return taken

    def _slowly(self, bulk: Bulk, batch: StoreBatch) -> StoreBatch:
        """Take a batch by itself out of its blocks."""
        blocks = self.blocks
        if blocks is None:
            raise ValueError("no blocks")
        host, whole = int(blocks.hosts[batch.place]), bulk.whole(batch)
        blocks.hosts[batch.place] = -1
        for rows in whole.rows:
            self._rows(host, rows)
        self._refuse(host, whole)
        return whole

    def take(self, batch: StoreBatch) -> Result:
        """Decide about a batch; one to be stored is added. Raises ValueError for an odd one."""
        known = self.memory.marks.get((batch.host, batch.epoch))
        verdict = judge(known, batch)
        if verdict.result is Result.STORED:
            host = self._host(batch)
            self._mark(host, batch, verdict)
            for rows in batch.rows:
                self._rows(host, rows)
            self._refuse(host, batch)
            if batch.place >= 0 and self.blocks is not None:
                self.blocks.hosts[batch.place] = host
        elif verdict.gaps:
            self._mark(self.memory.hosts[batch.host], batch, verdict)
        return verdict.result

    def write(self, cursor: duckdb.DuckDBPyConnection) -> int:
        """Write everything inside the caller's transaction; return the number of values."""
        values = 0
        for kind, day, columns in self._tables():
            insert(cursor, self.memory.days.table(cursor, kind.name, day), columns)
            values += known(columns)
        for sql, rows, schema in (
            (merges.HOSTS, [*self.hosts.values()], merges.HOST),
            (merges.THINGS, [*self.things.values()], merges.THING),
            (merges.MARKS, [*self.marks.values()], merges.MARK),
            (merges.NOT_AHEAD, [*self.marks.values()], merges.MARK),
            (merges.AHEAD, self._ahead(), merges.SPAN),
            (merges.CORRECTED, self.corrected, merges.CORRECTION),
            (merges.GAPS, self.gaps, merges.GAP),
            (merges.REFUSALS, [*self.refusals.values()], merges.REFUSAL),
            (merges.DIRTY, self._dirty(), merges.BUCKET),
        ):
            if rows:
                run(cursor, sql, pa.Table.from_pylist(rows, schema))
        return values

    def _tables(self) -> Iterator[tuple[Kind, int, pa.Table]]:
        for sheet in self.sheets.values():
            yield sheet.kind, sheet.day, sheet.table(self.memory.commit_id)
        if self.blocks is not None:
            yield from self.blocks.tables(self.memory.commit_id)

    def _host(self, batch: StoreBatch) -> int:
        number = self.memory.hosts.setdefault(batch.host, len(self.memory.hosts) + 1)
        times = _times(batch) or [batch.received]
        row = self.hosts.setdefault(number, {"id": number, "first": min(times), "last": 0})
        heard = row.get("aside") is False  # from the host's agent, in this very group
        row |= {
            "name": batch.host,
            "simulated": row["simulated"] if batch.aside and heard else batch.simulated,
            "first": min(row["first"], *times),
            "last": max(row["last"], *times),
            "received": row["received"] if batch.aside and heard else batch.received,
            "agent_version": batch.agent_version or row.get("agent_version"),
            "interval": batch.interval_seconds or row.get("interval"),
            "facts": row.get("facts") if batch.facts is None else json.dumps(dict(batch.facts)),
            "aside": batch.aside and not heard,
        }
        return number

    def _mark(self, host: int, batch: StoreBatch, verdict: Verdict) -> None:
        for first, last in verdict.gaps:
            gap = {"from": first, "to": last, "time": batch.received}
            self.gaps.append({"host": host, "epoch": batch.epoch, **gap})
        mark = self.memory.marks[batch.host, batch.epoch] = verdict.mark
        row = self.marks.setdefault(
            (host, batch.epoch), {"host": host, "epoch": batch.epoch, "baseline": batch.seq}
        )
        row |= {"seq": mark.seq, "crc32": mark.crc32, "updated": batch.received}
        self.spans[host, batch.epoch] = mark.ahead
        if batch.raw_time is not None:
            times = _times(batch) or [batch.raw_time]
            self.corrected.append(
                {
                    "host": host,
                    "epoch": batch.epoch,
                    "seq": batch.seq,
                    "time": times[0],
                    "raw_time": batch.raw_time,
                    "received": batch.received,
                }
            )

    def _ahead(self) -> list[Row]:
        return [
            {
                "host": host,
                "epoch": epoch,
                "from": span.first,
                "to": span.last,
                "crc32": span.crc32,
            }
            for (host, epoch), spans in self.spans.items()
            for span in spans
        ]

    def _rows(self, host: int, rows: Rows) -> None:
        try:
            kind = self.catalogue.kind(rows.kind)
        except KeyError:
            raise ValueError(f"kind {rows.kind!r}: the contract has no such kind") from None
        things = self.memory.things.setdefault(host, {})
        for time, thing, values in rows.rows:
            entry = things.get((rows.kind, thing.key))
            if (
                entry is None
                or not entry.first <= time <= entry.last + FRESH
                or entry.labels != thing.labels
            ):
                entry = self._thing(host, rows.kind, thing, time)
            sheet = self.sheets.get((rows.kind, time // DAY))
            if sheet is None:
                sheet = self.sheets.setdefault((rows.kind, time // DAY), Sheet(kind, time // DAY))
            sheet.times.append(time)
            sheet.hosts.append(host)
            sheet.things.append(entry.id)
            sheet.values.append(values)

    def _thing(self, host: int, kind: str, thing: Thing, time: int) -> Known:
        things = self.memory.things.setdefault(host, {})
        entry = things.get((kind, thing.key))
        if entry is None:
            entry = Known(self.memory.next_thing, {}, time, time)
            things[kind, thing.key] = entry
            self.memory.next_thing += 1
        if time + FRESH >= entry.last:  # an old batch brings old labels
            entry.labels = dict(thing.labels)
        entry.first, entry.last = min(entry.first, time), max(entry.last, time)
        self.things[entry.id] = {
            "id": entry.id,
            "host": host,
            "kind": kind,
            "key": thing.key,
            "labels": json.dumps(entry.labels),
            "first": entry.first,
            "last": entry.last,
        }
        return entry

    def _refuse(self, host: int, batch: StoreBatch) -> None:
        hour = batch.received // HOUR * HOUR
        for refusal in batch.refused:
            row = self.refusals.setdefault(
                (host, hour, refusal.reason),
                {"host": host, "time": hour, "reason": refusal.reason, "count": 0},
            )
            row |= {"detail": refusal.detail, "count": row["count"] + refusal.values}
            self.refused += refusal.values

    def _dirty(self) -> list[Row]:
        """Return the buckets to be rolled up that are not in the table yet."""
        found = {
            (sheet.kind.name, time // BUCKET + after)
            for sheet in self.sheets.values()
            if sheet.kind.rolled_up
            for time in set(sheet.times)
            for after in range(REACH + 1)
        }
        found |= {
            (kind.name, number + after)
            for kind, number in (self.blocks.buckets() if self.blocks else ())
            if kind.rolled_up
            for after in range(REACH + 1)
        }
        buckets = {
            (kind, number * BUCKET) for kind, number in found if number * BUCKET >= self.floor
        } - self.memory.dirty
        self.memory.dirty |= buckets
        return [{"kind": kind, "bucket": bucket} for kind, bucket in sorted(buckets)]
