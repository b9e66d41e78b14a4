"""Backups while samples come in, put back whole or not at all; checks; exports."""

import threading
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from rigs.samples import NOON, batch, host_rows, vm_rows

from headroom_collector.store.api import StoreError
from headroom_collector.store.backup import MANIFEST, backup, read_manifest, restore
from headroom_collector.store.check import check
from headroom_collector.store.engine import DuckStore
from headroom_collector.store.export import export
from headroom_proto.catalogue import catalogue

WAIT = 20.0
HOUR = 3_600 * 10**9


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder with a key and a price list beside its store."""
    folder = tmp_path / "data"
    (folder / "tls").mkdir(parents=True)
    (folder / "tls" / "ca.key").write_text("secret")
    (folder / "estate.toml").write_text("prices")
    (folder / "ready.json").write_text("{}")
    return folder


@pytest.fixture
def store(opened: Any, data: Path) -> DuckStore:
    found: DuckStore = opened(data / "store")
    return found


def fill(store: DuckStore, first: int, last: int) -> None:
    for seq in range(first, last + 1):
        store.append(batch(seq=seq, rows=[host_rows(NOON + seq, uptime_seconds=seq)])).result(WAIT)


def samples(store: DuckStore) -> list[int]:
    found: list[int] = (
        store.query("SELECT uptime_seconds::BIGINT AS n FROM host_sample ORDER BY 1")
        .column("n")
        .to_pylist()
    )
    return found


def test_a_backup_put_back_is_the_store_as_it_was(
    opened: Any, store: DuckStore, data: Path, tmp_path: Path
) -> None:
    fill(store, 1, 20)
    made = backup(store, data, tmp_path / "backup", NOON, "1.0")
    fill(store, 21, 30)
    store.close()

    restore(tmp_path / "backup", data, "then")

    again = opened(data / "store")
    assert samples(again) == list(range(1, 21))
    assert again.high_water("alpha", batch().epoch) == 20
    assert sorted(made.files) == ["estate.toml", "store/headroom.duckdb", "tls/ca.key"]
    assert (data / "tls" / "ca.key").read_text() == "secret"
    replaced = opened(tmp_path / "data.replaced-then" / "store")
    assert samples(replaced) == list(range(1, 31))


def test_a_backup_is_taken_while_samples_come_in_and_holds_whole_commits(
    opened: Any, store: DuckStore, data: Path, tmp_path: Path
) -> None:
    stop = threading.Event()
    appended: list[int] = []

    def flood() -> None:
        seq = 0
        while not stop.is_set():
            seq += 1
            fill(store, seq, seq)
            appended.append(seq)

    thread = threading.Thread(target=flood)
    thread.start()
    try:
        for number in range(5):
            before = len(appended)
            backup(store, data, tmp_path / f"backup-{number}", NOON, "1.0")
            copy = opened(tmp_path / f"backup-{number}" / "store")
            found = samples(copy)
            assert found == list(range(1, len(found) + 1))
            assert before <= len(found) <= len(appended) + 1
            assert copy.high_water("alpha", batch().epoch) == len(found)
            copy.close()
    finally:
        stop.set()
        thread.join()
    assert samples(store) == list(range(1, len(appended) + 1))


@pytest.mark.parametrize("part", ["store/headroom.duckdb", "tls/ca.key"])
def test_a_damaged_backup_is_refused_and_nothing_changes(
    store: DuckStore, data: Path, tmp_path: Path, part: str
) -> None:
    fill(store, 1, 3)
    backup(store, data, tmp_path / "backup", NOON, "1.0")
    store.close()
    file = tmp_path / "backup" / part
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with pytest.raises(StoreError, match=f"{part} is damaged; take another backup"):
        restore(tmp_path / "backup", data, "then")
    assert data.is_dir()
    assert not (tmp_path / "data.replaced-then").exists()


def test_a_backup_that_names_files_elsewhere_is_refused(
    store: DuckStore, data: Path, tmp_path: Path
) -> None:
    backup(store, data, tmp_path / "backup", NOON, "1.0")
    manifest = tmp_path / "backup" / MANIFEST
    manifest.write_text(manifest.read_text().replace("tls/ca.key", "../data/tls/ca.key"))
    with pytest.raises(StoreError, match="outside of the backup"):
        read_manifest(tmp_path / "backup")


def test_a_folder_that_is_there_is_not_written_over(
    store: DuckStore, data: Path, tmp_path: Path
) -> None:
    (tmp_path / "backup").mkdir()
    with pytest.raises(StoreError, match="is there already; name a folder that is not"):
        backup(store, data, tmp_path / "backup", NOON, "1.0")
    with pytest.raises(StoreError, match=r"is no backup: manifest\.json"):
        restore(tmp_path / "backup", data, "then")


def test_a_whole_store_is_found_good_and_says_what_it_holds(store: DuckStore) -> None:
    fill(store, 1, 4)
    store.append(batch(seq=9, gap_before=True)).result(WAIT)
    found = {part.what: part for part in check(store, catalogue())}
    assert all(part.good for part in found.values())
    assert found["host"].detail == "5 samples"
    assert found["gaps"].detail == "4 batches that agents had to drop"


def test_samples_about_nothing_known_are_found(store: DuckStore) -> None:
    fill(store, 1, 4)
    store.change(lambda cursor, _: cursor.execute("DELETE FROM things")).result(WAIT)
    found = {part.what: part for part in check(store, catalogue())}
    assert not found["host"].good
    assert "4 about nothing that is known" in found["host"].detail


def test_damaged_blocks_are_found_and_named(opened: Any, store: DuckStore, data: Path) -> None:
    things = [f"vm-{number}" for number in range(3000)]
    for seq in range(1, 21):
        rows = [vm_rows(things, NOON + seq, cpu_seconds_total=seq / 7)]
        store.append(batch(seq=seq, rows=rows)).result(WAIT)
    store.close()
    opened(data / "store").close()
    file = data / "store" / "headroom.duckdb"
    content = bytearray(file.read_bytes())
    # Behind the headers and the first block come the samples; the newest blocks hold the tables.
    for place in range(len(content) // 4, len(content) // 2, 512):
        content[place] ^= 0xFF
    file.write_bytes(content)
    try:
        damaged = opened(data / "store")
    except StoreError as error:
        said = str(error)
    else:
        said = "; ".join(part.detail for part in check(damaged, catalogue()) if not part.good)
    assert "restore" in said
    assert "backup" in said


def test_exported_samples_are_the_stored_ones_by_day(store: DuckStore, tmp_path: Path) -> None:
    late = NOON + 20 * HOUR
    store.append(batch(seq=1, rows=[host_rows(NOON, uptime_seconds=1.0)])).result(WAIT)
    store.append(batch(seq=2, rows=[host_rows(late, uptime_seconds=2.0)])).result(WAIT)
    store.append(batch(seq=3, rows=[vm_rows(["a", "b"], late, vcpus=4)])).result(WAIT)
    kinds = [catalogue().kind(name) for name in ("host", "vm")]

    files = list(export(store, kinds, NOON, late + 1, tmp_path / "out"))

    assert [(Path(one.file).name, one.rows) for one in files] == [
        ("host-2026-11-24.parquet", 1),
        ("host-2026-11-25.parquet", 1),
        ("vm-2026-11-25.parquet", 2),
    ]
    table = pq.read_table(tmp_path / "out" / "vm-2026-11-25.parquet")
    assert table.select(["host", "uuid", "vcpus"]).to_pylist() == [
        {"host": "alpha", "uuid": uuid, "vcpus": 4} for uuid in ("a", "b")
    ]
    assert table["time"].cast("int64").to_pylist() == [late, late]
    assert not [path for path in (tmp_path / "out").iterdir() if path.name.startswith(".")]
