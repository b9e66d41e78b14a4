"""The durable position of a sink in the store's commits."""

from concurrent.futures import Future
from dataclasses import dataclass

import duckdb

from headroom_collector.store.api import Store
from headroom_core.clock import Clock


@dataclass(frozen=True, slots=True)
class Cursor:
    """Reads and writes one sink's position; it moves only once the engine has everything."""

    store: Store
    name: str
    clock: Clock

    def read(self) -> int:
        """Return the newest commit that the engine has all of; 0 at first. StoreError."""
        sql = "SELECT commit_id FROM sink_cursors WHERE name = ?"
        rows = self.store.query(sql, [self.name]).column(0).to_pylist()
        return int(rows[0]) if rows else 0

    def write(self, commit_id: int) -> "Future[int]":
        """Queue the new position for the next group commit."""
        row = [self.name, commit_id, self.clock.now()]

        def change(cursor: duckdb.DuckDBPyConnection, _commit: int, /) -> None:
            cursor.execute("DELETE FROM sink_cursors WHERE name = ?", [self.name])
            cursor.execute("INSERT INTO sink_cursors VALUES (?, ?, ?)", row)

        return self.store.change(change)

    def missed(self) -> int:
        """Return how many samples went by age before the engine had them; StoreError."""
        sql = "SELECT coalesce(sum(samples), 0) FROM sink_gaps WHERE name = ?"
        return int(self.store.query(sql, [self.name]).column(0)[0].as_py())
