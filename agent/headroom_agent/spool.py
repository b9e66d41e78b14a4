"""The spool: cycles on disk, until the collector has acknowledged them, and a while longer."""

import os
import sqlite3
import threading
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn

from headroom_agent.clocks import since_boot_ns
from headroom_agent.notices import Notices
from headroom_agent.seal import Kept, Numbers, seal_of
from headroom_agent.spool_room import Ballast
from headroom_agent.spool_schema import (
    EPOCH_BYTES,
    SpoolError,
    connect,
    lock,
    mend,
    read_numbers,
    refill,
    rewrite,
    set_aside,
    write_numbers,
    write_row,
)

ROW_OVERHEAD = 64
"""Bytes that a row takes beside its payload, about."""

MAX_PAYLOAD = 480 * 1024
"""Largest payload in bytes: a message with it stays below the collector's limit of 512 KiB."""

ROOM = 32 * 1024
"""Bytes that the oldest rows have to free at once where the disk is full."""


@dataclass(frozen=True, slots=True)
class Row:
    """
    One spooled cycle; ``payload`` is a serialised Cycle, ``created`` UTC nanoseconds.

    So many right before it, ``missing``, are gone: dropped, damaged or never written.
    """

    epoch: bytes
    seq: int
    boot_id: str
    crc32: int
    payload: bytes
    created: int
    missing: int = 0


@dataclass(frozen=True, slots=True)
class Limits:
    """
    Bounds of a spool; when one is hit the oldest batches go and are counted.

    Acknowledged batches stay for ``keep_seconds``, as far as there is room, so that a collector
    that was restored from a backup can ask for them again.
    """

    max_bytes: int = 64 * 1024 * 1024
    max_age_seconds: float = 7 * 86400.0
    keep_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class SpoolState:
    """What waits in the spool: batches, bytes, and batches dropped since the spool was made."""

    batches: int
    size_bytes: int
    dropped: int


def steady() -> Callable[[], int]:
    """Return a clock of UTC nanoseconds that no later step of the machine's clock moves."""
    offset = time.time_ns() - since_boot_ns()
    return lambda: offset + since_boot_ns()


