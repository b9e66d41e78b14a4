"""The spool's file: its schema, how it is opened, locked, checked and replaced when damaged."""

import fcntl
import os
import sqlite3
import time
from pathlib import Path

VERSION = 2
SCHEMA = """
CREATE TABLE spool (
    epoch BLOB NOT NULL,        -- 16 random bytes, made together with this file
    next_seq INTEGER NOT NULL,  -- sequence number that the next batch will have
    dropped INTEGER NOT NULL,   -- batches dropped unacknowledged: full, too old or damaged
    acked INTEGER NOT NULL DEFAULT 0  -- highest sequence number that a collector acknowledged
);
CREATE TABLE batches (
    seq INTEGER PRIMARY KEY,
    epoch BLOB NOT NULL,
    boot_id TEXT NOT NULL,
    crc32 INTEGER NOT NULL,     -- CRC-32 of the payload, as zlib's
    payload BLOB NOT NULL,
    created INTEGER NOT NULL    -- UTC nanoseconds
);
"""
STEPS = {1: "ALTER TABLE spool ADD COLUMN acked INTEGER NOT NULL DEFAULT 0;"}
"""What leads from each older version to the next; a step that was released never changes."""
EPOCH_BYTES = 16
SENSIBLE = 1000
"""A schema beyond this is no newer agent's but a damaged number."""


class SpoolError(Exception):
    """The spool cannot be used; one line that names the file and what to do."""


def lock(path: Path) -> int:
    """
    Take the spool for this process; returns the descriptor that holds the lock.

    Raises SpoolError where another process has it or the folder cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise SpoolError(
            f"spool {path}: cannot be written: {error.strerror}; give another with --spool FILE"
        ) from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise SpoolError(
            f"spool {path}: in use by another agent; stop it or give another with --spool FILE"
        ) from None
    return descriptor


def _create(connection: sqlite3.Connection, epoch: bytes) -> None:
    row = f"INSERT INTO spool VALUES (x'{epoch.hex()}', 1, 0, 0);"  # noqa: S608 - hexadecimal digits of our own
    version = f"PRAGMA user_version = {VERSION};"
    connection.executescript(f"BEGIN IMMEDIATE; {SCHEMA} {row} {version} COMMIT;")


def _upgrade(connection: sqlite3.Connection, version: int) -> None:
    steps = "".join(STEPS[number] for number in range(version, VERSION))
    connection.executescript(f"BEGIN IMMEDIATE; {steps} PRAGMA user_version = {VERSION}; COMMIT;")


def _prepare(connection: sqlite3.Connection, path: Path, epoch: bytes) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA journal_size_limit = 4194304")  # a burst's log does not stay
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    made = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if (version == 0 and made) or version > SENSIBLE or version < 0:
        raise sqlite3.DatabaseError(f"its schema cannot be {version}")
    if version > VERSION:
        raise SpoolError(
            f"spool {path}: has schema {version}, this agent knows up to {VERSION}; "
            "run the newer agent or give another with --spool FILE"
        )
    if version == 0:
        _create(connection, epoch)
    elif version < VERSION:
        _upgrade(connection, version)
    verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if verdict != "ok":
        raise sqlite3.DatabaseError(verdict)
    rows = connection.execute("SELECT epoch, next_seq, dropped FROM spool").fetchall()
    if len(rows) != 1 or len(rows[0][0]) != EPOCH_BYTES:
        raise sqlite3.DatabaseError("the table 'spool' does not have its one row")


def mend(connection: sqlite3.Connection) -> list[int]:
    """
    Make rows and the spool's own numbers agree after damage that SQLite cannot see.

    Returns the sequence numbers of rows that were dropped, and counted, because they cannot be
    right. Where all rows agree with one another, it is the spool's own numbers that are wrong.
    """
    epoch, following = connection.execute("SELECT epoch, next_seq FROM spool").fetchone()
    first, last, count, epochs, one = connection.execute(
        "SELECT min(seq), max(seq), count(*), count(DISTINCT epoch), min(epoch) FROM batches"
    ).fetchone()
    if not count:
        return []
    if epochs == 1:
        epoch = one
    if last - first + 1 == count and first > 0:
        following = last + 1
    bad = connection.execute(
        "SELECT seq FROM batches WHERE epoch <> ? OR seq >= ? OR seq < 1 ORDER BY seq",
        (epoch, following),
    ).fetchall()
    with connection:
        connection.executemany("DELETE FROM batches WHERE seq = ?", bad)
        connection.execute(
            "UPDATE spool SET epoch = ?, next_seq = ?, dropped = dropped + ?,"
            " acked = min(acked, ?)",
            (epoch, following, len(bad), following - 1),
        )
    return [seq for (seq,) in bad]


def connect(path: Path, epoch: bytes) -> sqlite3.Connection:
    """
    Open the file, made with ``epoch`` where it is new.

    Raises sqlite3.DatabaseError for a damaged one and SpoolError for one that cannot be used.
    """
    try:
        connection = sqlite3.connect(path, check_same_thread=False, isolation_level="IMMEDIATE")
    except sqlite3.OperationalError as error:
        raise SpoolError(
            f"spool {path}: cannot be opened: {error}; give another with --spool FILE"
        ) from None
    try:
        _prepare(connection, path, epoch)
    except sqlite3.OperationalError as error:
        connection.close()
        raise SpoolError(f"spool {path}: cannot be opened: {error}; is the disk full?") from None
    except (sqlite3.DatabaseError, SpoolError):
        connection.close()
        raise
    return connection


def rewrite(connection: sqlite3.Connection, path: Path) -> sqlite3.Connection:
    """
    Write a file that was deleted while it was open anew; returns the connection to the new one.

    Raises sqlite3.Error, and then the old connection is as good as before.
    """
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    copy = sqlite3.connect(fresh)
    try:
        connection.backup(copy)
    finally:
        copy.close()
    for suffix in ("-wal", "-shm"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)
    fresh.replace(path)
    made = connect(path, b"")
    connection.close()
    return made


def set_aside(path: Path) -> Path:
    """Rename a damaged file and its log; returns the new name."""
    stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime())
    aside = path.with_name(f"{path.name}.damaged-{stamp}")
    for suffix in ("", "-wal", "-shm"):
        part = Path(f"{path}{suffix}")
        if part.exists():
            part.replace(f"{aside}{suffix}")
    return aside
