"""Seals: checksums over what a row of the spool says beside its payload."""

import zlib
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kept:
    """A row of the table ``batches``, as it is in the file."""

    epoch: bytes
    seq: int
    boot_id: str
    crc32: int
    payload: bytes
    created: int
    seal: int


@dataclass(frozen=True, slots=True)
class Numbers:
    """The one row of the table ``spool``."""

    epoch: bytes
    next_seq: int
    dropped: int
    acked: int
    carried: int

    def seal(self) -> int:
        """Return the checksum over all of it."""
        numbers = f"{self.next_seq} {self.dropped} {self.acked} {self.carried}"
        return zlib.crc32(self.epoch + numbers.encode())


def seal_of(epoch: bytes, seq: int, boot_id: str, crc32: int, created: int) -> int:
    """Return the checksum over a row's place, so that a damaged number cannot move the row."""
    return zlib.crc32(epoch + f"{seq} {crc32} {created} {boot_id}".encode())


def kept_is_whole(row: Kept) -> bool:
    """Whether a row's place and payload are what was written."""
    place = seal_of(row.epoch, row.seq, row.boot_id, row.crc32, row.created)
    return place == row.seal and zlib.crc32(row.payload) == row.crc32


def numbers_are_whole(found: Numbers, seal: int) -> bool:
    """Whether the spool's own row is what was written."""
    return found.seal() == seal
