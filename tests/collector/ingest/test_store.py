"""The ingest with the real store behind it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from rigs.ingest import EPOCH, SECOND, Agent, HandClock, batch, cycle
from rigs.samples import QUICK

from headroom_collector.ingest.server import IngestServer
from headroom_collector.store.api import Store
from headroom_collector.store.engine import open_store
from headroom_collector.tls import Authority
from headroom_proto.v1.telemetry_pb2 import Batch, Goodbye, PushRequest

pytestmark = pytest.mark.anyio


@dataclass
class Real:
    store: Store
    server: IngestServer
    clock: HandClock
    authority: Authority
    port: int

    def agent(self) -> Agent:
        return Agent(self.port, self.authority.issue_host("web-1"))

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return [tuple(row.values()) for row in self.store.query(sql).to_pylist()]


@pytest.fixture
async def real(authority: Authority, tmp_path: Path, anyio_backend: str) -> AsyncIterator[Real]:
    clock = HandClock()
    store = open_store(tmp_path / "store", QUICK, [], clock)
    server = IngestServer(store, authority.collector_files([]), clock)
    port = await server.start("127.0.0.1:0")
    yield Real(store, server, clock, authority, port)
    await server.stop(5.0)
    store.close()


async def test_values_arrive_bit_for_bit_and_what_is_absent_stays_absent(real: Real) -> None:
    made = cycle(real.clock.now(), cpu_utilisation_ratio=0.1 + 0.2, load1=5e-324)
    made.vms.add(uuid="aa-1", name="db", state=1, cpu_seconds_total=1234.5)
    made.facts.kernel = "6.1.0"
    async with real.agent() as agent:
        await agent.hello(agent_version="0.1.0", interval_seconds=10.0, simulated=True)
        await agent.send(batch(1, made))
        await agent.acked(1)
    found = real.rows("SELECT time, cpu_utilisation_ratio, load1, load5, cpus FROM host_sample")
    assert found == [(real.clock.now(), 0.1 + 0.2, 5e-324, None, 4)]
    assert real.rows("SELECT cpu_seconds_total, vcpus FROM vm_sample") == [(1234.5, None)]
    [host] = real.store.hosts()
    assert (host.name, host.simulated, host.agent_version) == ("web-1", True, "0.1.0")
    assert (host.interval_seconds, host.facts["kernel"]) == (10.0, "6.1.0")


async def test_a_batch_of_two_streams_is_stored_once(real: Real) -> None:
    sent = [batch(seq, cycle(real.clock.now() + seq)) for seq in range(1, 41)]
    async with real.agent() as agent:
        await agent.hello()
        await agent.send(*sent[:30])
        await agent.acked(30)
    async with real.agent() as agent:
        assert (await agent.hello()).welcome.high_water == 30
        await agent.send(*sent[20:])
        await agent.acked(40)
    assert real.rows("SELECT count(*), count(DISTINCT time) FROM host_sample") == [(40, 40)]


async def test_a_hole_is_filled_and_a_gap_is_recorded(real: Real) -> None:
    sent = {seq: batch(seq, cycle(real.clock.now() + seq)) for seq in range(1, 10)}
    async with real.agent() as agent:
        await agent.hello()
        await agent.send(sent[1])
        await agent.acked(1)
        await agent.send(sent[3])
        assert (await agent.receive()).resend.from_seq == 2
        await agent.send(sent[2], sent[3])
        await agent.acked(3)
    async with real.agent() as agent:
        await agent.hello(first_seq=6, next_seq=10)
        await agent.send(sent[6], sent[7])
        await agent.acked(7)
    assert real.rows("SELECT count(*) FROM host_sample") == [(5,)]
    assert real.store.high_water("web-1", EPOCH) == 7
    assert len(real.rows("SELECT * FROM gaps")) == 1


async def test_a_refused_batch_is_recorded_and_the_next_is_stored(real: Real) -> None:
    good = batch(1, cycle(real.clock.now()))
    torn = Batch(epoch=EPOCH, seq=1, crc32=good.crc32 ^ 1, payload=good.payload)
    async with real.agent() as agent:
        await agent.hello()
        await agent.send(torn, batch(2, cycle(real.clock.now(), load1=float("nan"))))
        await agent.acked(2)
    assert real.rows("SELECT reason FROM refusals ORDER BY reason") == [
        ("bad_crc",),
        ("not_finite",),
    ]
    assert real.rows("SELECT count(*), count(load1) FROM host_sample") == [(1, 0)]


async def test_a_goodbye_stands_until_the_host_is_heard_again(real: Real) -> None:
    async with real.agent() as agent:
        await agent.hello()
        await agent.send(batch(1, cycle(real.clock.now())))
        await agent.say(PushRequest(goodbye=Goodbye(reason="stopped")))
        await agent.call.done_writing()
        await agent.acked(1)
        await agent.ended()
    [host] = real.store.hosts()
    assert host.goodbye == real.clock.now()
    async with real.agent() as agent:
        await agent.hello()
        await agent.send(batch(2, cycle(real.clock.now() + 1)))
        await agent.acked(2)
    [host] = real.store.hosts()
    assert host.goodbye is None


async def test_a_store_that_was_closed_has_the_agent_wait(real: Real) -> None:
    async with real.agent() as agent:
        await agent.hello()
        real.store.close()
        await agent.send(batch(1, cycle(real.clock.now())))
        assert (await agent.receive()).WhichOneof("kind") == "throttle"


async def test_a_spool_with_a_new_epoch_doubles_nothing_that_the_store_has(real: Real) -> None:
    start = real.clock.now()
    sent = [cycle(start + seq * SECOND, load1=float(seq)) for seq in range(1, 5)]
    async with real.agent() as agent:
        await agent.hello()
        await agent.send(batch(1, sent[0]), batch(2, sent[1]), batch(3, sent[2]))
        await agent.acked(3)
    epoch = b"of a cloned spool"[:16]
    async with real.agent() as agent:
        await agent.hello(epoch=epoch, first_seq=1, next_seq=3, carried_seq=2)
        await agent.send(batch(1, sent[1], epoch), batch(2, sent[3], epoch))
        await agent.acked(2)
    loads = real.rows("SELECT load1 FROM host_sample ORDER BY time")
    assert loads == [(1.0,), (2.0,), (3.0,), (4.0,)]
    assert real.rows("SELECT reason, count FROM refusals") == [("stored_before", 1)]


async def test_an_agent_is_told_the_checksum_of_what_is_newest(real: Real) -> None:
    first = batch(1, cycle(real.clock.now()))
    async with real.agent() as agent:
        assert not (await agent.hello()).welcome.HasField("crc32")
        await agent.send(first)
        await agent.acked(1)
    async with real.agent() as agent:
        assert (await agent.hello()).welcome.crc32 == first.crc32
