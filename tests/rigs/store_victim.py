"""A store that fills up until it is killed; run by the tests in a process of its own."""

import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from headroom_collector.config import StoreSettings
from headroom_collector.store.api import Result, Rows, StoreBatch, StoreError, Thing
from headroom_collector.store.engine import DuckStore, open_store
from headroom_core.clock import SystemClock
from headroom_proto.catalogue import catalogue

EPOCH = b"victim's own spool"
HOSTS = tuple(f"host{number}" for number in range(6))
VMS = 3
COLUMNS = len(catalogue().kind("vm").columns)
NOON = 1_795_521_600_000_000_000
STEP = 7_000_000_000_000
"""Nanoseconds between two batches: some dozen make a new day, so tables come while it runs."""


def say(line: str) -> None:
    """Tell the test."""
    os.write(1, f"{line}\n".encode())


def value(host: str, seq: int, index: int) -> int:
    """What a host's batch holds at an index: the oracle."""
    return HOSTS.index(host) * 1_000_000 + seq * 100 + index


def made(host: str, seq: int) -> StoreBatch:
    """Return a host's batch of that number: always the same."""
    rows = []
    for vm in range(VMS):
        values = [value(host, seq, vm * COLUMNS + index) for index in range(COLUMNS)]
        thing = Thing(f"{host}-{vm}", {"uuid": f"{host}-{vm}", "name": str(vm)})
        rows.append((NOON + seq * STEP, thing, values))
    return StoreBatch(host, EPOCH, seq, seq, NOON + seq * STEP, [Rows("vm", rows)])


def send(store: DuckStore, host: str, acknowledged: int) -> Iterator[int]:
    """Append without end, three batches at a time; yield each number once it is durable."""
    seq = store.high_water(host, EPOCH)
    while True:
        futures = [
            (number, store.append(made(host, number))) for number in range(seq + 1, seq + 4)
        ]
        for number, future in futures:
            if future.result().result in {Result.STORED, Result.DUPLICATE}:
                os.write(acknowledged, f"{host} {number}\n".encode())
                yield number
        seq += 3


def flood(store: DuckStore, host: str, acknowledged: int) -> None:
    """Send until the process is killed."""
    for _ in send(store, host, acknowledged):
        pass


def fill(store: DuckStore, host: str, acknowledged: int) -> None:
    """Send until the disk refuses, have it grow, and go on until ten more are durable."""
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, limit[1]))
    try:
        flood(store, host, acknowledged)
    except StoreError as error:
        say(str(error))
        say(f"fault: {store.fault()}")
    say(f"hosts while it is broken: {len(store.hosts())}")
    resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    until = time.monotonic() + 20
    more = 0
    while more < 10 and time.monotonic() < until:
        try:
            for _ in send(store, host, acknowledged):
                more += 1
                if more == 10:
                    break
        except StoreError:
            time.sleep(0.1)
    say(f"fault: {store.fault()}")


def main() -> None:
    """Run as: store_victim.py FOLDER ACKNOWLEDGED flood|fill."""
    folder, file, what = sys.argv[1:]
    settings = StoreSettings(checkpoint_threshold_mib=1, group_window_seconds=0.01)
    store = open_store(Path(folder), settings, (), SystemClock())
    acknowledged = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    if what == "fill":
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        fill(store, HOSTS[0], acknowledged)
        store.close()
        return
    threads = [threading.Thread(target=flood, args=(store, host, acknowledged)) for host in HOSTS]
    for thread in threads:
        thread.start()


if __name__ == "__main__":
    main()
