"""The spool keeps what it was given, across kills and damage, within its bounds."""

import logging
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from headroom_agent.notices import Notices
from headroom_agent.spool import MAX_PAYLOAD, ROW_OVERHEAD, Limits, Spool, steady
from headroom_agent.spool_schema import SpoolError


class Ticking:
    """A clock that is set by hand, in UTC nanoseconds."""

    def __init__(self) -> None:
        self.now = 10**18

    def __call__(self) -> int:
        return self.now


def open_spool(path: Path, limits: Limits | None = None, clock: Ticking | None = None) -> Spool:
    notices = Notices(logging.getLogger("spool"))
    return Spool(path, limits or Limits(), notices, clock=clock or Ticking())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "spool.db"


def payloads(spool: Spool) -> list[bytes]:
    return [row.payload for row in spool.read(1, 10_000, 10**9)]


def test_rows_come_back_in_order_with_numbers_from_1(path: Path) -> None:
    spool = open_spool(path)
    assert [spool.append(text, "boot") for text in (b"a", b"b", b"c")] == [1, 2, 3]
    assert payloads(spool) == [b"a", b"b", b"c"]
    assert [row.seq for row in spool.read(2, 10, 10**6)] == [2, 3]
    spool.close()


def test_an_epoch_is_made_once_and_kept(path: Path) -> None:
    first = open_spool(path)
    epoch = first.epoch
    first.append(b"a", "boot")
    first.close()
    again = open_spool(path)
    assert again.epoch == epoch
    assert len(epoch) == 16
    assert (again.first_seq, again.next_seq) == (1, 2)
    again.close()


def test_an_acknowledgement_frees_up_to_and_with_its_number(path: Path) -> None:
    spool = open_spool(path)
    for text in (b"a", b"b", b"c"):
        spool.append(text, "boot")
    spool.ack(2)
    assert payloads(spool) == [b"c"]
    assert (spool.first_seq, spool.next_seq) == (3, 4)
    spool.ack(3)
    assert (spool.first_seq, spool.next_seq) == (4, 4)
    assert spool.state().size_bytes == 0
    spool.close()
    again = open_spool(path)
    assert again.append(b"d", "boot") == 4
    again.close()


def test_a_read_is_bounded_in_rows_and_bytes_but_never_empty(path: Path) -> None:
    spool = open_spool(path)
    for _ in range(5):
        spool.append(bytes(1000), "boot")
    assert len(spool.read(1, 2, 10**6)) == 2
    assert len(spool.read(1, 10, 3 * (1000 + ROW_OVERHEAD))) == 3
    assert len(spool.read(1, 10, 1)) == 1
    spool.close()


