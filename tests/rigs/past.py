"""The real store with roll-ups that a test writes itself: a month of samples would take minutes."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from headroom_collector.config import StoreSettings
from headroom_collector.store.api import Rows, Store, StoreBatch, Thing
from headroom_collector.store.engine import open_store
from rigs.samples import SECOND, HandClock, values

BUCKET = 300 * SECOND
DAY = 86_400 * SECOND


@dataclass
class Past:
    """Hosts that report once, and 5-minute values of their past."""

    store: Store
    clock: HandClock

    def host(
        self,
        name: str,
        *,
        vms: Sequence[str] = (),
        facts: Mapping[str, Any] | None = None,
        **known: float,
    ) -> None:
        """Let a host report now, with these virtual machines."""
        rows = [Rows("host", [(self.clock.time, Thing(), values("host", **known))])]
        things = [Thing(uuid, {"uuid": uuid, "vm": f"vm-{uuid}"}) for uuid in vms]
        rows.append(Rows("vm", [(self.clock.time, thing, values("vm")) for thing in things]))
        told = {"cores": 16, "threads": 32, "sockets": 2, "memory_bytes": 64 << 30}
        batch = StoreBatch(
            host=name,
            epoch=name.encode().ljust(16, b"\0"),
            seq=1,
            crc32=0,
            received=self.clock.time,
            rows=rows,
            facts=told | dict(facts or {}),
            interval_seconds=60.0,
        )
        self.store.append(batch).result(30)

    def past(
        self,
        kind: str,
        host: str,
        key: str = "",
        *,
        step: int = 36,
        days: int = 30,
        **columns: float | tuple[float, float],
    ) -> None:
        """
        Give a thing a 5-minute value every ``step`` buckets over the last days.

        A pair goes in a straight line from its first to its second value.
        """
        count = days * DAY // (step * BUCKET)
        names = ", ".join(columns)
        parts = ", ".join(_line(value, count) for value in columns.values())

        def write(cursor: duckdb.DuckDBPyConnection, _commit: int) -> None:
            cursor.execute(
                f"INSERT INTO {kind}_5m (time, host_id, thing_id, samples, {names})"
                f" SELECT ? - s * ?, t.host_id, t.id, 5, {parts}"
                " FROM range(1, ?) r(s), things t JOIN hosts h ON h.id = t.host_id"
                " WHERE h.name = ? AND t.kind = ? AND t.key = ?",
                [self.clock.time, step * BUCKET, count + 1, host, kind, key],
            )
            first = self.clock.time - days * DAY
            cursor.execute(
                "UPDATE hosts SET first_seen = least(first_seen, ?) WHERE name = ?", [first, host]
            )

        self.store.change(write).result(30)


def _line(value: float | tuple[float, float], count: int) -> str:
    if not isinstance(value, tuple):
        return repr(value)
    first, last = value
    return f"{last!r} + ({first!r} - {last!r}) * s / {count}"


@contextmanager
def opened(folder: Path, clock: HandClock) -> Iterator[Past]:
    """Open a store in that folder."""
    settings = StoreSettings(group_window_seconds=0.001)
    store = open_store(folder, settings, (), clock)
    try:
        yield Past(store, clock)
    finally:
        store.close()
