"""Files under /proc and /sys, read whole, with one clear line where that fails."""

import os
from pathlib import Path

from headroom_agent.sampler import SampleError

CHUNK = 1 << 16


def _all(descriptor: int) -> bytes:
    # A short read of a file under /proc is not its end (fs/seq_file.c).
    data = os.read(descriptor, CHUNK)
    while more := os.read(descriptor, CHUNK):
        data += more
    return data


def _read(path: Path | str) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return _all(descriptor)
    finally:
        os.close(descriptor)


class Files:
    """
    Files that are read in every cycle: they stay open, which takes half of the time.

    One that fails is opened once more: what it stood for may have come back under its name.
    """

    __slots__ = ("_open",)

    def __init__(self) -> None:
        self._open: dict[str, int] = {}

    def _read(self, path: str) -> bytes:
        kept = self._open.get(path)
        if kept is not None:
            try:
                os.lseek(kept, 0, os.SEEK_SET)
                return _all(kept)
            except OSError:
                os.close(self._open.pop(path))
        self._open[path] = descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        return _all(descriptor)

    def read(self, path: str) -> bytes:
        """Return what the file holds; raises SampleError naming path and reason."""
        try:
            return self._read(path)
        except OSError as error:
            raise SampleError(f"{path}: cannot be read: {error.strerror}") from None

    def read_text(self, path: str) -> str:
        """Return what the file holds, undecodable bytes replaced; raises SampleError."""
        return self.read(path).decode(errors="replace")

    def read_where_kept(self, path: str) -> bytes | None:
        """Return what the file holds; None where this kernel has none. Raises SampleError."""
        try:
            return self._read(path)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise SampleError(f"{path}: cannot be read: {error.strerror}") from None

    def read_if_there(self, path: str) -> str:
        """Return what it holds, stripped; empty where it is not there or may not be read."""
        try:
            return self._read(path).decode(errors="replace").strip()
        except OSError:
            return ""

    def number_if_there(self, path: str) -> int | None:
        """Return the whole number, 0 or more, that the file holds; None where it holds none."""
        text = self.read_if_there(path)
        return int(text) if text.isdecimal() else None

    def close(self) -> None:
        """Close all; the next reading opens them again."""
        while self._open:
            os.close(self._open.popitem()[1])


def read(path: Path | str) -> bytes:
    """
    Return what the file holds; raises SampleError naming path and reason.

    What is read in every cycle is named by a text: making a Path costs as much as reading a file.
    """
    try:
        return _read(path)
    except OSError as error:
        raise SampleError(f"{path}: cannot be read: {error.strerror}") from None


def read_where_kept(path: Path | str) -> bytes | None:
    """Return what the file holds; None where this kernel has none. Raises SampleError."""
    try:
        return _read(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SampleError(f"{path}: cannot be read: {error.strerror}") from None


def read_text(path: Path | str) -> str:
    """Return what the file holds, undecodable bytes replaced; raises SampleError."""
    return read(path).decode(errors="replace")


def read_if_there(path: Path | str) -> str:
    """Return what the file holds, stripped; empty where it is not there or may not be read."""
    try:
        return _read(path).decode(errors="replace").strip()
    except OSError:
        return ""


def number_if_there(path: Path | str) -> int | None:
    """Return the whole number, 0 or more, that the file holds; None where it holds none."""
    text = read_if_there(path)
    return int(text) if text.isdecimal() else None


def names(folder: Path | str) -> list[str]:
    """Return the sorted names in a folder; none where it is not there or may not be read."""
    try:
        return sorted(os.listdir(folder))  # noqa: PTH208 - names, and no Path for each
    except OSError:
        return []


class Kept:
    """
    A file of at most 64 KiB that stays open and is read from its start each time.

    That takes a quarter of the time of opening it anew. ``read`` raises OSError.
    """

    __slots__ = ("_descriptor", "path")

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor = -1

    def read(self) -> bytes:
        """Return what the file holds now."""
        if self._descriptor < 0:
            self._descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        return os.pread(self._descriptor, CHUNK, 0)

    def close(self) -> None:
        """Close it; the next read opens it again."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
