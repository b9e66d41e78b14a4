"""The real store with roll-ups that a test writes itself: a month of samples would take minutes."""

from dataclasses import dataclass

import pytest
from rigs.samples import NOON, SECOND, HandClock, values

from headroom_collector.config import StoreSettings
from headroom_collector.store.api import Rows, Store, StoreBatch, Thing
from headroom_collector.store.engine import open_store

BUCKET = 300 * SECOND
DAY = 86_400 * SECOND


@dataclass
class Estate:
    """Hosts that report once, and 5-minute values of their past."""

    store: Store
    clock: HandClock

    def host(self, name, *, vms=(), facts=None, **known):
        rows = [Rows("host", [(self.clock.time, Thing(), values("host", **known))])]
        things = [Thing(uuid, {"uuid": uuid, "vm": f"vm-{uuid}"}) for uuid in vms]
        rows.append(Rows("vm", [(self.clock.time, thing, values("vm")) for thing in things]))
        self.store.append(
            StoreBatch(
                host=name,
                epoch=name.encode().ljust(16, b"\0"),
                seq=1,
                crc32=0,
                received=self.clock.time,
                rows=rows,
                facts={"cores": 16, "sockets": 2, "memory_bytes": 64 << 30} | (facts or {}),
                interval_seconds=60.0,
            )
        ).result(30)

    def past(self, kind, host, key="", *, step=36, days=30, **columns):
        """Give a thing the same 5-minute values every ``step`` buckets over the last days."""
        names = ", ".join(columns)
        marks = "".join(", ?" for _ in columns)

        def write(cursor, _commit):
            cursor.execute(
                f"INSERT INTO {kind}_5m (time, host_id, thing_id, samples, {names})"
                f" SELECT ? - s * ?, t.host_id, t.id, 5{marks}"
                " FROM range(1, ?) r(s), things t JOIN hosts h ON h.id = t.host_id"
                " WHERE h.name = ? AND t.kind = ? AND t.key = ?",
                [
                    self.clock.time,
                    step * BUCKET,
                    *columns.values(),
                    days * DAY // (step * BUCKET) + 1,
                    host,
                    kind,
                    key,
                ],
            )

        self.store.change(write).result(30)


@pytest.fixture
def past(tmp_path):
    clock = HandClock(NOON)
    store = open_store(tmp_path, StoreSettings(), (), clock)
    yield Estate(store, clock)
    store.close()
