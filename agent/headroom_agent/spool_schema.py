"""The spool's file: its schema, how it is opened, locked, checked and replaced when damaged."""

import os
import sqlite3
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from headroom_agent.salvage import salvage
from headroom_agent.seal import Kept, Numbers, seal_of

VERSION = 3
SCHEMA = """
CREATE TABLE spool (
    epoch BLOB NOT NULL,        -- 16 random bytes, made together with this file
    next_seq INTEGER NOT NULL,  -- sequence number that the next batch will have
    dropped INTEGER NOT NULL,   -- batches dropped unacknowledged: full, too old or damaged
    acked INTEGER NOT NULL,     -- highest sequence number that a collector acknowledged
    carried INTEGER NOT NULL,   -- up to this one taken over from an earlier epoch
    seal INTEGER NOT NULL       -- checksum over this row
);
CREATE TABLE batches (
    seq INTEGER PRIMARY KEY,
    epoch BLOB NOT NULL,
    boot_id TEXT NOT NULL,
    crc32 INTEGER NOT NULL,     -- CRC-32 of the payload, as zlib's
    payload BLOB NOT NULL,
    created INTEGER NOT NULL,   -- UTC nanoseconds
    seal INTEGER NOT NULL       -- checksum over all but the payload
);
"""
STEPS = {
    1: "ALTER TABLE spool ADD COLUMN acked INTEGER NOT NULL DEFAULT 0;",
    2: """
        ALTER TABLE spool ADD COLUMN carried INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE spool ADD COLUMN seal INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE batches ADD COLUMN seal INTEGER NOT NULL DEFAULT 0;
        UPDATE batches SET seal = seal_of(epoch, seq, boot_id, crc32, created);
        UPDATE spool SET seal = seal_of_spool(epoch, next_seq, dropped, acked, carried);
    """,
}
"""What leads from each older version to the next; a step that was released never changes."""
EPOCH_BYTES = 16
SENSIBLE = 1000
"""A schema beyond this is no newer agent's but a damaged number."""


class SpoolError(Exception):
    """The spool cannot be used; one line that names the file and what to do."""


def _lock_file(descriptor: int) -> None:
    """Lock a file for as long as it is open; raises OSError where another process has it."""
    try:
        import fcntl  # noqa: PLC0415 - not there on Windows
    except ImportError:
        import msvcrt  # noqa: PLC0415 - there only

        windows: Any = msvcrt
        windows.locking(descriptor, windows.LK_NBLCK, 1)
    else:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def lock(path: Path) -> int:
    """
    Take the spool for this process; returns the descriptor that holds the lock.

    Raises SpoolError where another process has it or the folder cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise SpoolError(
            f"spool {path}: cannot be written: {error.strerror}; give another with --spool FILE"
        ) from None
    try:
        _lock_file(descriptor)
    except OSError:
        os.close(descriptor)
        raise SpoolError(
            f"spool {path}: in use by another agent; stop it or give another with --spool FILE"
        ) from None
    return descriptor


def _seal_of_spool(*values: Any) -> int:
    return Numbers(*values).seal()


def write_numbers(connection: sqlite3.Connection, numbers: Numbers) -> None:
    """Write the spool's one row, inside the caller's transaction."""
    values = (numbers.epoch, numbers.next_seq, numbers.dropped, numbers.acked, numbers.carried)
    connection.execute(
        "UPDATE spool SET epoch = ?, next_seq = ?, dropped = ?, acked = ?, carried = ?, seal = ?",
        (*values, numbers.seal()),
    )


def write_row(connection: sqlite3.Connection, row: Kept) -> None:
    """Write one row, inside the caller's transaction."""
    values = (row.seq, row.epoch, row.boot_id, row.crc32, row.payload, row.created, row.seal)
    connection.execute("INSERT INTO batches VALUES (?, ?, ?, ?, ?, ?, ?)", values)


def read_numbers(connection: sqlite3.Connection) -> Numbers:
    """Return the spool's one row; raises sqlite3.DatabaseError where it is not as written."""
    rows = connection.execute(
        "SELECT epoch, next_seq, dropped, acked, carried, seal FROM spool"
    ).fetchall()
    if len(rows) == 1 and isinstance(rows[0][0], bytes) and len(rows[0][0]) == EPOCH_BYTES:
        *values, seal = rows[0]
        numbers = Numbers(*values)
        if numbers.seal() == seal:
            return numbers
    raise sqlite3.DatabaseError("its own numbers are not as they were written")


def _create(connection: sqlite3.Connection, epoch: bytes) -> None:
    row = "INSERT INTO spool VALUES (x'', 0, 0, 0, 0, 0);"
    connection.executescript(f"BEGIN IMMEDIATE; {SCHEMA} {row} PRAGMA user_version = {VERSION};")
    write_numbers(connection, Numbers(epoch, 1, 0, 0, 0))
    connection.commit()


def _upgrade(connection: sqlite3.Connection, version: int) -> None:
    connection.create_function("seal_of", 5, seal_of, deterministic=True)
    connection.create_function("seal_of_spool", 5, _seal_of_spool, deterministic=True)
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
    write_numbers(connection, read_numbers(connection))  # a damaged header makes it read-only
    connection.rollback()


def mend(connection: sqlite3.Connection) -> list[int]:
    """
    Drop rows that are not as they were written, which SQLite cannot see, and count them.

    Returns the numbers that they claim to have. Payloads are proven when they are read.
    """
    numbers = read_numbers(connection)
    rows = connection.execute("SELECT seq, epoch, boot_id, crc32, created, seal FROM batches")
    bad = [
        seq
        for seq, epoch, boot_id, crc32, created, seal in rows
        if epoch != numbers.epoch
        or seq >= numbers.next_seq
        or seal != seal_of(epoch, seq, boot_id, crc32, created)
    ]
    if bad:
        with connection:
            connection.executemany("DELETE FROM batches WHERE seq = ?", [(seq,) for seq in bad])
            write_numbers(connection, replace(numbers, dropped=numbers.dropped + len(bad)))
    return bad


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
        if "readonly" in str(error) and os.access(path, os.W_OK):
            raise sqlite3.DatabaseError("its header says that it is read-only") from None
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


def refill(connection: sqlite3.Connection, aside: Path) -> str:
    """
    Take what is whole of a file that was set aside into a new, empty one.

    Returns what came of it in a few words. Its epoch goes on, so that a collector finds exactly
    what is missing; where nothing at all was whole, the new one's stays.
    """
    found = salvage(aside)
    if not found.rows and found.numbers is None:
        return "nothing of it could be read, so what it held is lost and cannot be counted"
    following = max((row.seq + 1 for row in found.rows), default=1)
    epoch = found.rows[0].epoch if found.rows else b""
    numbers = found.numbers or Numbers(epoch, following, 0, 0, 0)
    numbers = replace(numbers, next_seq=max(numbers.next_seq, following))
    with connection:
        for row in found.rows:
            write_row(connection, row)
        write_numbers(connection, numbers)
    return f"{len(found.rows)} batches of it were whole and are kept"
