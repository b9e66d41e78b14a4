"""Batches that come twice, in any order, and with holes, over real TLS into the real store."""

import random
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from rigs.delivery.oracle import judge
from rigs.delivery.wild import batch
from rigs.ingest import EPOCH, Agent

from headroom_collector.config import StoreSettings
from headroom_collector.ingest.server import IngestServer
from headroom_collector.ingest.settings import IngestSettings
from headroom_collector.store.engine import DuckStore, open_store
from headroom_collector.tls import Authority
from headroom_core.clock import SystemClock

HOST = "wild-1"
BATCHES = 120


@dataclass
class Receiver:
    """Server and store in this process."""

    store: DuckStore
    authority: Authority
    port: int

    def agent(self) -> Agent:
        return Agent(self.port, self.authority.issue_host(HOST))


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def receiver(tmp_path: Path, anyio_backend: str) -> AsyncIterator[Receiver]:
    clock = SystemClock()
    authority = Authority.open(tmp_path / "tls", clock)
    store = open_store(tmp_path / "store", StoreSettings(group_window_seconds=0.01), (), clock)
    server = IngestServer(store, authority.collector_files([]), clock, IngestSettings(), "1")
    port = await server.start("127.0.0.1:0")
    yield Receiver(store, authority, port)
    await server.stop(1.0)
    store.close()


def wild_order(chance: random.Random) -> list[int]:
    """Return every number at least once, some twice, neighbours swapped."""
    numbers = [n for n in range(1, BATCHES + 1) for _ in range(chance.choice((1, 1, 2)))]
    for at in range(0, len(numbers) - 4, 4):
        part = numbers[at : at + 4]
        chance.shuffle(part)
        numbers[at : at + 4] = part
    return numbers


@pytest.mark.anyio
async def test_batches_that_come_twice_and_out_of_order_are_stored_once(
    receiver: Receiver, table, short: int, tmp_path: Path
) -> None:
    base, chance = time.time_ns() - 3_600 * 10**9, random.Random(11)
    done = 0
    for turn in range(short):
        goal = min(BATCHES, done + BATCHES // short + 1) if turn < short - 1 else BATCHES
        order = [n for n in wild_order(chance) if done - 5 <= n <= goal]
        async with receiver.agent() as agent:
            welcome = (await agent.hello(first_seq=1, next_seq=BATCHES + 1)).welcome
            for number in order:
                await agent.send(batch(HOST, number, base))
            # What fell out of order for good is sent once more, as an agent would that stalls.
            await agent.send(*(batch(HOST, number, base) for number in range(done + 1, goal + 1)))
            high_water = welcome.high_water
            while high_water < goal:
                answer = await agent.receive()
                if answer.HasField("resend"):
                    again = range(answer.resend.from_seq, goal + 1)
                    await agent.send(*(batch(HOST, number, base) for number in again))
                else:
                    high_water = answer.ack.seq
        done = goal
    ledger = tmp_path / "ledger"
    ledger.write_text("".join(f"{n} {EPOCH.hex()} {n}\n" for n in range(1, BATCHES + 1)))
    found = judge(receiver.store, HOST, base, ledger)
    assert found.stored == BATCHES
    assert receiver.store.statistics()["batches_duplicate_total"] > 0
    table.note("batches doubled and out of order", short, found)
