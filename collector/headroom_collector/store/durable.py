"""Check that what was committed is on the disk, on descriptors of our own."""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

Sync = Callable[[int], None]


class Files:
    """
    The database's file and its logs, kept open to be synced.

    A descriptor reports a failed write-back only when it was open before the failure, so they
    stay open between commits. And the database file's must stay open until the database itself
    is closed: on Linux, closing any descriptor of a file drops the process's locks on it.
    """

    def __init__(self, path: Path, sync: Sync) -> None:
        self._path = path
        self._sync = sync
        self._open: dict[Path, tuple[int, int]] = {}

    def sync(self) -> None:
        """Make every file of the database durable; raises OSError where one is not."""
        there = {path: found.st_ino for path, found in self._found().items()}
        for path in [path for path, (_, inode) in self._open.items() if there.get(path) != inode]:
            os.close(self._open.pop(path)[0])
        fresh = [path for path in there if path not in self._open]
        for path in fresh:
            descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
            self._open[path] = (descriptor, os.fstat(descriptor).st_ino)
        for descriptor, _ in self._open.values():
            self._sync(descriptor)
        if fresh:
            self._sync_folder()

    def bytes(self) -> int:
        """Return the size of the files; safe from any thread."""
        return sum(found.st_size for found in self._found().values())

    def close(self) -> None:
        """Let go of the files, after the database did; idempotent."""
        while self._open:
            os.close(self._open.popitem()[1][0])

    def _found(self) -> dict[Path, os.stat_result]:
        """Return the database and its write-ahead logs; a checkpoint makes those come and go."""
        found = {}
        for path in (self._path, *self._path.parent.glob(f"{self._path.name}*.wal")):
            with suppress(FileNotFoundError):
                found[path] = path.stat()
        return found

    def _sync_folder(self) -> None:
        descriptor = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            self._sync(descriptor)
        finally:
            os.close(descriptor)
