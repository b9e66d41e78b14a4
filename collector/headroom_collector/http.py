"""The HTTP servers: one on TCP for people and scrapers, one on a Unix socket for the command line."""

import asyncio
import contextlib
import errno
import ipaddress
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from headroom_collector.config import split_address

REQUEST_SECONDS = 10.0
"""Longest that a connection may take to send the head of a request, idle time before it included."""
CONNECTIONS = 1_000
"""Most connections at once; more are answered with 503."""


class HttpError(Exception):
    """An address that cannot be listened on; the text says which and what to do."""


def is_loopback(address: str) -> bool:
    """Whether only this machine can reach HOST:PORT. A name counts as loopback if it is localhost."""
    host, _ = split_address(address)
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class _Quiet(uvicorn.Server):
    """A server that leaves the signals to the process that runs it."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class _Patient(H11Protocol):
    """A connection that is closed where it takes too long over the head of a request (slowloris)."""

    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._stop_waiting()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def _wait(self) -> None:
        self._stop_waiting()
        self._late = self.loop.call_later(REQUEST_SECONDS, self._close)

    def _stop_waiting(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _close(self) -> None:
        self._late = None
        if self.cycle is None or self.cycle.response_complete:
            self.transport.close()


def listen_tcp(address: str) -> socket.socket:
    """Return a listening socket on HOST:PORT; raises HttpError."""
    host, port = split_address(address)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((host, port))
    except OSError as error:
        made.close()
        if error.errno == errno.EADDRINUSE:
            raise HttpError(
                f"HTTP address {address} is in use: stop what listens there, or choose another"
                " with --http HOST:PORT (listen.http in the configuration)"
            ) from None
        raise HttpError(f"HTTP address {address} cannot be used: {error.strerror}") from None
    return made


def listen_unix(path: Path) -> socket.socket:
    """Return a socket that only its owner may open; raises HttpError."""
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        # What lies there is left from a collector that was killed: the store's lock, taken
        # before, says that none runs with this folder now.
        path.unlink(missing_ok=True)
        made.bind(str(path))
        path.chmod(0o600)
    except OSError as error:
        made.close()
        reason = error.strerror or str(error)
        raise HttpError(
            f"admin socket {path} cannot be made ({reason}): choose a data folder with a path"
            " under 90 characters on a local file system"
        ) from None
    return made


class HttpServer:
    """One application on one listening socket; with ``context`` over TLS."""

    def __init__(
        self, app: ASGIApp, sock: socket.socket, context: ssl.SSLContext | None = None
    ) -> None:
        self._socket = sock
        config = uvicorn.Config(
            app,
            http=_Patient,
            ws="none",
            log_config=None,
            log_level="warning",
            access_log=False,
            lifespan="off",
            # Who asks is who connects: the guard alone reads what a proxy says.
            proxy_headers=False,
            server_header=False,
            limit_concurrency=CONNECTIONS,
            timeout_graceful_shutdown=3,
        )
        config.load()
        config.ssl = context
        self._server = _Quiet(config)
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Serve; returns once requests are answered."""
        self._task = asyncio.create_task(self._server.serve(sockets=[self._socket]))
        while not self._server.started and not self._task.done():  # noqa: ASYNC110  # uvicorn has no event for it
            await asyncio.sleep(0.005)

    async def stop(self) -> None:
        """Finish what is under way, for a few seconds, then stop."""
        self._server.should_exit = True
        if self._task is not None:
            await self._task
        self._socket.close()
