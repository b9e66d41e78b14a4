"""Opening a store: what is refused, in one line, and what is never touched."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest
from rigs.samples import EPOCH, NOON, batch, host_rows, vm_rows

from headroom_collector.config import StoreSettings
from headroom_collector.store.api import Migration, Outcome, Result, StoreError
from headroom_collector.store.database import FILE, refusal
from headroom_collector.store.engine import open_store
from headroom_core.clock import SystemClock

WAIT = 20.0
NOTES = Migration("notes", 1, "CREATE TABLE notes(text VARCHAR); INSERT INTO notes VALUES ('a')")
MORE_NOTES = Migration("notes", 2, "ALTER TABLE notes ADD COLUMN time BIGINT")
BAD_NOTES = Migration("notes", 2, "CREATE TABLE half(x INTEGER); INSERT INTO nowhere VALUES (1)")


def refused(folder: Path, *migrations: Migration) -> str:
    with pytest.raises(StoreError) as caught:
        open_store(folder, StoreSettings(), migrations, SystemClock())
    line = str(caught.value)
    assert "\n" not in line
    assert str(folder) in line or migrations
    return line


def test_what_was_stored_is_there_after_a_restart(opened: Any) -> None:
    first = opened()
    rows = [host_rows(cpu_utilisation_ratio=0.5), vm_rows(["a"], vcpus=2)]
    first.append(batch(rows=rows, facts={"os": "Debian"})).result(WAIT)
    hosts, samples = first.hosts(), first.query("SELECT * FROM vm_sample").to_pylist()
    first.close()
    second = opened()
    assert second.hosts() == hosts
    assert second.query("SELECT * FROM vm_sample").to_pylist() == samples
    assert second.high_water("alpha", EPOCH) == 1
    assert second.append(batch(rows=rows)).result(WAIT) == Outcome(Result.DUPLICATE, 1)
    second.append(batch(seq=2, rows=[vm_rows(["a"]), vm_rows(["b"])])).result(WAIT)
    things = second.query("SELECT id, kind, key FROM things ORDER BY id").to_pylist()
    assert [tuple(row.values()) for row in things] == [
        (1, "host", ""),
        (2, "vm", "a"),
        (3, "vm", "b"),
    ]


def test_commit_ids_go_on_after_a_restart(opened: Any) -> None:
    first = opened()
    before = first.change(lambda cursor, _: None).result(WAIT)
    first.close()
    assert opened().change(lambda cursor, _: None).result(WAIT) == before + 1


def test_a_file_that_is_no_store_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / FILE
    file.write_bytes(b"precious" * 4096)
    assert "cannot be read as a store and was left as it is" in refused(tmp_path)
    assert file.read_bytes() == b"precious" * 4096


def test_a_damaged_store_is_refused_and_left_as_it_is(opened: Any, tmp_path: Path) -> None:
    opened().close()
    file = tmp_path / FILE
    damaged = bytearray(file.read_bytes())
    damaged[4096 + 20] ^= 255
    damaged[8192 + 20] ^= 255
    file.write_bytes(damaged)
    assert "cannot be read as a store and was left as it is" in refused(tmp_path)
    assert file.read_bytes() == damaged


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "cannot be made" in refused(tmp_path / "file" / "data")


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir(mode=0o555)
    if os.access(folder, os.W_OK):
        folder = Path("/proc/self/net")  # nobody writes here, root included
    assert "cannot be" in refused(folder)


def test_a_second_collector_is_told_who_holds_the_store(opened: Any, tmp_path: Path) -> None:
    store = opened()
    store.append(batch()).result(WAIT)  # syncs on descriptors of its own, which keeps the lock
    store.append(batch(seq=2)).result(WAIT)
    code = (
        "import sys, pathlib; from headroom_collector.store import api, engine\n"
        "from headroom_collector.config import StoreSettings\n"
        "from headroom_core.clock import SystemClock\n"
        "try: engine.open_store(pathlib.Path(sys.argv[1]), StoreSettings(), (), SystemClock())\n"
        "except api.StoreError as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert f"is in use by process {os.getpid()}" in done.stdout
    assert len(done.stdout.splitlines()) == 1


def test_syncing_does_not_let_go_of_the_database_s_lock(opened: Any, tmp_path: Path) -> None:
    store = opened()
    for seq in range(1, 4):
        store.append(batch(seq=seq)).result(WAIT)
    inode = (tmp_path / FILE).stat().st_ino
    # A line of somebody who waits for a lock has a field more.
    assert f":{inode} " in Path("/proc/locks").read_text()


def test_a_damaged_log_is_refused_and_left_as_it_is(opened: Any, tmp_path: Path) -> None:
    store = opened(tmp_path / "data")
    for seq in range(1, 4):
        store.append(batch(seq=seq)).result(WAIT)
    crashed = shutil.copytree(tmp_path / "data", tmp_path / "crashed")
    log = crashed / f"{FILE}.wal"
    damaged = bytearray(log.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    log.write_bytes(damaged)
    assert "left as it is" in refused(crashed)
    assert log.read_bytes() == damaged


def test_a_log_that_was_cut_off_loses_only_what_was_never_acknowledged(
    opened: Any, tmp_path: Path
) -> None:
    store = opened(tmp_path / "data")
    store.append(batch(seq=1)).result(WAIT)
    whole = (tmp_path / "data" / f"{FILE}.wal").stat().st_size
    store.append(batch(seq=2)).result(WAIT)
    crashed = shutil.copytree(tmp_path / "data", tmp_path / "crashed")
    os.truncate(crashed / f"{FILE}.wal", whole + 10)
    reopened = opened(crashed)
    assert reopened.high_water("alpha", EPOCH) == 1
    assert reopened.append(batch(seq=2)).result(WAIT) == Outcome(Result.STORED, 2)


def test_a_full_disk_is_called_a_full_disk(tmp_path: Path) -> None:
    error = duckdb.IOException('IO Error: Could not write file "x": No space left on device')
    assert "the disk is full" in str(refusal(tmp_path / FILE, error))


def test_rooms_tables_are_brought_up_step_by_step_once(opened: Any) -> None:
    opened(migrations=[NOTES]).close()
    store = opened(migrations=[MORE_NOTES, NOTES])
    assert store.query("SELECT * FROM notes").to_pylist() == [{"text": "a", "time": None}]


def test_a_newer_store_is_refused(opened: Any, tmp_path: Path) -> None:
    opened(migrations=[NOTES, MORE_NOTES]).close()
    assert "written by a newer version" in refused(tmp_path, NOTES)
    opened(migrations=[NOTES, MORE_NOTES])


def test_a_step_that_fails_changes_nothing(opened: Any, tmp_path: Path) -> None:
    opened(migrations=[NOTES]).close()
    assert "step 2 of the tables of 'notes' failed" in refused(tmp_path, NOTES, BAD_NOTES)
    store = opened(migrations=[NOTES])
    with pytest.raises(StoreError, match="half"):
        store.query("SELECT * FROM half")


def test_a_column_that_is_new_to_the_contract_is_null_in_old_rows(
    opened: Any, tmp_path: Path
) -> None:
    first = opened()
    first.append(batch(rows=[vm_rows(["a"], vcpus=2)])).result(WAIT)
    first.close()
    with duckdb.connect(str(tmp_path / FILE)) as old:
        old.execute("DROP VIEW vm_sample")
        old.execute("ALTER TABLE vm_20261124 DROP COLUMN vcpus")
        old.execute("ALTER TABLE vm_5m DROP COLUMN vcpus_mean")
    second = opened()
    second.append(batch(seq=2, rows=[vm_rows(["a"], NOON + 1, vcpus=4)])).result(WAIT)
    rows = second.query("SELECT vcpus FROM vm_sample ORDER BY time").to_pylist()
    assert [row["vcpus"] for row in rows] == [None, 4]
    assert "vcpus_mean" in second.query("SELECT * FROM vm_5m").column_names
