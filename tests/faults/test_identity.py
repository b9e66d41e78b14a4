"""Spools that are deleted, cloned or rolled back, and a store that is restored from a backup."""

import shutil
from pathlib import Path

from rigs.delivery.field import Field

SPOOL_PARTS = ("", "-wal", "-shm")


def copy_spool(source: Path, target: Path) -> None:
    for suffix in SPOOL_PARTS:
        Path(f"{target}{suffix}").unlink(missing_ok=True)
        if Path(f"{source}{suffix}").exists():
            shutil.copyfile(f"{source}{suffix}", f"{target}{suffix}")


def test_a_spool_deleted_while_in_use_is_written_anew(field_: Field, table, short: int) -> None:
    receiver, sender = field_.receiver(), field_.sender()
    field_.start(sender)
    for _ in range(short):
        field_.grow()
        for suffix in SPOOL_PARTS:
            Path(f"{field_.spool}{suffix}").unlink(missing_ok=True)
        field_.grow()
        sender.kill()
        field_.start(sender)
    receiver.start()
    field_.grow()
    field_.drained()
    assert "was deleted while in use" in sender.text()
    table.note("spool deleted while running", short, field_.finish(sender, receiver))


def test_a_spool_rolled_back_begins_a_new_epoch(field_: Field, table, long: int) -> None:
    receiver, sender = field_.receiver(), field_.sender()
    backup = field_.folder / "backup.db"
    receiver.start()
    field_.start(sender)
    for turn in range(long):
        field_.grow()
        field_.drained()
        sender.stop()
        copy_spool(field_.spool, backup)
        field_.start(sender)
        field_.grow(5)
        field_.drained()
        sender.stop()
        copy_spool(backup, field_.spool)
        if turn % 2:
            receiver.stop()  # so that its numbers pass the collector's before they meet
        field_.start(sender)
        field_.grow(25)
        if turn % 2:
            receiver.start()
        field_.grow()
        field_.drained()
    assert sender.text().count("began a new epoch") == long
    table.note("spool rolled back", long, field_.finish(sender, receiver))


def test_a_cloned_spool_on_two_hosts_loses_nothing(field_: Field, table, long: int) -> None:
    receiver, sender = field_.receiver(), field_.sender()
    receiver.start()
    field_.start(sender)
    field_.grow(10)
    for _ in range(long):
        sender.stop()
        spool, clone = field_.spool, field_.folder / "clone.db"
        copy_spool(spool, clone)
        field_.spool = clone
        other = field_.sender()
        field_.spool = spool
        field_.start(sender)
        field_.grow(1)
        other.start("--first", str(1_000_000 + field_.spooled() * 100))
        field_.grow(60)
        sender.stop()
        field_.spool = clone
        field_.empty(other)
        field_.spool = spool
        field_.start(sender)
        field_.grow()
        field_.drained()
    found = field_.finish(sender, receiver)
    assert "began a new epoch" in sender.text()
    table.note("spool cloned, both send", long, found)


def test_a_restored_store_gets_again_what_the_agent_keeps(field_: Field, table, long: int) -> None:
    receiver, sender = field_.receiver(), field_.sender()
    backup = field_.folder / "backup"
    receiver.start()
    field_.start(sender)
    for _ in range(long):
        field_.grow()
        field_.drained()
        receiver.stop()
        shutil.copytree(field_.store, backup)
        receiver.start()
        field_.grow(30)
        field_.drained()
        receiver.kill()
        shutil.rmtree(field_.store)
        backup.rename(field_.store)
        receiver.start()
        field_.grow()
        field_.drained()
    table.note("store restored from a backup", long, field_.finish(sender, receiver))


def test_what_a_full_spool_dropped_is_an_exact_gap(field_: Field, table, long: int) -> None:
    receiver = field_.receiver()
    sender = field_.sender(None, "--max-bytes", "40000")
    field_.start(sender)
    for turn in range(long):
        field_.grow(120)
        receiver.start()
        field_.grow(1)
        field_.drained()
        assert field_.dropped() > 20 * (turn + 1)
        receiver.stop()
    receiver.start()
    field_.drained()
    found = field_.finish(sender, receiver)
    assert len(found.declared) >= 20 * long
    table.note("spool's bound hit", long, found)
