"""Ingest server: agents' streams in over gRPC with mutual TLS, batches into the store."""

import contextlib
import logging
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from functools import partial

import grpc
import grpc.aio

from headroom_collector import __version__
from headroom_collector.config import split_address
from headroom_collector.ingest.credentials import CredentialsError, renewed_credentials
from headroom_collector.ingest.seat import Seat
from headroom_collector.ingest.session import denied, greet, read_hello
from headroom_collector.ingest.settings import IngestSettings
from headroom_collector.ingest.settle import Room
from headroom_collector.ingest.wire import Context, Ended, Gone, Wire
from headroom_collector.security.audit import Audit
from headroom_collector.security.gate import Gate, GateError
from headroom_collector.security.peer import Peer
from headroom_collector.store.api import Store
from headroom_collector.tls import Files
from headroom_core.clock import Clock
from headroom_proto.v1 import telemetry_pb2

__all__ = ["IngestError", "IngestServer", "IngestSettings"]

log = logging.getLogger(__name__)

SERVICE = telemetry_pb2.DESCRIPTOR.services_by_name["TelemetryService"].full_name


class IngestError(Exception):
    """The ingest cannot start; the text is one line that says what to do."""


def options(settings: IngestSettings) -> list[tuple[str, int]]:
    """
    Return gRPC's settings.

    Keepalive finds a peer behind a dead network; ``ping_timeout_ms`` finds one that is stopped
    while its kernel still acknowledges (3 s instead of a minute when measured).
    """
    alive = round(settings.keepalive_seconds * 1000)
    patience = round(settings.keepalive_timeout_seconds * 1000)
    return [
        # Else the kernel shares the port with a second collector without a word.
        ("grpc.so_reuseport", 0),
        ("grpc.keepalive_time_ms", alive),
        ("grpc.keepalive_timeout_ms", patience),
        ("grpc.http2.ping_timeout_ms", patience),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.max_pings_without_data", 0),
        # Agents ping too; gRPC's default of 5 minutes would have them thrown out.
        ("grpc.http2.min_recv_ping_interval_without_data_ms", 5000),
        ("grpc.max_concurrent_streams", 4),
        ("grpc.max_receive_message_length", settings.message_bytes),
    ]


def _probe(address: str) -> None:
    """Say in one line why an address cannot be had; gRPC would print pages about it."""
    try:
        host, port = split_address(address)
        family, kind, protocol, _, where = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            # As gRPC does: connections that linger after a restart do not count.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(where)
            probe.listen(1)
    except (OSError, ValueError) as error:
        reason = (isinstance(error, OSError) and error.strerror) or str(error)
        raise IngestError(f"gRPC address {address}: {reason}; {_advice(error)}") from None


def _advice(error: Exception) -> str:
    if isinstance(error, PermissionError):
        return "ports below 1024 are for root: choose another with --grpc HOST:PORT"
    return "stop what listens there, or choose another address with --grpc HOST:PORT"


