"""Disks that are full, read-only, or lose their power, on either side."""

import random

from rigs.delivery.disks import ext4, tmpfs
from rigs.delivery.field import Field, wait_for

CHANCE = random.Random(4)


def test_a_full_disk_of_the_agent_keeps_what_it_spooled(field_: Field, table, long: int) -> None:
    with tmpfs(field_.folder / "small", 768) as disk:
        field_.spool = disk.folder / "spool.db"
        receiver, sender = field_.receiver(), field_.sender(None, "--pause", "0.004")
        field_.start(sender)
        for _ in range(long):
            wait_for("the spool to be made", field_.spool.exists)
            before = field_.dropped()
            wait_for("batches to be dropped", lambda: field_.dropped() > before + 20)  # noqa: B023 - waited for here
            receiver.start()
            field_.drained()
            receiver.stop()
        receiver.start()
        field_.drained()
        assert field_.dropped() > 20 * long
        table.note("disk of the agent full", long, field_.finish(sender, receiver))


def test_a_full_disk_of_the_collector_acknowledges_nothing_that_is_not_there(
    field_: Field, table, long: int
) -> None:
    with tmpfs(field_.folder / "small", 4096) as disk:
        field_.store = disk.folder / "store"
        receiver, sender = field_.receiver(), field_.sender(None, "--pause", "0.004")
        receiver.start()
        field_.start(sender)
        field_.grow()
        for turn in range(long):
            field_.drained()
            ballast = disk.folder / "ballast"
            fill(ballast)
            wait_for("batches that wait", lambda: field_.waiting() > 50)
            wait_for(
                "the store to say so",
                lambda: receiver.text().count("storing failed") > turn,  # noqa: B023 - waited for here
            )
            ballast.unlink()
            field_.drained()
        table.note("disk of the collector full", long, field_.finish(sender, receiver))


def test_a_store_leaves_room_on_its_disk_and_takes_samples_again(
    field_: Field, table, long: int
) -> None:
    with tmpfs(field_.folder / "small", 65536) as disk:
        field_.store = disk.folder / "store"
        receiver, sender = field_.receiver("--free", "16"), field_.sender()
        receiver.start()
        field_.start(sender)
        field_.grow()
        for turn in range(long):
            field_.drained()
            ballast = disk.folder / "ballast"
            ballast.write_bytes(bytes(52 << 20))
            wait_for("batches that wait", lambda: field_.waiting() > 20)
            said = "16 have to stay (store.free_mib)"
            wait_for("it to be said", lambda: receiver.text().count(said) > turn)  # noqa: B023 - waited for here
            ballast.unlink()
            field_.drained()
        table.note("disk of the collector nearly full", long, field_.finish(sender, receiver))


def fill(ballast) -> None:
    """Write until the disk is full."""
    with ballast.open("wb", buffering=0) as file:
        try:
            while file.write(bytes(4096)):
                pass
        except OSError:
            return


def test_a_read_only_disk_of_the_collector_is_waited_for(field_: Field, table, long: int) -> None:
    with tmpfs(field_.folder / "small", 65536) as disk:
        field_.store = disk.folder / "store"
        receiver, sender = field_.receiver(), field_.sender()
        receiver.start()
        field_.start(sender)
        for _ in range(long):
            field_.grow()
            receiver.kill()
            disk.remount("ro")
            receiver.start()
            assert receiver.process is not None
            assert receiver.process.wait(30) != 0
            disk.remount("rw")
            receiver.start()
            field_.drained()
        table.note("store read-only at a start", long, field_.finish(sender, receiver))


def test_power_loss_of_the_spool_loses_nothing_that_was_spooled(
    field_: Field, table, power: int
) -> None:
    with ext4(field_.folder / "power") as disk:
        field_.spool = disk.folder / "spool.db"
        receiver, sender = field_.receiver(), field_.sender(None, "--pause", "0.004")
        for _ in range(power):
            field_.start(sender)
            field_.grow(CHANCE.randrange(5, 80))
            told = field_.spooled()
            disk.cut()
            sender.kill()
            field_.forget_after(told)
            disk.unmount()
            disk.mount()
        receiver.start()
        field_.start(sender)
        field_.grow()
        field_.drained()
        table.note("power loss of the spool", power, field_.finish(sender, receiver))


def test_power_loss_of_the_store_loses_nothing_that_was_acknowledged(
    field_: Field, table, power: int
) -> None:
    with ext4(field_.folder / "power") as disk:
        field_.store = disk.folder / "store"
        receiver, sender = field_.receiver(), field_.sender(None, "--pause", "0.004")
        field_.start(sender)
        for _ in range(power):
            receiver.start()
            field_.grow(1)
            field_.drained()
            field_.grow(CHANCE.randrange(5, 80))
            disk.cut()
            receiver.kill()
            disk.unmount()
            disk.mount()
        receiver.start()
        field_.drained()
        table.note("power loss of the store", power, field_.finish(sender, receiver))