class Spool:
    """
    A queue of rows in an SQLite file, one commit a batch, durable when ``append`` returns.

    Sequence numbers start at 1 and grow by 1 within an epoch. Safe from any thread; one process at
    a time. Every method raises SpoolError where the file fails. An acknowledgement is written with
    the next ``append``: it costs no commit of its own.
    """

    def __init__(
        self,
        path: Path,
        limits: Limits,
        notices: Notices,
        *,
        random: Callable[[int], bytes] = os.urandom,
        clock: Callable[[], int] | None = None,
    ) -> None:
        """Open or make the file; ``clock`` gives UTC nanoseconds, ``random`` that many bytes."""
        self._path, self._limits, self._notices = path, limits, notices
        self._random, self._clock = random, clock or steady()
        self._mutex = threading.Lock()
        self._epoch = b""
        self._next = self._first = 1
        self._newest = 0
        self._acked = self._carried = 0
        self._waiting = self._size = self._dropped = 0
        self._lost = 0  # could not be written; into the file's count with the next write
        self._lock = lock(path)
        self._ballast = Ballast(path.with_name(f"{path.name}.ballast"))
        try:
            self._connection = self._open()
            self._count()
        except (SpoolError, sqlite3.Error):
            os.close(self._lock)
            raise

    def _open(self) -> sqlite3.Connection:
        if self._path.exists() and self._path.stat().st_size == 0:
            self._notices.fault(
                "spool file",
                f"spool {self._path}: is damaged (empty), started a new one: what it held is lost "
                "and cannot be counted",
            )
        try:
            return self._connect()
        except sqlite3.DatabaseError as error:
            reason, aside = error, set_aside(self._path)
        try:
            connection = self._connect()
            came = refill(connection, aside)
        except (sqlite3.DatabaseError, OSError) as error:
            raise SpoolError(f"spool {self._path}: cannot be made: {error}") from None
        line = f"is damaged ({reason}); kept as {aside.name}, started a new one: {came}"
        self._notices.fault("spool file", f"spool {self._path}: {line}")
        return connection

    def _connect(self) -> sqlite3.Connection:
        connection = connect(self._path, self._random(EPOCH_BYTES))
        self._ballast.make()
        bad = mend(connection)
        if bad:
            self._say_damaged(bad)
        return connection

    def _count(self) -> None:
        numbers = read_numbers(self._connection)
        self._epoch, self._next, self._dropped = numbers.epoch, numbers.next_seq, numbers.dropped
        self._acked, self._carried = numbers.acked, numbers.carried
        self._forget(0)
        _, self._size, _ = self._sum(self._first, self._next)
        self._waiting = self._sum(self._acked + 1, self._next)[0]

    def _write_numbers(self, connection: sqlite3.Connection) -> None:
        """Write what is remembered, inside the caller's transaction."""
        numbers = Numbers(self._epoch, self._next, self._dropped, self._acked, self._carried)
        write_numbers(connection, numbers)

    @property
    def epoch(self) -> bytes:
        """The spool's 16 random bytes."""
        return self._epoch

    @property
    def first_seq(self) -> int:
        """Oldest row that can be sent, acknowledged or not; ``next_seq`` when there is none."""
        return self._first

    @property
    def next_seq(self) -> int:
        """Sequence number that the next row will have."""
        return self._next

    @property
    def acked_seq(self) -> int:
        """Highest sequence number that a collector has acknowledged; 0 where none has."""
        return self._acked

    @property
    def carried_seq(self) -> int:
        """Highest sequence number that came from an earlier epoch; 0 where none did."""
        return self._carried

    @property
    def newest_seq(self) -> int:
        """Sequence number of the newest row; below ``first_seq`` where there is none."""
        return self._newest

    def state(self) -> SpoolState:
        """Return what waits, and how much was dropped."""
        with self._mutex:
            return SpoolState(self._waiting, self._size, self._dropped + self._lost)

    def append(self, payload: bytes, boot_id: str) -> int:
        """Store one serialised Cycle; returns its sequence number once it is on the disk."""
        with self._mutex:
            if len(payload) > MAX_PAYLOAD:
                self._skip()
                raise SpoolError(
                    f"a cycle of {len(payload)} bytes is larger than {MAX_PAYLOAD}; left out"
                )
            try:
                return self._append(payload, boot_id, self._limits.max_bytes)
            except sqlite3.Error as error:
                if "full" in str(error) and (seq := self._squeeze(payload, boot_id)):
                    return seq
                self._skip()
                self._fail("cannot be written", error)

    def _skip(self) -> None:
        """Use up the number of a cycle that is not written, as far as this process lives."""
        self._lost += 1
        self._next += 1

    def _squeeze(self, payload: bytes, boot_id: str) -> int:
        """Store a cycle on a disk that is full, the oldest rows going for it; 0 where not."""
        self._ballast.release()
        try:
            most = self._size + len(payload) - ROOM
            return self._append(payload, boot_id, min(most, self._limits.max_bytes))
        except sqlite3.Error:
            return 0
        finally:
            self._shrink()
            self._ballast.make()

    def _shrink(self) -> None:
        """Give the disk back what the log takes, as far as that is possible now."""
        try:
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        except sqlite3.Error as error:
            self._notices.debug("spool log", f"spool {self._path}: its log stays: {error}")

    def _append(self, payload: bytes, boot_id: str, most: int) -> int:
        self._stay()
        seq, lost, size = self._next, self._lost, len(payload) + ROW_OVERHEAD
        crc32, now = zlib.crc32(payload), self._clock()
        seal = seal_of(self._epoch, seq, boot_id, crc32, now)
        row = Kept(self._epoch, seq, boot_id, crc32, payload, now, seal)
        before = self._next, self._dropped
        try:
            with self._connection as connection:
                over = self._over(self._size + size, most)
                rows, freed, dropped = self._sum(self._first, over)
                first = max(self._first, over + 1)
                connection.execute("DELETE FROM batches WHERE seq < ?", (first,))
                write_row(connection, row)
                self._next, self._dropped = seq + 1, self._dropped + dropped + lost
                self._write_numbers(connection)
        except sqlite3.Error:
            self._next, self._dropped = before
            raise
        self._lost, self._newest = 0, seq
        self._waiting += 1 - dropped
        self._size += size - freed
        if rows:
            self._first = self._oldest(first)
        if dropped:
            self._notices.fault(
                "spool bound",
                f"spool {self._path}: full or too old, the oldest batches are dropped and counted; "
                "is the collector reachable?",
            )
        return seq

    def _stay(self) -> None:
        """Write the file anew where somebody took it away; what it held is still open."""
        if self._path.exists():
            return
        self._connection = rewrite(self._connection, self._path)
        self._notices.fault(
            "spool file", f"spool {self._path}: was deleted while in use; written anew, complete"
        )

    def _over(self, size: int, most: int) -> int:
        """Return the newest row that has to go so that the rest is within the bounds; 0: none."""
        now, over = self._clock(), 0
        oldest = now - int(self._limits.max_age_seconds * 1e9)
        kept = now - int(self._limits.keep_seconds * 1e9)
        for seq, created, length in self._connection.execute(
            "SELECT seq, created, length(payload) FROM batches WHERE seq >= ? ORDER BY seq",
            (self._first,),
        ):
            if size <= most and created >= (kept if seq <= self._acked else oldest):
                break
            size -= length + ROW_OVERHEAD
            over = seq
        return over

    def _sum(self, first: int, last: int) -> tuple[int, int, int]:
        """Return how many rows there are from ``first`` to ``last``, their bytes, and unacked."""
        if first > last:
            return 0, 0, 0
        rows, size, unacked = self._connection.execute(
            "SELECT count(*), coalesce(sum(length(payload)), 0), count(*) FILTER (WHERE seq > ?)"
            " FROM batches WHERE seq BETWEEN ? AND ?",
            (self._acked, first, last),
        ).fetchone()
        return rows, size + ROW_OVERHEAD * rows, unacked

    def _oldest(self, from_seq: int) -> int:
        [first] = self._connection.execute(
            "SELECT min(seq) FROM batches WHERE seq >= ?", (from_seq,)
        ).fetchone()
        return self._next if first is None else int(first)

    def _forget(self, first: int) -> None:
        """Leave out acknowledged rows that were kept long enough; the next append deletes them."""
        kept = self._clock() - int(self._limits.keep_seconds * 1e9)
        [old] = self._connection.execute(
            "SELECT max(seq) FROM batches WHERE seq BETWEEN ? AND ? AND created <= ?",
            (first, self._acked, kept),
        ).fetchone()
        if old is not None:
            self._size -= self._sum(first, old)[1]
        self._first = self._oldest(first if old is None else old + 1)
        [newest] = self._connection.execute("SELECT max(seq) FROM batches").fetchone()
        self._newest = self._acked if newest is None else int(newest)

    def read(self, from_seq: int, max_rows: int, max_bytes: int) -> list[Row]:
        """
        Return rows from ``from_seq`` on, oldest first, with up to ``max_bytes`` of payload.

        The first row is returned whatever its size. A row whose checksum does not fit is dropped,
        counted and said.
        """
        with self._mutex:
            try:
                return self._read(max(from_seq, self._first), max_rows, max_bytes)
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
        return self._with_missing(good)

    def _with_missing(self, rows: list[Row]) -> list[Row]:
        """Say of each row how many before it are gone."""
        if not rows:
            return rows
        [before] = self._connection.execute(
            "SELECT coalesce(max(seq), 0) FROM batches WHERE seq < ? AND seq >= ?",
            (rows[0].seq, self._first),
        ).fetchone()
        if rows[-1].seq - before == len(rows):
            return rows
        made = []
        for row in rows:
            made.append(replace(row, missing=row.seq - before - 1))
            before = row.seq
        return made

    def _drop_bad(self, seqs: list[int]) -> None:
        self._dropped += sum(seq > self._acked for seq in seqs)
        with self._connection as connection:
            connection.executemany("DELETE FROM batches WHERE seq = ?", [(seq,) for seq in seqs])
            self._write_numbers(connection)
        self._count()
        self._say_damaged(seqs)

    def _say_damaged(self, seqs: list[int]) -> None:
        self._notices.fault(
            "spool rows",
            f"spool {self._path}: batches {seqs} are damaged on the disk; dropped and counted",
        )

    def ack(self, seq: int) -> None:
        """Note that every row up to and with ``seq`` is durable at a collector."""
        with self._mutex:
            if seq <= self._acked:
                return
            try:
                self._waiting -= self._sum(self._acked + 1, seq)[2]
                self._acked = min(seq, self._next - 1)
                self._forget(self._first)
            except sqlite3.Error as error:
                self._fail("cannot be read", error)
            if self._waiting == 0:
                self._notices.fine("spool bound", f"spool {self._path}: is empty again")

    def crc_of(self, seq: int) -> int | None:
        """Return the checksum of a row; None where it is not here any more."""
        rows = self.read(seq, 1, 0)
        return rows[0].crc32 if rows and rows[0].seq == seq else None

    def renew(self) -> None:
        """
        Start a new epoch, with the rows that were not acknowledged.

        For a spool that was cloned or restored from a backup: the collector has seen its numbers
        already, and what of its rows the collector has, it finds by their times. What was missing
        between them is so in the new epoch as well.
        """
        with self._mutex:
            before = self._epoch, self._next, self._acked, self._carried
            try:
                with self._connection as connection:
                    self._renew(connection)
                self._count()
            except sqlite3.Error as error:
                self._epoch, self._next, self._acked, self._carried = before
                self._fail("cannot be written", error)

    def _renew(self, connection: sqlite3.Connection) -> None:
        epoch = self._random(EPOCH_BYTES)
        kept = connection.execute(
            "SELECT seq, boot_id, crc32, payload, created FROM batches WHERE seq > ? ORDER BY seq",
            (self._acked,),
        ).fetchall()
        connection.execute("DELETE FROM batches")
        for old, boot_id, crc32, payload, created in kept:
            seq = old - self._acked
            seal = seal_of(epoch, seq, boot_id, crc32, created)
            write_row(connection, Kept(epoch, seq, boot_id, crc32, payload, created, seal))
        self._epoch, self._next = epoch, self._next - self._acked
        self._acked, self._carried = 0, self._next - 1
        self._write_numbers(connection)

    def close(self) -> None:
        """Write down what was acknowledged, close the file and let another process have it."""
        with self._mutex:
            try:
                with self._connection as connection:
                    self._write_numbers(connection)
            except sqlite3.Error as error:
                self._notices.debug("spool file", f"spool {self._path}: closed as it was: {error}")
            self._connection.close()
            os.close(self._lock)

    def _fail(self, what: str, error: sqlite3.Error) -> NoReturn:
        raise SpoolError(
            f"spool {self._path}: {what}: {error}; is the disk full? --spool FILE takes another"
        ) from None
