"""
Copy of the database's file while the store goes on.

Between two checkpoints DuckDB changes no block that the file's header leads to: commits go to the
log, and what is written ahead goes to blocks that are free. So a file that was checkpointed just
now, with no further checkpoint until the copy is done, is copied while commits go on.
"""

import os
from collections.abc import Callable
from pathlib import Path

import duckdb

from headroom_collector.store.api import Snapshot, StoreError
from headroom_collector.store.wording import one_line

ATTEMPTS = 20
"""Checkpoints tried until one leaves no log: a reader that began before it keeps one."""
NEVER = "1TB"
CHUNK = 4 << 20

Job = Callable[[duckdb.DuckDBPyConnection], object]


def snapshot(path: Path, target: Path, aside: Callable[[Job], object]) -> Snapshot:
    """
    Copy the database ``path`` to the new file ``target``.

    ``aside`` has a job done by the writer, outside any transaction. Raises StoreError, and then
    there is no target.
    """
    found: list[int] = []
    before: list[str] = []

    def begin(cursor: duckdb.DuckDBPyConnection) -> None:
        before.append(_setting(cursor, "checkpoint_threshold"))
        cursor.execute(f"SET checkpoint_threshold = '{NEVER}'")
        for _ in range(ATTEMPTS):
            cursor.execute("CHECKPOINT")
            if _logged(path) == 0:
                found.append(_last(cursor))
                return
        raise StoreError(f"{path}: readers are busy, no moment to copy it was found; try again")

    def end(cursor: duckdb.DuckDBPyConnection) -> None:
        if before:
            cursor.execute(f"SET checkpoint_threshold = '{before[0]}'")

    try:
        try:
            aside(begin)
            size = _copy(path, target)
        finally:
            aside(end)
        _verify(target, found[0])
    except (OSError, duckdb.Error, StoreError) as error:
        target.unlink(missing_ok=True)
        if isinstance(error, StoreError):
            raise
        raise StoreError(
            f"backup to {target}: {one_line(error)}; nothing was left there"
        ) from None
    return Snapshot(found[0], size)


def _setting(cursor: duckdb.DuckDBPyConnection, name: str) -> str:
    row = cursor.execute("SELECT current_setting(?)", [name]).fetchone()
    return str(row[0]) if row else ""


def _last(cursor: duckdb.DuckDBPyConnection) -> int:
    row = cursor.execute("SELECT last FROM commits").fetchone()
    return int(row[0]) if row else 0


def _logged(path: Path) -> int:
    log = path.with_name(f"{path.name}.wal")
    return log.stat().st_size if log.exists() else 0


def _copy(path: Path, target: Path) -> int:
    """Copy and make durable; returns the bytes."""
    with path.open("rb") as source, target.open("xb") as sink:
        while data := source.read(CHUNK):
            sink.write(data)
        sink.flush()
        os.fsync(sink.fileno())
        return sink.tell()


def _verify(target: Path, commit_id: int) -> None:
    """Open the copy and see that it is what it should be."""
    with duckdb.connect(str(target), read_only=True) as copy:
        if _last(copy) != commit_id:
            raise StoreError(f"{target}: the copy is not the store's; try again")
