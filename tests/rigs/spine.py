"""The collector's way of the data alone: store and ingest, without page, alerts and plan."""

import asyncio
import os
import signal
import sys
from pathlib import Path

from headroom_collector import ready
from headroom_collector.config import StoreSettings
from headroom_collector.ingest.server import IngestServer
from headroom_collector.store.engine import open_store
from headroom_collector.tls import Authority
from headroom_core.clock import SystemClock


async def serve(data: Path, address: str) -> None:
    """Run until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    clock = SystemClock()
    store = open_store(data / "store", StoreSettings(), [], clock)
    files = Authority.open(data / "tls", clock).collector_files([])
    server = IngestServer(store, files, clock)
    port = await server.start(address)
    ready.write(data, ready.Ready(os.getpid(), f"127.0.0.1:{port}", "", ""))
    await stop.wait()
    await server.stop(3.0)
    store.close()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), sys.argv[2]))
