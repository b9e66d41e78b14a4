"""An application on a loopback port, with an event loop that lives as long as it is served."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from fastapi import FastAPI

from headroom_collector.http import HttpServer, listen_tcp


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """Serve the application; yields its URL."""
    socket = listen_tcp("127.0.0.1:0")
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    server = HttpServer(app, socket)
    try:
        asyncio.run_coroutine_threadsafe(server.start(), loop).result(30)
        yield f"http://127.0.0.1:{socket.getsockname()[1]}"
        asyncio.run_coroutine_threadsafe(server.stop(), loop).result(30)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
