"""The open DuckDB file: one cursor to write, one a call to read, closed and opened as a whole."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Condition

import duckdb

from headroom_collector.config import StoreSettings
from headroom_collector.store.api import StoreError
from headroom_collector.store.durable import Files, Sync
from headroom_collector.store.wording import one_line

FILE = "headroom.duckdb"
COMPATIBILITY = "v1.4.0"
"""Storage version that is written, so that the previous release opens the file."""
DRAIN_SECONDS = 30.0
"""Longest wait for readers when the database closes; they were interrupted before."""

HOLDER = re.compile(r"\(PID (\d+)\)")


def options(settings: StoreSettings) -> dict[str, str | bool | int | float | list[str]]:
    """Return DuckDB's settings: bounded, local to its file, never fetching anything."""
    return {
        "threads": 2,
        "memory_limit": f"{settings.memory_limit_mib}MiB",
        "checkpoint_threshold": f"{settings.checkpoint_threshold_mib}MiB",
        "storage_compatibility_version": COMPATIBILITY,
        "enable_external_access": False,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "python_enable_replacements": False,
    }


def refusal(path: Path, error: Exception) -> StoreError:
    """Say in one line why a database does not open, and what to do."""
    text = one_line(error)
    holder = HOLDER.search(text)
    if holder or "Could not set lock" in text:
        who = f"process {holder[1]}" if holder else "another process"
        return StoreError(
            f"{path}: is in use by {who}; a data folder serves one collector: stop that one, or "
            "give this one a folder of its own"
        )
    if "ermission denied" in text or "Read-only" in text:
        return StoreError(
            f"{path}: cannot be written: make it this user's, or take another folder"
        )
    if "No space left" in text:
        return StoreError(f"{path}: the disk is full: free some space, nothing stored is lost")
    return StoreError(
        f"{path}: cannot be read as a store and was left as it is: restore it from a backup, or "
        f"move it away to start an empty one ({text})"
    )


def make_folder(folder: Path) -> None:
    """Make the data folder where it is missing; raises StoreError where it cannot be written."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"data folder {folder}: cannot be made: {error.strerror}; name another one"
        ) from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise StoreError(f"data folder {folder}: cannot be written: make it this user's")


class Database:
    """
    One DuckDB file. Reading is safe from any thread; the rest is the writer's alone.

    ``writer`` is the one cursor that writes. After a failure of the disk, ``reopen``.
    """

    def __init__(self, folder: Path, settings: StoreSettings, sync: Sync) -> None:
        self.path = folder / FILE
        self._settings = settings
        self._files = Files(self.path, sync)
        self._root: duckdb.DuckDBPyConnection | None = None
        self._writer: duckdb.DuckDBPyConnection | None = None
        self._readers: set[duckdb.DuckDBPyConnection] = set()
        self._changed = Condition()

    @property
    def writer(self) -> duckdb.DuckDBPyConnection:
        """Return the writer's cursor; raises StoreError where the database is closed."""
        if self._writer is None:
            raise StoreError(f"{self.path}: is closed")
        return self._writer

    def open(self) -> None:
        """Open the file, made where it is missing; raises StoreError in one line."""
        make_folder(self.path.parent)
        try:
            root = duckdb.connect(str(self.path), config=options(self._settings))
        except (duckdb.Error, OSError) as error:
            raise refusal(self.path, error) from None
        with self._changed:
            self._root = root
            self._writer = root.cursor()

    def close(self) -> None:
        """Interrupt the readers, wait until they are gone, and close the file; idempotent."""
        with self._changed:
            root, writer, self._root, self._writer = self._root, self._writer, None, None
            for reader in self._readers:
                reader.interrupt()
            self._changed.wait_for(lambda: not self._readers, DRAIN_SECONDS)
        for connection in (writer, root):
            if connection is not None:
                connection.close()
        self._files.close()

    @contextmanager
    def reading(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """
        Lend a cursor of its own to a reader.

        Raises StoreError where the database is closed, and in place of DuckDB's own errors.
        """
        with self._changed:
            if self._root is None:
                raise StoreError(f"{self.path}: is closed")
            cursor = self._root.cursor()
            self._readers.add(cursor)
        try:
            yield cursor
        except duckdb.Error as error:
            raise StoreError(f"query failed: {one_line(error)}") from error
        finally:
            cursor.close()
            with self._changed:
                self._readers.discard(cursor)
                self._changed.notify_all()

    def sync(self) -> None:
        """Make what was committed durable; raises OSError where it may not be."""
        self._files.sync()

    def crowded(self) -> str | None:
        """Return what is wrong where the disk has less room than the settings leave; else None."""
        disk = os.statvfs(self.path.parent)
        free, least = disk.f_bavail * disk.f_frsize >> 20, self._settings.free_mib
        if free >= least:
            return None
        return (
            f"{self.path.parent}: {free} MiB are free, {least} have to stay (store.free_mib): no "
            "sample is taken and none is lost; free some space, or keep less (store.raw_days)"
        )

    def bytes(self) -> int:
        """Return the size of the database and its log."""
        return self._files.bytes()