def test_a_full_spool_drops_the_oldest_and_counts_them_for_good(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    limits = Limits(max_bytes=3 * (100 + ROW_OVERHEAD))
    spool = open_spool(path, limits)
    for number in range(10):
        spool.append(bytes([number]) * 100, "boot")
    assert [row.seq for row in spool.read(1, 10, 10**6)] == [8, 9, 10]
    assert spool.state().dropped == 7
    assert spool.state().size_bytes == 3 * (100 + ROW_OVERHEAD)
    assert len([r for r in caplog.records if "dropped and counted" in r.getMessage()]) == 1
    spool.close()
    again = open_spool(path, limits)
    assert again.state() == spool.state()
    again.close()


def test_a_spool_that_was_full_says_when_it_is_empty_again(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    spool = open_spool(path, Limits(max_bytes=300))
    for _ in range(2):
        for _ in range(9):
            spool.append(bytes(100), "boot")
        spool.ack(spool.next_seq - 1)
    said = [record.getMessage().split(": ", 1)[1] for record in caplog.records]
    full = (
        "full or too old, the oldest batches are dropped and counted; is the collector reachable?"
    )
    assert said == [full, "is empty again"] * 2
    spool.close()


def test_rows_that_are_too_old_go(path: Path) -> None:
    clock = Ticking()
    spool = open_spool(path, Limits(max_age_seconds=60), clock)
    spool.append(b"a", "boot")
    clock.now += 61 * 10**9
    spool.append(b"b", "boot")
    assert payloads(spool) == [b"b"]
    assert spool.state().dropped == 1
    spool.close()


def test_a_row_damaged_on_the_disk_is_dropped_counted_and_said(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    spool = open_spool(path)
    for text in (b"a", b"b", b"c"):
        spool.append(text, "boot")
    with sqlite3.connect(path) as other:
        other.execute("UPDATE batches SET payload = x'00' WHERE seq = 2")
    other.close()
    assert payloads(spool) == [b"a", b"c"]
    assert spool.state().dropped == 1
    assert "batches [2] are damaged" in caplog.text
    spool.close()


@pytest.mark.parametrize("damage", [b"this is no database", b"SQLite format 3\0" + bytes(4000)])
def test_a_damaged_file_is_set_aside_and_a_new_epoch_begins(
    path: Path, damage: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    spool = open_spool(path)
    epoch = spool.epoch
    spool.close()
    path.write_bytes(damage)
    again = open_spool(path)
    assert again.epoch != epoch
    assert again.append(b"a", "boot") == 1
    kept = list(path.parent.glob("spool.db.damaged-*"))
    assert [file.read_bytes() for file in kept] == [damage]
    assert len(caplog.records) == 1
    assert "is damaged" in caplog.text
    again.close()


def test_a_spool_of_a_newer_agent_is_refused_and_left_alone(path: Path) -> None:
    open_spool(path).close()
    with sqlite3.connect(path) as other:
        other.execute("PRAGMA user_version = 99")
    other.close()
    with pytest.raises(SpoolError, match="has schema 99, this agent knows up to 3"):
        open_spool(path)
    assert path.exists()


def test_two_agents_cannot_have_one_spool(path: Path) -> None:
    spool = open_spool(path)
    with pytest.raises(SpoolError, match="in use by another agent"):
        open_spool(path)
    spool.close()
    open_spool(path).close()


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SpoolError, match=r"cannot be written: .*--spool FILE"):
        open_spool(tmp_path / "file" / "spool.db")


def test_a_folder_in_place_of_the_file_is_one_line_and_left_alone(path: Path) -> None:
    path.mkdir(parents=True)
    with pytest.raises(SpoolError, match="cannot be opened: unable to open database file"):
        open_spool(path)
    assert path.is_dir()


def test_a_full_disk_is_one_line_and_what_is_lost_is_counted(path: Path) -> None:
    spool = open_spool(path)
    spool.append(b"a", "boot")
    pages = spool._connection.execute("PRAGMA page_count").fetchone()[0]
    spool._connection.execute(f"PRAGMA max_page_count = {pages}")
    for _ in range(2):
        with pytest.raises(SpoolError, match="database or disk is full; is the disk full"):
            spool.append(bytes(100_000), "boot")
    spool._connection.execute("PRAGMA max_page_count = 100000")
    assert spool.append(b"b", "boot") == 4
    assert [(row.seq, row.missing) for row in spool.read(1, 9, 10**6)] == [(1, 0), (4, 2)]
    assert spool.state().dropped == 2
    spool.close()
    again = open_spool(path)
    assert again.state().dropped == 2
    again.close()


def test_a_cycle_larger_than_a_message_is_left_out_and_counted(path: Path) -> None:
    spool = open_spool(path)
    with pytest.raises(SpoolError, match="larger than"):
        spool.append(bytes(MAX_PAYLOAD + 1), "boot")
    assert spool.append(b"a", "boot") == 2
    assert [row.missing for row in spool.read(1, 9, 10**6)] == [1]
    assert spool.state().dropped == 1
    spool.close()


def test_a_spool_that_is_older_than_the_collector_begins_anew(path: Path) -> None:
    clock = Ticking()
    spool = open_spool(path, clock=clock)
    epoch = spool.epoch
    spool.append(b"acknowledged before the backup was taken", "boot")
    spool.append(b"new", "boot")
    spool.ack(1)
    spool.renew()
    assert spool.epoch != epoch
    rows = spool.read(1, 10, 10**6)
    assert [(row.seq, row.payload, row.epoch) for row in rows] == [(1, b"new", spool.epoch)]
    assert spool.next_seq == 2
    spool.close()


WRITER = """
import logging, sys
from pathlib import Path
from headroom_agent.notices import Notices
from headroom_agent.spool import Limits, Spool
spool = Spool(Path(sys.argv[1]), Limits(), Notices(logging.getLogger()))
while True:
    seq = spool.append(str(spool.next_seq).encode() * 50, "boot")
    print(seq, flush=True)
"""


def test_every_row_that_was_reported_written_survives_a_kill(path: Path) -> None:
    reported = 0
    for rows in (3, 17, 40):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, path], stdout=subprocess.PIPE
        ) as child:
            assert child.stdout is not None
            for _ in range(rows):
                reported = int(child.stdout.readline())
            os.kill(child.pid, signal.SIGKILL)
        spool = open_spool(path, Limits())
        found = spool.read(1, 10_000, 10**9)
        assert [row.seq for row in found] == list(range(1, len(found) + 1))
        assert len(found) >= reported
        assert all(row.payload == str(row.seq).encode() * 50 for row in found)
        assert spool.state().dropped == 0
        spool.close()


def test_acknowledged_rows_stay_for_a_while_and_then_go(path: Path) -> None:
    clock = Ticking()
    spool = open_spool(path, Limits(keep_seconds=60), clock)
    for text in (b"a", b"b", b"c"):
        spool.append(text, "boot")
        clock.now += 25 * 10**9
    spool.ack(3)
    assert spool.state().batches == 0
    assert (spool.first_seq, spool.acked_seq) == (2, 3)
    assert payloads(spool) == [b"b", b"c"]
    clock.now += 30 * 10**9
    spool.append(b"d", "boot")
    assert payloads(spool) == [b"c", b"d"]
    assert (spool.state().batches, spool.state().dropped) == (1, 0)
    spool.close()
    again = open_spool(path, Limits(keep_seconds=60), clock)
    assert (again.first_seq, again.acked_seq, again.state().batches) == (3, 3, 1)
    again.close()


def test_kept_rows_go_first_where_room_is_short_and_are_not_counted_as_dropped(
    path: Path,
) -> None:
    spool = open_spool(path, Limits(3 * (100 + ROW_OVERHEAD), keep_seconds=1e6))
    for _ in range(3):
        spool.append(bytes(100), "boot")
    spool.ack(2)
    for _ in range(3):
        spool.append(bytes(100), "boot")
    assert (spool.first_seq, spool.state().dropped) == (4, 1)
    spool.close()


def test_a_step_of_the_clock_does_not_age_what_waits(path: Path) -> None:
    clock = steady()
    assert abs(clock() - time.time_ns()) < 10**9
    assert clock() <= clock()


def older(path: Path, version: int) -> None:
    """Turn a spool into one that an older agent left behind."""
    columns = ["epoch", "next_seq", "dropped", "acked"][: version + 2]
    other = sqlite3.connect(path)
    other.executescript(
        f"CREATE TABLE old AS SELECT {', '.join(columns)} FROM spool; DROP TABLE spool;"
        "ALTER TABLE old RENAME TO spool; ALTER TABLE batches DROP COLUMN seal;"
        f"PRAGMA user_version = {version};"
    )
    other.close()


@pytest.mark.parametrize("version", [1, 2])
def test_a_spool_of_an_older_agent_is_brought_up_to_date_with_its_rows(
    path: Path, version: int
) -> None:
    spool = open_spool(path)
    for text in (b"of the", b"old version"):
        spool.append(text, "boot")
    epoch = spool.epoch
    spool.close()
    older(path, version)
    for _ in range(2):
        again = open_spool(path)
        assert (again.epoch, payloads(again)) == (epoch, [b"of the", b"old version"])
        assert again.next_seq == 3
        again.close()


def test_what_was_renewed_keeps_its_holes_and_says_what_it_carries(path: Path) -> None:
    spool = open_spool(path)
    for text in (b"a", b"b", b"c", b"d"):
        spool.append(text, "boot")
    spool.ack(1)
    with sqlite3.connect(path) as other:
        other.execute("DELETE FROM batches WHERE seq = 3")
    other.close()
    spool.renew()
    assert [(row.seq, row.missing) for row in spool.read(1, 9, 10**6)] == [(1, 0), (3, 1)]
    assert (spool.next_seq, spool.carried_seq) == (4, 3)
    spool.close()


@pytest.mark.parametrize("size", [50, 3000, 30_000])
def test_whole_rows_of_a_file_that_cannot_be_opened_are_kept(path: Path, size: int) -> None:
    spool = open_spool(path)
    for seq in range(1, 9):
        spool.append(bytes([seq]) * size, "boot")
    epoch = spool.epoch
    spool.ack(2)
    spool.close()
    content = bytearray(path.read_bytes())
    content[:16] = bytes(16)
    path.write_bytes(content)
    again = open_spool(path)
    assert (again.epoch, again.next_seq, again.acked_seq) == (epoch, 9, 2)
    found = again.read(1, 99, 10**7)
    assert [(row.seq, row.payload) for row in found] == [
        (seq, bytes([seq]) * size) for seq in range(3, 9)
    ]
    again.close()


@pytest.mark.parametrize(
    ("damage", "kept", "following"),
    [
        ("UPDATE spool SET epoch = x'00112233445566778899aabbccddeeff'", [1, 2, 3], 4),
        ("UPDATE spool SET next_seq = 2", [1, 2, 3], 4),
        ("UPDATE spool SET next_seq = 9000", [1, 2, 3], 4),
        ("UPDATE batches SET seq = 2000000 WHERE seq = 3", [1, 2], 4),
        ("UPDATE batches SET epoch = x'00' WHERE seq = 2", [1, 3], 4),
        ("UPDATE spool SET acked = 3", [1, 2, 3], 4),
    ],
)
def test_numbers_damaged_on_the_disk_are_mended_or_their_rows_dropped(
    path: Path, damage: str, kept: list[int], following: int
) -> None:
    spool = open_spool(path)
    epoch = spool.epoch
    for text in (b"a", b"b", b"c"):
        spool.append(text, "boot")
    spool.close()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute(damage)
    other.close()
    again = open_spool(path)
    assert again.epoch == epoch
    assert [row.seq for row in again.read(1, 10, 10**6)] == kept
    assert again.next_seq == following
    assert again.state().dropped == 3 - len(kept)
    again.close()
