"""Files under /proc and /sys, read whole, with one clear line where that fails."""

from pathlib import Path

from headroom_agent.sampler import SampleError


def read(path: Path) -> bytes:
    """Return what the file holds; raises SampleError naming path and reason."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise SampleError(f"{path}: cannot be read: {error.strerror}") from None


def read_text(path: Path) -> str:
    """Return what the file holds, undecodable bytes replaced; raises SampleError."""
    return read(path).decode(errors="replace")


def read_if_there(path: Path) -> str:
    """Return what the file holds, stripped; empty where it is not there or may not be read."""
    try:
        return path.read_bytes().decode(errors="replace").strip()
    except OSError:
        return ""
