"""A real ingest server on loopback, with a store in memory and a clock set by hand."""

from collections.abc import AsyncIterator

import pytest
from rigs.ingest import HandClock, MemoryStore, Rig

from headroom_collector.ingest.server import IngestServer
from headroom_collector.ingest.settings import IngestSettings
from headroom_collector.tls import Authority
from headroom_core.clock import SystemClock


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.open(tmp_path_factory.mktemp("tls"), SystemClock())


@pytest.fixture
async def rig(authority: Authority, anyio_backend: str) -> AsyncIterator[Rig]:
    store, clock = MemoryStore(), HandClock()
    settings = IngestSettings(hello_seconds=0.5, throttle_seconds=0.25, window=4)
    server = IngestServer(store, authority.collector_files([]), clock, settings, "1.2.3")
    port = await server.start("127.0.0.1:0")
    yield Rig(server, store, clock, authority, port)
    await server.stop(1.0)
    store.close()
