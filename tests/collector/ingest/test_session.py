"""What an agent says on its stream, and what the collector answers."""

import asyncio
from collections.abc import Callable

import pytest
from rigs.ingest import Rig, batch, cycle

pytestmark = pytest.mark.anyio


async def until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait for a condition, bounded."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.01)


async def test_a_batch_is_stored_under_the_certificates_name_and_acknowledged(rig: Rig) -> None:
    async with rig.agent("web-1") as agent:
        welcome = (await agent.hello(agent_version="0.1.0")).welcome
        assert (welcome.high_water, welcome.window, welcome.collector_version) == (0, 4, "1.2.3")
        await agent.send(batch(1, cycle(rig.clock.now(), load1=1.5)))
        await agent.acked(1)
    [stored] = rig.store.batches("web-1")
    assert (stored.seq, stored.agent_version, stored.interval_seconds) == (1, "0.1.0", 10.0)
    assert stored.received == rig.clock.now()
    [rows] = stored.rows
    assert rows.kind == "host"
