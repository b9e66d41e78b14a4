"""The spool: cycles on disk, until the collector has acknowledged them."""

import os
import sqlite3
import threading
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from headroom_agent.notices import Notices
from headroom_agent.spool_schema import EPOCH_BYTES, SpoolError, connect, lock, set_aside

ROW_OVERHEAD = 64
"""Bytes that a row takes beside its payload, about."""

MAX_PAYLOAD = 480 * 1024
"""Largest payload in bytes: a message with it stays below the collector's limit of 512 KiB."""


@dataclass(frozen=True, slots=True)
class Row:
    """One spooled cycle; ``payload`` is a serialised Cycle, ``created`` UTC nanoseconds."""

    epoch: bytes
    seq: int
    boot_id: str
    crc32: int
    payload: bytes
    created: int


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of a spool; when one is hit the oldest batches go and are counted."""

    max_bytes: int = 64 * 1024 * 1024
    max_age_seconds: float = 7 * 86400.0


@dataclass(frozen=True, slots=True)
class SpoolState:
    """What waits in the spool: batches, bytes, and batches dropped since the spool was made."""

    batches: int
    size_bytes: int
    dropped: int


class Spool:
    """
    A queue of rows in an SQLite file, one commit a batch, durable when ``append`` returns.

    Sequence numbers start at 1 and grow by 1 within an epoch. Safe from any thread; one process at
    a time. Every method raises SpoolError where the file fails.
    """

    def __init__(
        self,
        path: Path,
        limits: Limits,
        notices: Notices,
        *,
        random: Callable[[int], bytes] = os.urandom,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        """Open or make the file; ``clock`` gives UTC nanoseconds, ``random`` that many bytes."""
        self._path, self._limits, self._notices = path, limits, notices
        self._random, self._clock = random, clock
        self._mutex = threading.Lock()
        self._epoch = b""
        self._next = self._first = 1
        self._batches = self._size = self._dropped = 0
        self._lost = 0  # could not be written; into the file's count with the next write
        self._lock = lock(path)
        try:
            self._connection = self._open()
            self._count()
        except (SpoolError, sqlite3.Error):
            os.close(self._lock)
            raise

    def _open(self) -> sqlite3.Connection:
        try:
            return connect(self._path, self._random(EPOCH_BYTES))
        except sqlite3.DatabaseError as error:
            aside = set_aside(self._path)
            self._notices.fault(
                "spool file",
                f"spool {self._path}: is damaged ({error}); kept as {aside.name}, started a new one",
            )
        try:
            return connect(self._path, self._random(EPOCH_BYTES))
        except sqlite3.DatabaseError as error:
            raise SpoolError(f"spool {self._path}: cannot be made: {error}") from None

    def _count(self) -> None:
        select = self._connection.execute
        self._epoch, self._next, self._dropped = select(
            "SELECT epoch, next_seq, dropped FROM spool"
        ).fetchone()
        self._batches, size, first = select(
            "SELECT count(*), coalesce(sum(length(payload)), 0), min(seq) FROM batches"
        ).fetchone()
        self._size = size + ROW_OVERHEAD * self._batches
        self._first = self._next if first is None else first

    @property
    def epoch(self) -> bytes:
        """The spool's 16 random bytes."""
        return self._epoch

    @property
    def first_seq(self) -> int:
        """Oldest row's sequence number; ``next_seq`` when there is none."""
        return self._first

    @property
    def next_seq(self) -> int:
        """Sequence number that the next row will have."""
        return self._next

    def state(self) -> SpoolState:
        """Return what waits, and how much was dropped."""
        with self._mutex:
            return SpoolState(self._batches, self._size, self._dropped + self._lost)

    def append(self, payload: bytes, boot_id: str) -> int:
        """Store one serialised Cycle; returns its sequence number once it is on the disk."""
        with self._mutex:
            if len(payload) > MAX_PAYLOAD:
                self._lost += 1
                raise SpoolError(
                    f"a cycle of {len(payload)} bytes is larger than {MAX_PAYLOAD}; left out"
                )
            try:
                return self._append(payload, boot_id)
            except sqlite3.Error as error:
                self._lost += 1
                self._fail("cannot be written", error)

    def _append(self, payload: bytes, boot_id: str) -> int:
        seq, lost = self._next, self._lost
        row = (seq, self._epoch, boot_id, zlib.crc32(payload), payload, self._clock())
        with self._connection as connection:
            connection.execute("INSERT INTO batches VALUES (?, ?, ?, ?, ?, ?)", row)
            over = self._over(self._size + len(payload) + ROW_OVERHEAD, seq)
            freed = self._free(over)
            connection.execute(
                "UPDATE spool SET next_seq = ?, dropped = dropped + ?", (seq + 1, freed[0] + lost)
            )
        self._next, self._lost = seq + 1, 0
        self._dropped += freed[0] + lost
        self._recount(1 - freed[0], len(payload) + ROW_OVERHEAD - freed[1])
        if freed[0]:
            self._notices.fault(
                "spool bound",
                f"spool {self._path}: full or too old, the oldest batches are dropped and counted; "
                "is the collector reachable?",
            )
        return seq

    def _over(self, size: int, newest: int) -> int:
        """Return the newest row that has to go so that the rest is within the bounds; 0: none."""
        oldest_kept = self._clock() - int(self._limits.max_age_seconds * 1e9)
        over = 0
        for seq, created, length in self._connection.execute(
            "SELECT seq, created, length(payload) FROM batches WHERE seq < ? ORDER BY seq",
            (newest,),
        ):
            if size <= self._limits.max_bytes and created >= oldest_kept:
                break
            size -= length + ROW_OVERHEAD
            over = seq
        return over

    def _free(self, seq: int) -> tuple[int, int]:
        """Delete the rows up to ``seq``; returns how many and their bytes."""
        if seq < self._first:
            return 0, 0
        rows, size = self._connection.execute(
            "SELECT count(*), coalesce(sum(length(payload)), 0) FROM batches WHERE seq <= ?",
            (seq,),
        ).fetchone()
        self._connection.execute("DELETE FROM batches WHERE seq <= ?", (seq,))
        return rows, size + ROW_OVERHEAD * rows

    def _recount(self, rows: int, size: int) -> None:
        """Keep the counts in memory in step with a commit."""
        self._batches += rows
        self._size += size
        first = self._connection.execute("SELECT min(seq) FROM batches").fetchone()[0]
        self._first = self._next if first is None else first

    def read(self, from_seq: int, max_rows: int, max_bytes: int) -> list[Row]:
        """
        Return rows from ``from_seq`` on, oldest first, with up to ``max_bytes`` of payload.

        The first row is returned whatever its size. A row whose checksum does not fit is dropped,
        counted and said.
        """
        with self._mutex:
            try:
                return self._read(from_seq, max_rows, max_bytes)
            except sqlite3.Error as error:
                self._fail("cannot be read", error)

    def _read(self, from_seq: int, max_rows: int, max_bytes: int) -> list[Row]:
        good: list[Row] = []
        bad: list[int] = []
        size = 0
        for values in self._connection.execute(
            "SELECT epoch, seq, boot_id, crc32, payload, created FROM batches"
            " WHERE seq >= ? ORDER BY seq LIMIT ?",
            (from_seq, max_rows),
        ):
            row = Row(*values)
            size += len(row.payload) + ROW_OVERHEAD
            if good and size > max_bytes:
                break
            if zlib.crc32(row.payload) == row.crc32:
                good.append(row)
            else:
                bad.append(row.seq)
        if bad:
            self._drop_bad(bad)
        return good

    def _drop_bad(self, seqs: list[int]) -> None:
        with self._connection as connection:
            connection.executemany("DELETE FROM batches WHERE seq = ?", [(seq,) for seq in seqs])
            connection.execute("UPDATE spool SET dropped = dropped + ?", (len(seqs),))
        self._count()
        self._notices.fault(
            "spool rows",
            f"spool {self._path}: batches {seqs} are damaged on the disk; dropped and counted",
        )

    def ack(self, seq: int) -> None:
        """Free every row up to and with ``seq``."""
        with self._mutex:
            if seq < self._first:
                return
            try:
                with self._connection:
                    rows, size = self._free(seq)
                self._recount(-rows, -size)
                if self._batches == 0:
                    self._notices.fine("spool bound", f"spool {self._path}: is empty again")
            except sqlite3.Error as error:
                self._fail("cannot be written", error)

    def renew(self, since: int) -> None:
        """
        Start a new epoch, with only the rows made at or after ``since`` (UTC nanoseconds).

        For a spool that was restored from a backup: the collector has seen its numbers already.
        """
        with self._mutex:
            try:
                self._renew(since)
                self._count()
            except sqlite3.Error as error:
                self._fail("cannot be written", error)

    def _renew(self, since: int) -> None:
        with self._connection as connection:
            epoch = self._random(EPOCH_BYTES)
            kept = connection.execute(
                "SELECT boot_id, crc32, payload, created FROM batches WHERE created >= ? ORDER BY seq",
                (since,),
            ).fetchall()
            connection.execute("DELETE FROM batches")
            rows = [(seq, epoch, *values) for seq, values in enumerate(kept, start=1)]
            connection.executemany("INSERT INTO batches VALUES (?, ?, ?, ?, ?, ?)", rows)
            connection.execute("UPDATE spool SET epoch = ?, next_seq = ?", (epoch, len(rows) + 1))

    def close(self) -> None:
        """Close the file and let another process have it."""
        with self._mutex:
            self._connection.close()
            os.close(self._lock)

    def _fail(self, what: str, error: sqlite3.Error) -> NoReturn:
        raise SpoolError(
            f"spool {self._path}: {what}: {error}; is the disk full? --spool FILE takes another"
        ) from None
