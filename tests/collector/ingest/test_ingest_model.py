"""
Ingest against a model: whatever an agent sends in whatever order, each batch is stored once.

The agent of the model is a mean one: it leaves batches out, sends them twice, mixes them, breaks
off, drops what it had and says so, and comes back with another spool. The server, its streams and
the store are the real ones.
"""

import asyncio
import contextlib
import tempfile
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import grpc.aio
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from rigs.delivery.wild import batch
from rigs.ingest import Agent
from rigs.samples import QUICK

from headroom_collector.ingest.server import IngestServer
from headroom_collector.ingest.settings import IngestSettings
from headroom_collector.store.engine import open_store
from headroom_collector.tls import Authority
from headroom_core.clock import SystemClock

HOST = "model-1"
MILLISECOND = 1_000_000


class Ingest(RuleBasedStateMachine):
    """The model: which batches of which spool have to be there, and which are gone for good."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.loop = asyncio.new_event_loop()
        clock = SystemClock()
        authority = Authority.open(Path(self.folder.name) / "tls", clock)
        self.files = authority.issue_host(HOST)
        self.store = open_store(Path(self.folder.name) / "store", QUICK, (), clock)
        self.server = IngestServer(
            self.store, authority.collector_files([]), clock, IngestSettings(), "1"
        )
        self.port = self.run(self.server.start("127.0.0.1:0"))
        self.base = time.time_ns() - 3_600 * 10**9
        self.epochs = 0
        self.stored: dict[int, set[int]] = {}
        self.gone: dict[int, set[int]] = {}

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(asyncio.wait_for(work, 30))

    @initialize()
    def begin(self) -> None:
        self.new_spool()

    @rule()
    def new_spool(self) -> None:
        """The spool was wiped: another epoch, numbers from 1."""
        self.epochs += 1
        self.first, self.newest, self.high = 1, 0, 0
        self.stored[self.epochs], self.gone[self.epochs] = set(), set()

    @property
    def epoch(self) -> bytes:
        return self.epochs.to_bytes(16, "big")

    def serial(self, epoch: int, seq: int) -> int:
        return epoch * 10_000 + seq

    def made(self, seq: int) -> Any:
        """Return a batch; its content is a function of (epoch, seq)."""
        found = batch(HOST, self.serial(self.epochs, seq), self.base, self.epoch)
        found.seq = seq
        return found

    @rule(count=st.integers(1, 12))
    def sample(self, count: int) -> None:
        self.newest += count

    @rule(count=st.integers(1, 6))
    def drop(self, count: int) -> None:
        """The spool's bound is hit: the oldest go, and the next Hello says so."""
        keep_from = min(self.newest + 1, max(self.first, self.high + 1) + count)
        lost = set(range(self.high + 1, keep_from))
        self.gone[self.epochs] |= lost
        self.first = max(self.first, keep_from)

    @rule(order=st.lists(st.integers(0, 14), min_size=1, max_size=12))
    def send_wildly(self, order: list[int]) -> None:
        """Send some in that order, heed no answer, and break off."""
        if self.first <= self.newest:
            self.run(self._send_wildly(order))

    async def _send_wildly(self, order: list[int]) -> None:
        waiting = range(self.first, self.newest + 1)
        async with Agent(self.port, self.files) as agent:
            await self._hello(agent)
            # The server may end the stream of an agent that does not heed it.
            with contextlib.suppress(grpc.aio.AioRpcError):
                for place in order:
                    if place < len(waiting):
                        await agent.send(self.made(waiting[place]))
            agent.call.cancel()

    @rule(twice=st.booleans())
    def send_all(self, twice: bool) -> None:
        """Send everything in order, perhaps twice, until it is acknowledged."""
        if self.first <= self.newest:
            self.run(self._send_all(2 if twice else 1))

    async def _send_all(self, times: int) -> None:
        async with Agent(self.port, self.files) as agent:
            high = await self._hello(agent)
            start = max(self.first, high + 1)
            for seq in range(start, self.newest + 1):
                await agent.send(*([self.made(seq)] * times))
            while high < self.newest:
                answer = await agent.receive()
                assert answer.HasField("ack"), answer
                high = max(high, answer.ack.seq)

    async def _hello(self, agent: Agent) -> int:
        answer = await agent.hello(
            epoch=self.epoch, first_seq=self.first, next_seq=self.newest + 1
        )
        high = answer.welcome.high_water
        assert self.high <= high <= self.newest
        return int(high)

    @invariant()
    def each_is_stored_once_and_nothing_is_skipped(self) -> None:
        if not self.epochs:
            return
        self._catch_up()
        found = (
            self.store.query("SELECT time FROM host_sample ORDER BY time").column(0).to_pylist()
        )
        expected = sorted(
            self.base + self.serial(epoch, seq) * MILLISECOND
            for epoch, stored in self.stored.items()
            for seq in stored
        )
        assert found == expected

    def _catch_up(self) -> None:
        """After a break the store alone knows how far it got; never with a hole in it."""
        self.run(asyncio.sleep(0.05))
        high = self.store.high_water(HOST, self.epoch)
        assert self.high <= high <= self.newest
        start = max(self.first, self.high + 1)
        self.stored[self.epochs] |= set(range(start, high + 1))
        self.high = high

    def teardown(self) -> None:
        self._catch_up()
        gaps = self.store.query("SELECT epoch, from_seq, to_seq FROM gaps").to_pylist()
        for row in gaps:
            lost = set(range(row["from_seq"], row["to_seq"] + 1))
            assert lost <= self.gone[int.from_bytes(row["epoch"], "big")]
        self.run(self.server.stop(1.0))
        self.store.close()
        self.loop.close()
        self.folder.cleanup()


TestIngest = Ingest.TestCase
TestIngest.settings = settings(max_examples=8, stateful_step_count=12, deadline=None)
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
