"""A real browser, headless, and a server thread for it to look at."""

import asyncio
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from fastapi import FastAPI

from headroom_collector.http import HttpServer, listen_tcp

from .need import engine

QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--enable-logging=stderr",
)


@dataclass(frozen=True)
class Shown:
    """What the browser made of a page: its DOM as HTML, and what its console said."""

    dom: str
    console: list[str]


@contextmanager
def serving(app: FastAPI) -> Iterator[str]:
    """Serve on a free port of loopback, in a thread; yields the URL."""
    sock = listen_tcp("127.0.0.1:0")
    started, loop, stop = threading.Event(), asyncio.new_event_loop(), asyncio.Event()

    async def serve() -> None:
        server = HttpServer(app, sock)
        await server.start()
        started.set()
        await stop.wait()
        await server.stop()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    try:
        assert started.wait(20)
        yield f"http://127.0.0.1:{sock.getsockname()[1]}/"
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(20)
        loop.close()


def browse(url: str, folder: Path, *more: str, milliseconds: int = 3000) -> Shown:
    """Open a page, let so much of the browser's own time pass, and return what there is then."""
    done = subprocess.run(
        [
            engine("chromium"),
            *QUIET,
            f"--user-data-dir={folder}",
            f"--virtual-time-budget={milliseconds}",
            *more,
            "--dump-dom",
            url,
        ],
        capture_output=True,
        text=True,
        timeout=90,
        check=True,
    )
    console = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    return Shown(done.stdout, console)
