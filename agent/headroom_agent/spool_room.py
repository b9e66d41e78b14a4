"""Ballast: room beside the spool that is given up when the disk is full."""

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

BYTES = 256 * 1024
"""SQLite needs room in its log even to delete, so a full disk could never be emptied without."""


def _take(descriptor: int) -> None:
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, 0, BYTES)
    else:
        os.write(descriptor, bytes(BYTES))


@dataclass(frozen=True, slots=True)
class Ballast:
    """A file that only takes room."""

    path: Path

    def make(self) -> None:
        """Take the room, as far as there is any."""
        with suppress(OSError):
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                if os.fstat(descriptor).st_size < BYTES:
                    _take(descriptor)
            finally:
                os.close(descriptor)

    def release(self) -> None:
        """Give the room up."""
        with suppress(OSError):
            self.path.unlink()
