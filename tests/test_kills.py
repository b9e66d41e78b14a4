"""Agent and collector are killed over and over: what reached the spool is stored exactly once."""

import random
import shutil
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from rigs.collector import Program, Spine, wait_for
from rigs.ports import free_port
from rigs.proxy import Proxy

from headroom_collector.config import StoreSettings
from headroom_collector.store.engine import open_store
from headroom_core.clock import SystemClock
from headroom_proto.v1.telemetry_pb2 import Cycle

KILLS = 10
HOST = "killed-1"
INTERVAL = 0.2
COLUMN = "cpu_idle_seconds_total"


@dataclass
class Oracle:
    """
    What reached the spool, off copies of its files.

    Copies, so that it is the restarted agent that recovers the file and not the test.
    """

    spool: Path
    folder: Path
    epoch: bytes = b""
    next_seq: int = 1
    batches: dict[int, tuple[int, float]] = field(default_factory=dict)

    def look(self) -> int:
        """Look at the spool of an agent that is dead; returns how many batches wait in it."""
        copy = self.folder / "copy.db"
        for suffix in ("", "-wal"):
            source = Path(f"{self.spool}{suffix}")
            Path(f"{copy}{suffix}").unlink(missing_ok=True)
            if source.exists():
                shutil.copyfile(source, f"{copy}{suffix}")
        connection = sqlite3.connect(copy)
        [(epoch, next_seq, dropped, acked)] = connection.execute(
            "SELECT epoch, next_seq, dropped, acked FROM spool"
        ).fetchall()
        rows = connection.execute("SELECT seq, payload FROM batches ORDER BY seq").fetchall()
        connection.close()
        assert self.epoch in {b"", epoch}, "the spool was begun anew"
        assert dropped == 0
        assert next_seq >= self.next_seq, "the spool went back"
        self.epoch, self.next_seq = epoch, next_seq
        for seq, payload in rows:
            self._note(seq, Cycle.FromString(payload))
        return sum(seq > acked for seq, _ in rows)

    def _note(self, seq: int, cycle: Cycle) -> None:
        found = (cycle.time_unix_nano, getattr(cycle.host, COLUMN))
        assert self.batches.setdefault(seq, found) == found, f"batch {seq} has changed"


@pytest.fixture
def spine(tmp_path: Path) -> Iterator[Spine]:
    made = Spine(tmp_path, free_port())
    yield made
    made.clean_up()


@pytest.fixture
def proxy(spine: Spine) -> Iterator[Proxy]:
    made = Proxy(spine.port)
    yield made
    made.close()


@dataclass
class Killer:
    """Kills agent and collector at seeded random moments and starts them again."""

    spine: Spine
    proxy: Proxy
    collector: Program
    agent: Program
    oracle: Oracle
    moments: random.Random
    unacknowledged: int = 0
    """Kills that found batches in the spool: not sent, or not acknowledged."""

    def run(self) -> None:
        for turn in range(KILLS):
            # Every other turn hits whatever there is, a collector that still starts among it.
            if turn % 2:
                self._withhold()
            time.sleep(self.moments.uniform(0.05, 0.6))
            self.collector.kill()
            time.sleep(self.moments.uniform(0.0, 0.5))
            self.agent.kill()
            self.proxy.drop_held()
            self.unacknowledged += self.oracle.look() > 0
            first, second = self.moments.sample([self.collector, self.agent], 2)
            first.start()
            time.sleep(self.moments.uniform(0.0, 0.5))
            second.start()
            go_on(self.oracle)

    def _withhold(self) -> None:
        """With a stream that is up, have batches stored whose acknowledgements do not arrive."""
        self.spine.wait_ready(self.collector)
        wait_for("the spool to drain", lambda: waiting(self.oracle.spool) <= 1)
        self.proxy.hold()
        wait_for("batches to wait", lambda: waiting(self.oracle.spool) > 2)


def go_on(oracle: Oracle) -> None:
    before = oracle.next_seq
    wait_for("the agent to sample again", lambda: spooled(oracle.spool) > before)


def look(spool: Path, sql: str) -> int:
    """Return one number off a running agent's spool."""
    connection = sqlite3.connect(f"file:{spool}?mode=ro", uri=True)
    try:
        [(found,)] = connection.execute(sql).fetchall()
    finally:
        connection.close()
    return int(found)


def spooled(spool: Path) -> int:
    return look(spool, "SELECT next_seq FROM spool")


def waiting(spool: Path) -> int:
    """How many are not acknowledged; the file knows of the newest one with the next cycle only."""
    return look(spool, "SELECT next_seq - 1 - acked FROM spool")


def stored(spine: Spine, epoch: bytes) -> tuple[int, list[tuple[int, float]]]:
    """Return high water and samples of the host, off the store of a collector that stopped."""
    store = open_store(spine.data / "store", StoreSettings(), [], SystemClock())
    try:
        table = store.query(
            f"SELECT s.time, s.{COLUMN} FROM host_sample s JOIN hosts h ON s.host_id = h.id"
            " WHERE h.name = ? ORDER BY s.time",
            [HOST],
        )
        times, values = (column.to_pylist() for column in table.columns)
        return store.high_water(HOST, epoch), list(zip(times, values, strict=True))
    finally:
        store.close()


def test_what_reached_the_spool_is_stored_exactly_once_whoever_is_killed(
    spine: Spine, proxy: Proxy, tmp_path: Path
) -> None:
    spool = tmp_path / "spool.db"
    oracle = Oracle(spool, tmp_path)
    collector = spine.collector()
    agent = spine.agent(HOST, INTERVAL, spool=spool, port=proxy.port)
    collector.start()
    agent.start()
    spine.wait_ready(collector)
    wait_for("the first batches", lambda: spool.exists() and spooled(spool) > 3)

    killer = Killer(spine, proxy, collector, agent, oracle, random.Random(20_26))
    killer.run()
    wait_for("the spool to drain", lambda: waiting(spool) <= 1)
    assert agent.stop() == 0
    assert oracle.look() == 0, "the agent did not drain"
    assert collector.stop() == 0

    assert (agent.kills, collector.kills) == (KILLS, KILLS)
    assert killer.unacknowledged >= KILLS // 2
    high_water, samples = stored(spine, oracle.epoch)
    assert high_water == oracle.next_seq - 1
    assert len(samples) == high_water, "lost or stored twice"
    assert len({time for time, _ in samples}) == high_water
    for seq, sample in oracle.batches.items():
        # Cycles are numbered in the order of their times.
        assert samples[seq - 1] == sample, f"batch {seq}"
    for program in (agent, collector):
        assert "Traceback" not in program.text()
