"""Kill, a failing disk, a full one: what was acknowledged is there exactly once."""

import errno
import os
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from rigs import store_victim as victim
from rigs.samples import EPOCH, HandClock, batch

from headroom_collector.store.api import Result, StoreError
from headroom_collector.store.engine import DuckStore
from headroom_collector.store.writer import RETRY_SECONDS

VICTIM = Path(victim.__file__)
WAIT = 20.0
KILLS = 10


def start(folder: Path, file: Path, what: str) -> "subprocess.Popen[str]":
    command = [sys.executable, str(VICTIM), str(folder), str(file), what]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def lines(file: Path) -> list[str]:
    """Complete lines only: the last one may have been cut by the kill."""
    return file.read_text().split("\n")[:-1] if file.exists() else []


def wait_for(file: Path, count: int, process: "subprocess.Popen[str]") -> None:
    until = time.monotonic() + 30
    while len(lines(file)) < count:
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < until, f"only {len(lines(file))} of {count} batches"
        time.sleep(0.005)


def is_exact(store: DuckStore, acknowledged: list[str]) -> None:
    """Each acknowledged batch is there once, and each value is what it has to be."""
    sql = (
        "SELECT h.name, s.* EXCLUDE (commit_id), t.key FROM vm_sample s "
        "JOIN hosts h ON h.id = s.host_id JOIN things t ON t.id = s.thing_id"
    )
    seen: Counter[tuple[str, int, int]] = Counter()
    for name, time_ns, _, _, *values, key in (tuple(r.values()) for r in rows(store, sql)):
        seq, vm = (time_ns - victim.NOON) // victim.STEP, int(key.rpartition("-")[2])
        seen[name, seq, vm] += 1
        first = vm * victim.COLUMNS
        assert values == [victim.value(name, seq, first + i) for i in range(victim.COLUMNS)]
    assert set(seen.values()) == {1}
    for host in victim.HOSTS:
        newest = store.high_water(host, victim.EPOCH)
        stored = {(seq, vm) for name, seq, vm in seen if name == host}
        assert stored == {(n, vm) for n in range(1, newest + 1) for vm in range(victim.VMS)}
    for line in acknowledged:
        host, number = line.split()
        assert all((host, int(number), vm) in seen for vm in range(victim.VMS)), line


def rows(store: DuckStore, sql: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = store.query(sql).to_pylist()
    return found


def test_ten_kills_lose_nothing_and_double_nothing(opened: Any, tmp_path: Path) -> None:
    rng = random.Random(7)
    file = tmp_path / "acknowledged"
    for _ in range(KILLS):
        process = start(tmp_path / "data", file, "flood")
        try:
            wait_for(file, len(lines(file)) + rng.randrange(1, 120), process)
        finally:
            process.kill()
            process.communicate()
    assert len(lines(file)) > KILLS
    is_exact(opened(tmp_path / "data"), lines(file))


def test_a_file_that_cannot_grow_is_said_and_lost_nothing_once_it_can(
    opened: Any, tmp_path: Path
) -> None:
    file = tmp_path / "acknowledged"
    process = start(tmp_path / "data", file, "fill")
    output, _ = process.communicate(timeout=60)
    said = output.splitlines()
    assert "storing failed, nothing is acknowledged until it works again" in said[0]
    assert "hosts while it is broken: 1" in said
    assert said[-1] == "fault: None"
    is_exact(opened(tmp_path / "data"), lines(file))


class Disk:
    """fsync that can be made to fail."""

    def __init__(self) -> None:
        self.failing = 0

    def sync(self, descriptor: int) -> None:
        if self.failing:
            self.failing -= 1
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        os.fsync(descriptor)


def test_an_fsync_that_fails_is_no_acknowledgement(opened: Any) -> None:
    disk = Disk()
    store = opened(sync=disk.sync)
    store.append(batch()).result(WAIT)
    disk.failing = 1
    with pytest.raises(StoreError, match="Input/output error"):
        store.append(batch(seq=2)).result(WAIT)
    assert store.append(batch(seq=2)).result(WAIT).high_water == 2
    assert store.append(batch(seq=3)).result(WAIT).result is Result.STORED
    assert rows(store, "SELECT count(*) AS n FROM host_sample") == [{"n": 3}]
    assert store.fault() is None


def test_while_the_disk_fails_readers_read_and_nothing_is_acknowledged(opened: Any) -> None:
    disk, clock = Disk(), HandClock()
    store = opened(sync=disk.sync, clock=clock)
    store.append(batch()).result(WAIT)
    disk.failing = 1_000_000
    for _ in range(3):
        clock.seconds += RETRY_SECONDS
        future, change = store.append(batch(seq=2)), store.change(lambda cursor, _: None)
        for each in (future, change):
            with pytest.raises(StoreError, match="storing failed"):
                each.result(WAIT)
    assert store.high_water("alpha", EPOCH) == 1
    assert len(store.hosts()) == 1
    assert "Input/output error" in store.fault()
    disk.failing = 0
    with pytest.raises(StoreError, match="storing failed"):  # it waits between two attempts
        store.append(batch(seq=2)).result(WAIT)
    clock.seconds += RETRY_SECONDS
    store.append(batch(seq=2)).result(WAIT)
    assert store.fault() is None
    assert rows(store, "SELECT count(*) AS n FROM host_sample") == [{"n": 2}]


class StoppingClock(HandClock):
    """A clock that breaks: no fault that the writer knows of."""

    broken = False

    def now(self) -> int:
        if self.broken:
            raise LookupError("no clock")
        return super().now()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_nobody_waits_for_a_writer_that_is_gone(opened: Any) -> None:
    clock = StoppingClock()
    store = opened(clock=clock)
    clock.broken = True
    for future in (store.append(batch()), store.append(batch(seq=2))):
        with pytest.raises(StoreError, match=r"stopped|closed"):
            future.result(WAIT)
    store.close()
