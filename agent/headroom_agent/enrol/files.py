"""Certificate files of the agent: what is in them, and new ones put in place as a whole."""

import base64
import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

TIME = rb"(?:\x17\x0d(\d{12})|\x18\x0f(\d{14}))Z"
VALIDITY = re.compile(TIME + TIME)
"""Two times in DER: UTCTime until 2049, GeneralizedTime from 2050 on (RFC 5280, 4.1.2.5)."""
BLOCK = re.compile(rb"-----BEGIN ([A-Z ]+)-----\s.+?-----END \1-----\n?", re.DOTALL)


class CertificateError(Exception):
    """A certificate that cannot be had or kept; one line that says what to do."""


def blocks(pem: bytes, *kinds: str) -> list[bytes]:
    """Return the PEM blocks of these kinds, in order, each with its own lines."""
    found = BLOCK.finditer(pem)
    return [match[0].rstrip() + b"\n" for match in found if match[1].decode() in kinds]


def der(pem: bytes) -> bytes:
    """Return a PEM block's content; raises ValueError."""
    return base64.b64decode(b"".join(pem.strip().splitlines()[1:-1]), validate=True)


def validity(pem: bytes) -> tuple[datetime, datetime] | None:
    """Return from when and until when the first certificate is valid; None where it is not told."""
    found = None
    try:
        first = blocks(pem, "CERTIFICATE")
        found = VALIDITY.search(der(first[0])) if first else None
    except ValueError:
        pass
    if found is None:
        return None
    return _time(found[1], found[2]), _time(found[3], found[4])


def _time(short: bytes | None, long: bytes | None) -> datetime:
    """Read a time with a year of two digits, or with one of four."""
    text, pattern = (short, "%y%m%d%H%M%S") if short else (long or b"", "%Y%m%d%H%M%S")
    return datetime.strptime(text.decode(), pattern).replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Files:
    """
    The three files. New ones are put in place such that a kill at any moment leaves a pair that fits.

    Key and certificate go together into ``pending`` first; whoever finds that finishes the change.
    """

    ca: Path
    cert: Path
    key: Path

    @property
    def pending(self) -> Path:
        """Where a new pair waits for both of its files."""
        return self.cert.with_name(f".{self.cert.name}.new")

    def put(self, ca: bytes, cert: bytes, key: bytes) -> None:
        """Have these from now on, durable; raises CertificateError."""
        try:
            for folder in {path.parent for path in (self.ca, self.cert, self.key)}:
                _make(folder)
            _write(self.ca, ca, 0o644)
            _write(self.pending, key + cert, 0o600)
            self.finish()
        except OSError as error:
            raise CertificateError(
                f"{error.filename or self.cert.parent}: {error.strerror}: make the folder writable"
                " for the agent's user, or name another with --tls DIR"
            ) from None

    def finish(self) -> None:
        """Finish a change that was begun; does nothing without one. Raises OSError."""
        try:
            waiting = self.pending.read_bytes()
        except FileNotFoundError:
            return
        keys = blocks(waiting, "PRIVATE KEY", "EC PRIVATE KEY")
        certificates = blocks(waiting, "CERTIFICATE")
        if keys and certificates:
            _write(self.key, keys[0], 0o600)
            _write(self.cert, b"".join(certificates), 0o644)
        self.pending.unlink()

    def stamp(self) -> tuple[tuple[int, int], ...]:
        """Return what changes whenever one of the files does."""
        found = []
        for path in (self.ca, self.cert, self.key, self.pending):
            try:
                info = path.stat()
                found.append((info.st_mtime_ns, info.st_ino))
            except OSError:
                found.append((0, 0))
        return tuple(found)


def _give(handle: int | Path, folder: Path) -> None:
    """Give what root made to the owner of the folder it is in: root enrols for the agent."""
    owner = folder.stat()
    if os.geteuid() == 0 and owner.st_uid != 0:
        os.chown(handle, owner.st_uid, owner.st_gid)


def _make(folder: Path) -> None:
    """Make a folder that only its owner can look into, and those above it. Raises OSError."""
    if folder.exists():
        return
    _make(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)
    _give(folder, folder.parent)


def _write(path: Path, content: bytes, mode: int) -> None:
    """Put a whole file in place, durable, or leave the old one. Raises OSError."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.unlink(missing_ok=True)
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(handle, "wb") as file:
            os.fchmod(file.fileno(), mode)
            _give(file.fileno(), path.parent)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
        _sync_folder(path.parent)
    except OSError:
        beside.unlink(missing_ok=True)
        raise


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
