"""Blocks of a group: which thing each row is about, and the columns as they go into the tables."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from headroom_collector.store.api import Block, Thing
from headroom_collector.store.memory import Known, Memory
from headroom_collector.store.tables import BUCKET, DAY, SECOND
from headroom_proto.catalogue import Kind

FRESH = 60 * SECOND
"""How far ``things.last_seen`` may lag: it is written once a minute and not with each sample."""

Named = Callable[[int, str, Thing, int], Known]


@dataclass(slots=True)
class Blocks:
    """
    The blocks of the batches that a group takes.

    ``hosts`` has the number of each batch's host, -1 where the batch is not taken; ``times`` its
    time in UTC nanoseconds.
    """

    blocks: list[Block]
    times: NDArray[np.int64]
    hosts: NDArray[np.int64] = field(init=False)
    things: list[NDArray[np.int32]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Take none at first."""
        self.hosts = np.full(len(self.times), -1, np.int64)

    def find(self, memory: Memory, named: Named) -> set[int]:
        """Find every row's thing; returns the places of batches that only the slow way can take."""
        odd: set[int] = set()
        for block in self.blocks:
            things = self._things(block, memory, named, odd)
            self.things.append(things)
            taken = self.hosts[block.places] >= 0
            pairs = block.places[taken] << 32 | things[taken]
            found, counts = np.unique(pairs, return_counts=True)
            odd.update((found[counts > 1] >> 32).tolist())
        return odd

    def _things(
        self, block: Block, memory: Memory, named: Named, odd: set[int]
    ) -> NDArray[np.int32]:
        kind, times = block.kind.name, self.times[block.places].tolist()
        hosts, places = self.hosts[block.places].tolist(), block.places.tolist()
        found: list[int] = []
        for host, place, key, time in zip(hosts, places, block.keys, times, strict=True):
            if host < 0:
                found.append(0)
                continue
            known = memory.raw.setdefault((host, kind), {})
            hit = known.get(key)
            if hit is None or hit[1] is not hit[0].labels or not _fresh(hit[0], time):
                thing = block.thing(key)
                if thing is None:
                    odd.add(place)
                    found.append(0)
                    continue
                entry = memory.things.get(host, {}).get((kind, thing.key))
                if entry is None or not _fresh(entry, time) or entry.labels != thing.labels:
                    entry = named(host, kind, thing, time)
                hit = known[key] = entry, entry.labels
            found.append(hit[0].id)
        return np.array(found, np.int32)

    def tables(self, commit_id: int) -> Iterator[tuple[Kind, int, pa.Table]]:
        """Yield (kind, day, rows in the order of the kind's table)."""
        for block, things in zip(self.blocks, self.things, strict=True):
            taken = self.hosts[block.places] >= 0
            days = self.times[block.places] // DAY
            for day in np.unique(days[taken]).tolist():
                rows = np.flatnonzero(taken & (days == day))
                yield block.kind, day, self._table(block, things, rows, commit_id)

    def _table(
        self,
        block: Block,
        things: NDArray[np.int32],
        rows: NDArray[np.int64],
        commit_id: int,
    ) -> pa.Table:
        places = block.places[rows]
        arrays = {
            "time": pa.array(self.times[places]),
            "host_id": pa.array(self.hosts[places].astype(np.int32)),
            "thing_id": pa.array(things[rows]),
            "commit_id": pa.array(np.full(len(rows), commit_id, np.int64)),
        }
        for column, values, known in zip(
            block.kind.columns, block.values, block.known, strict=True
        ):
            type_ = pa.int64() if column.integer else pa.float64()
            arrays[column.field] = pa.array(values[rows], type_, mask=~known[rows])
        return pa.table(arrays)

    def buckets(self) -> Iterator[tuple[Kind, int]]:
        """Yield (kind, number of the 5-minute bucket) of what is taken."""
        for block in self.blocks:
            taken = self.hosts[block.places] >= 0
            for bucket in np.unique(self.times[block.places[taken]] // BUCKET).tolist():
                yield block.kind, bucket


def _fresh(entry: Known, time: int) -> bool:
    return entry.first <= time <= entry.last + FRESH