class IngestServer:
    """
    Takes agents' streams on one address.

    A host is who its certificate says it is. Of two streams of one host the newer stays: the
    older is what a dead network left behind.
    """

    def __init__(
        self,
        store: Store,
        files: Files,
        clock: Clock,
        settings: IngestSettings | None = None,
        version: str = __version__,
        gate: Gate | None = None,
        services: Sequence[grpc.GenericRpcHandler] = (),
    ) -> None:
        self._files = files
        self._gate = gate or Gate(Audit(clock), clock)
        self._services = services
        settings = settings or IngestSettings()
        self._room = Room(store, clock, settings, settings.limits(), version)
        self._seats: dict[str, Seat] = {}
        self._server: grpc.aio.Server | None = None

    async def start(self, address: str) -> int:
        """Listen on HOST:PORT and return the port, a free one for port 0. Raises IngestError."""
        try:
            credentials = renewed_credentials(self._files)
        except CredentialsError as error:
            raise IngestError(str(error)) from None
        _probe(address)
        server = grpc.aio.server(options=options(self._room.settings))
        handler: grpc.RpcMethodHandler[bytes, bytes] = grpc.stream_stream_rpc_method_handler(
            self._push
        )
        server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler(SERVICE, {"Push": handler}), *self._services)
        )
        try:
            port = server.add_secure_port(address, credentials)
        except RuntimeError as error:
            raise IngestError(
                f"gRPC address {address}: {error}; choose another with --grpc HOST:PORT"
            ) from None
        await server.start()
        self._server = server
        return port

    async def stop(self, grace_seconds: float) -> None:
        """Take nothing new, acknowledge what waits for the disk, at most that long; idempotent."""
        server, self._server = self._server, None
        if server is None:
            return
        reason = Ended(grpc.StatusCode.UNAVAILABLE, "the collector stops; connect again later")
        for seat in self._seats.values():
            seat.end(reason, grace_seconds)
        await server.stop(grace_seconds)

    def end_denied(self) -> None:
        """End the streams of hosts that may hold none any more, now."""
        for host, seat in self._seats.items():
            reason = seat.fault()
            if reason:
                seat.end(denied(host, reason))

    def statistics(self) -> Mapping[str, float]:
        """Return the counters, those of CollectorSample by its field names."""
        tally = self._room.tally
        return {
            "agents_connected": len(self._seats),
            "batches_refused_total": tally.batches_refused,
            "values_refused_total": tally.values_refused,
            "resends_total": tally.resends,
            "throttles_total": tally.throttles,
            "takeovers_total": tally.takeovers,
            "streams_refused_total": tally.streams_refused,
            "identity_conflicts_total": tally.identity_conflicts,
            "spools_renewed_total": tally.spools_renewed,
            "batches_corrected_total": tally.batches_corrected,
        }

    async def _push(self, _requests: object, context: Context) -> None:
        try:
            await self._stream(context)
        except Ended as ended:
            await context.abort(ended.code, ended.details)
        except Gone:
            # Nobody is left to be told; the agent comes back by itself.
            log.debug("a stream from %s ended", context.peer())

    async def _stream(self, context: Context) -> None:
        try:
            host, peer = self._gate.admit(context.auth_context(), context.peer())
        except GateError as error:
            self._room.tally.streams_refused += 1
            raise Ended(grpc.StatusCode.UNAUTHENTICATED, str(error)) from None
        fault = partial(self._gate.fault, host, peer)
        wire = Wire(context)
        hello = await read_hello(wire, self._room)
        self._lease(host, hello.epoch, peer)
        async with self._seat(host, Seat(hello.epoch, fault)) as seat:
            try:
                session = await seat.unless_ended(greet(host, hello, wire, self._room))
                await session.serve(seat)
            except Ended as ended:
                if ended.code is grpc.StatusCode.UNAUTHENTICATED:
                    self._gate.ended(ended.details, peer, host)
                raise

    def _lease(self, host: str, epoch: bytes, peer: Peer) -> None:
        """
        Refuse a second agent that speaks as a host while the first is heard. Raises Ended.

        An agent that connects anew comes with the spool, and so the epoch, that it had.
        """
        holder = self._seats.get(host)
        if holder is None or holder.epoch == epoch or holder.ended.done():
            return
        self._room.tally.identity_conflicts += 1
        reason = f"another agent speaks as {host} now, with another spool"
        with contextlib.suppress(GateError):
            self._gate.refuse(reason, peer, host)
        raise Ended(
            grpc.StatusCode.ALREADY_EXISTS,
            f"{reason}: stop one of the two, and enrol it under a name of its own",
        )

    @contextlib.asynccontextmanager
    async def _seat(self, host: str, seat: Seat) -> AsyncIterator[Seat]:
        """
        Have the host's older stream, if any, make way for this one.

        Nothing is told to the new one before the store is done with what the older had brought.
        """
        older = self._seats.get(host)
        self._seats[host] = seat
        try:
            if older is not None:
                self._room.tally.takeovers += 1
                log.info("host %s: a newer stream takes over", host)
                older.end(Ended(grpc.StatusCode.ABORTED, "a newer stream of this host took over"))
                await older.left.wait()
            yield seat
        finally:
            seat.left.set()
            if self._seats.get(host) is seat:
                del self._seats[host]
