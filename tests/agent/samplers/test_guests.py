"""Guests found and read through their processes, in a made-up /proc."""

from pathlib import Path

import pytest

from headroom_agent.samplers.guests import RESCAN_SECONDS, Guests, parse_command, parse_stat

UUID = "00000000-0000-4000-8000-000000000001"
COMMAND = "/usr/bin/qemu-system-x86_64\0-name\0guest=web,debug-threads=on\0-uuid\0{}\0-m\0{}\0"
STAT = "{} (qemu (odd) x86) S 1 1 1 0 -1 4 9 0 0 0 {} {} 0 0 20 0 5 0 777 1 1"
TICK, PAGE = 10_000_000, 4096


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def thread(folder: Path, tid: int, comm: str, schedstat: str) -> None:
    at = folder / "task" / str(tid)
    at.mkdir(parents=True, exist_ok=True)
    (at / "comm").write_text(f"{comm}\n")
    (at / "schedstat").write_text(schedstat)


def process(procfs: Path, pid: int, uuid: str = UUID, ticks: tuple[int, int] = (30, 12)) -> Path:
    folder = procfs / str(pid)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "cmdline").write_text(COMMAND.format(uuid, "64"))
    (folder / "stat").write_text(STAT.format(pid, *ticks))
    (folder / "statm").write_text("9000 100 50 1 0 2 0")
    thread(folder, pid, "qemu-system-x86", "999 999 9")
    thread(folder, pid + 1, "CPU 0/KVM", "5 1000 1")
    thread(folder, pid + 2, "CPU 1/KVM", "5 2500 1")
    return folder


@pytest.fixture
def clock() -> Clock:
    return Clock()


def guests_of(procfs: Path, clock: Clock) -> Guests:
    return Guests(procfs, clock, tick_ns=TICK, page_bytes=PAGE)


def test_a_guest_is_found_by_the_uuid_of_its_process(tmp_path: Path, clock: Clock) -> None:
    process(tmp_path, 70)
    (tmp_path / "71").mkdir()
    (tmp_path / "71/cmdline").write_text(f"grep\0-uuid\0{UUID}\0")
    (tmp_path / "self").mkdir()
    guests = guests_of(tmp_path, clock)
    guests.follow([(UUID, 1)])
    found = guests.read(UUID)
    assert found is not None
    assert found.cpu_ns == 42 * TICK
    assert found.delay_ns == 3500
    assert found.resident_bytes == 100 * PAGE
    assert found.vcpus == 2
    guests.close()


def test_a_guest_without_a_process_is_not_known(tmp_path: Path, clock: Clock) -> None:
    guests = guests_of(tmp_path, clock)
    guests.follow([(UUID, 1)])
    assert guests.read(UUID) is None


def test_a_guest_that_was_not_found_is_looked_for_once_a_minute(
    tmp_path: Path, clock: Clock
) -> None:
    guests = guests_of(tmp_path, clock)
    guests.follow([(UUID, 1)])
    process(tmp_path, 70)
    guests.follow([(UUID, 1)])
    assert guests.read(UUID) is None
    clock.now = RESCAN_SECONDS
    guests.follow([(UUID, 1)])
    assert guests.read(UUID) is not None
    guests.close()


def test_a_guest_that_was_started_again_has_a_new_process(tmp_path: Path, clock: Clock) -> None:
    old = process(tmp_path, 70)
    guests = guests_of(tmp_path, clock)
    guests.follow([(UUID, 1)])
    old.rename(tmp_path / "gone")
    process(tmp_path, 80, ticks=(1, 1))
    guests.follow([(UUID, 2)])
    found = guests.read(UUID)
    assert found is not None
    assert found.cpu_ns == 2 * TICK
    guests.close()


def test_a_vcpu_that_is_plugged_in_counts_within_a_minute(tmp_path: Path, clock: Clock) -> None:
    folder = process(tmp_path, 70)
    guests = guests_of(tmp_path, clock)
    guests.follow([(UUID, 1)])
    thread(folder, 73, "CPU 2/KVM", "5 500 1")
    clock.now = RESCAN_SECONDS
    found = guests.read(UUID)
    assert found is not None
    assert (found.vcpus, found.delay_ns) == (3, 4000)
    guests.close()


def test_the_files_stay_open_and_are_closed_with_the_guest(tmp_path: Path, clock: Clock) -> None:
    def open_files() -> int:
        links = list(Path("/proc/self/fd").iterdir())
        return sum(str(link.resolve()).startswith(str(tmp_path)) for link in links)

    process(tmp_path, 70)
    guests = guests_of(tmp_path, clock)
    guests.follow([(UUID, 1)])
    guests.read(UUID)
    assert open_files() == 4
    guests.follow([])
    assert open_files() == 0


def test_a_process_that_says_nothing_sensible_is_left_out(tmp_path: Path, clock: Clock) -> None:
    folder = process(tmp_path, 70)
    guests = guests_of(tmp_path, clock)
    guests.follow([(UUID, 1)])
    (folder / "statm").write_text("")
    assert guests.read(UUID) is None
    guests.close()


def test_only_qemu_with_a_uuid_is_a_guest() -> None:
    assert parse_command(COMMAND.format(UUID.upper(), "1").encode()) == UUID
    assert parse_command(b"/usr/bin/kvm\0-uuid\0X\0") == "x"
    assert parse_command(b"/usr/bin/qemu-system-x86_64\0-version\0") is None
    assert parse_command(b"") is None


def test_a_commands_name_may_hold_anything() -> None:
    assert parse_stat(STAT.format(7, 3, 4).encode()) == 7
