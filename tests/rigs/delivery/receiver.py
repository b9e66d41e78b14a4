"""A receiver: the collector's real store and ingest, without the rest of it, so it starts fast."""

import argparse
import asyncio
import logging
import signal
import sys
from pathlib import Path

from headroom_collector.config import StoreSettings
from headroom_collector.ingest.bulk import Decoder
from headroom_collector.ingest.server import IngestServer
from headroom_collector.ingest.settings import IngestSettings
from headroom_collector.store.engine import open_store
from headroom_collector.tls import Authority
from headroom_core.clock import SystemClock

log = logging.getLogger("receiver")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    for name in ("--data", "--store", "--address"):
        parser.add_argument(name, required=True)
    parser.add_argument("--idle", type=float, default=1.0)
    parser.add_argument("--answer", type=float, default=1.0)
    parser.add_argument("--free", type=int, default=0)
    return parser.parse_args()


async def serve(given: argparse.Namespace) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    clock, data = SystemClock(), Path(given.data)
    files = Authority.open(data / "tls", clock).collector_files([])
    settings = StoreSettings(
        checkpoint_threshold_mib=1, group_window_seconds=0.02, free_mib=given.free
    )
    ingest = IngestSettings(
        throttle_seconds=0.2,
        keepalive_seconds=given.idle,
        keepalive_timeout_seconds=given.answer,
    )
    decode = Decoder(ingest.limits())
    store = open_store(Path(given.store), settings, (), clock, decode=decode)
    server = IngestServer(store, files, clock, ingest)
    await server.start(given.address)
    log.info("ready")
    await stop.wait()
    await server.stop(3.0)
    await asyncio.to_thread(store.close)
    log.info("stopped")


def main() -> None:
    logging.basicConfig(stream=sys.stderr, format="%(created).3f %(message)s", level="INFO")
    asyncio.run(serve(arguments()))


if __name__ == "__main__":
    main()
