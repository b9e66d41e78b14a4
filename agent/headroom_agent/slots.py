"""A small text that is written over and over, in place, and is never lost to a torn write."""

import os
import zlib
from dataclasses import dataclass
from pathlib import Path

SLOT = 64 * 1024
"""Bytes of a half; a longer text is refused."""


def _read(half: bytes) -> tuple[int, str] | None:
    """Return number and text of a half that is whole; None for every other."""
    head, newline, rest = half.partition(b"\n")
    try:
        number, length, crc = (int(word) for word in head.split())
    except ValueError:
        return None
    text = rest[:length]
    if not newline or len(text) != length or zlib.crc32(text) != crc:
        return None
    return number, text.decode("ascii", errors="replace")


@dataclass(slots=True)
class Slots:
    """
    A file with two halves, written in turn: what spoils the one leaves the other.

    A kill cannot tear a write, and after a power cut at most the newer half is torn. Writing in
    place costs a tenth of making a new file and renaming it, and works on a disk that is full.
    Both methods raise OSError.
    """

    path: Path
    _number: int = 0
    _descriptor: int = -1

    def read(self) -> str:
        """
        Return the newest text that is whole; a file without halves is returned as it is.

        FileNotFoundError where there is none.
        """
        data = self.path.read_bytes()
        halves = [half for half in (_read(data[:SLOT]), _read(data[SLOT:])) if half is not None]
        if not halves:
            return data.decode("ascii", errors="replace")
        self._number, text = max(halves)
        return text

    def write(self, text: str) -> None:
        """Write over the older half."""
        data = text.encode("ascii")
        number = self._number + 1
        whole = b"%d %d %d\n" % (number, len(data), zlib.crc32(data)) + data
        if len(whole) > SLOT:
            raise OSError(27, f"{len(whole)} bytes are more than {SLOT}")
        os.pwrite(self._open(), whole, SLOT * (number % 2))
        self._number = number

    def _open(self) -> int:
        if self._descriptor >= 0 and os.fstat(self._descriptor).st_nlink == 0:
            self.close()  # somebody took it away
        if self._descriptor < 0:
            flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0)
            self._descriptor = os.open(self.path, flags, 0o600)
        return self._descriptor

    def close(self) -> None:
        """Close the file; the next write opens it again."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
