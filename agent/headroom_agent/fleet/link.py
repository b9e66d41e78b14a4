"""One simulated host's stream to the collector: hello, batches in a window, acks, goodbye."""

import asyncio
import random
from collections.abc import Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc

from headroom_agent import __version__
from headroom_agent.fleet.cycle import NANO, boot_id
from headroom_agent.fleet.estate import HostSpec
from headroom_agent.fleet.reach import Reach
from headroom_agent.fleet.spool import Spool
from headroom_core.clock import Clock
from headroom_core.identity import COLLECTOR_NAME
from headroom_proto.v1 import telemetry_pb2, telemetry_pb2_grpc

MESSAGE_BYTES = 400 * 1024
"""Where a message of batches ends; well under the collector's 512 KiB."""
FIRST_WAIT, LONGEST_WAIT = 0.5, 30.0
"""Seconds between two attempts to connect, doubled each time."""
GOODBYE_SECONDS = 3.0
OPTIONS = [
    ("grpc.ssl_target_name_override", COLLECTOR_NAME),
    ("grpc.enable_retries", 0),
]

Call = grpc.aio.StreamStreamCall[telemetry_pb2.PushRequest, telemetry_pb2.PushResponse]


class FleetError(Exception):
    """Something that the person who started the fleet has to set right, in one line."""


@dataclass(frozen=True, slots=True)
class Target:
    """A collector's HOST:PORT and the folder with a folder of certificates for each host."""

    address: str
    tls_root: Path

    def credentials(self, host: str) -> grpc.ChannelCredentials:
        """Read the host's files; raises FleetError naming the one that cannot be read."""
        contents = []
        for name in ("ca.pem", "key.pem", "cert.pem"):
            path = self.tls_root / host / name
            try:
                contents.append(path.read_bytes())
            except OSError as error:
                raise FleetError(
                    f"{path}: cannot be read ({error.strerror}): "
                    f"each simulated host needs ca.pem, cert.pem and key.pem there"
                ) from None
        return grpc.ssl_channel_credentials(*contents)


class Link:
    """Keeps one host connected until ``stop`` is set; ``wake`` tells it of new rows."""

    def __init__(
        self, spec: HostSpec, spool: Spool, target: Target, interval_seconds: float,
        *, clock: Clock, rng: random.Random, reach: Reach,
    ) -> None:  # fmt: skip
        self._spec = spec
        self._spool = spool
        self._target = target
        self._interval = interval_seconds
        self._clock = clock
        self._rng = rng
        self._reach = reach
        self._credentials = target.credentials(spec.name)
        self._news = asyncio.Event()
        self._next = 1
        self._window = 1
        self._quiet_until = 0.0

    def wake(self) -> None:
        """Look at the spool again."""
        self._news.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Connect, again and again, until told to stop."""
        wait = FIRST_WAIT
        while not stop.is_set():
            before = self._spool.first_seq
            try:
                await self._connection(stop)
            except grpc.aio.AioRpcError as error:
                self._reach.down(self._spec.name, error.code().name, error.details() or "")
            else:
                if not stop.is_set():
                    self._reach.down(self._spec.name, "CLOSED", "the collector ended the stream")
            wait = FIRST_WAIT if self._spool.first_seq > before else min(2 * wait, LONGEST_WAIT)
            await _first(stop.wait(), seconds=wait * self._rng.uniform(0.5, 1.0))

    def _hello(self) -> telemetry_pb2.Hello:
        hardware = self._spec.hardware
        return telemetry_pb2.Hello(
            epoch=self._spool.epoch,
            boot_id=boot_id(self._spec, self._clock.now() / NANO),
            agent_version=__version__,
            simulated=True,
            interval_seconds=self._interval,
            first_seq=self._spool.first_seq,
            next_seq=self._spool.next_seq,
            hints={
                "site": self._spec.site,
                "cluster": self._spec.cluster,
                "class": hardware.host_class,
            },
        )

    async def _connection(self, stop: asyncio.Event) -> None:
        async with grpc.aio.secure_channel(
            self._target.address, self._credentials, options=OPTIONS
        ) as channel:
            call: Call = telemetry_pb2_grpc.TelemetryServiceStub(channel).Push()
            await call.write(telemetry_pb2.PushRequest(hello=self._hello()))
            answer = await call.read()
            if not isinstance(answer, telemetry_pb2.PushResponse):
                return
            self._reach.up(self._spec.name)
            self._spool.ack(answer.welcome.high_water)
            self._next = self._spool.first_seq
            self._window = max(1, answer.welcome.window)
            reader = asyncio.ensure_future(self._read(call))
            writer = asyncio.ensure_future(self._write(call, stop))
            try:
                await asyncio.wait((reader, writer), return_when=asyncio.FIRST_COMPLETED)
                if stop.is_set():
                    await asyncio.wait((reader,), timeout=GOODBYE_SECONDS)
                if writer.done():
                    writer.result()
                if reader.done():
                    reader.result()
            finally:
                await _cancelled(reader, writer)
                call.cancel()

    async def _read(self, call: Call) -> None:
        while True:
            answer = await call.read()
            if not isinstance(answer, telemetry_pb2.PushResponse):
                return
            match answer.WhichOneof("kind"):
                case "ack" if answer.ack.epoch == self._spool.epoch:
                    self._spool.ack(answer.ack.seq)
                case "resend" if answer.resend.epoch == self._spool.epoch:
                    self._next = answer.resend.from_seq
                case "throttle":
                    self._quiet_until = self._clock.monotonic() + answer.throttle.delay_seconds
                    self._next = self._spool.first_seq
            self._news.set()

    async def _write(self, call: Call, stop: asyncio.Event) -> None:
        while not stop.is_set():
            self._news.clear()
            await self._send_due(call)
            quiet = self._quiet_until - self._clock.monotonic()
            if quiet > 0:
                await _first(stop.wait(), seconds=quiet)
            else:
                await _first(stop.wait(), self._news.wait())
        await self._farewell(call)

    async def _send_due(self, call: Call) -> None:
        """Send what the window allows."""
        while self._clock.monotonic() >= self._quiet_until:
            self._next = max(self._next, self._spool.first_seq)
            room = self._spool.first_seq + self._window - self._next
            batches, size = [], 0
            for row in self._spool.rows(self._next, max(0, room)):
                batches.append(self._spool.batch(row))
                size += batches[-1].ByteSize()
                if size > MESSAGE_BYTES:
                    break
            if not batches:
                return
            self._next = batches[-1].seq + 1
            message = telemetry_pb2.Batches(batches=batches)
            await call.write(telemetry_pb2.PushRequest(batches=message))

    async def _farewell(self, call: Call) -> None:
        """Wait a little for what is on its way, then say that silence is no fault."""
        until = self._clock.monotonic() + GOODBYE_SECONDS
        await self._send_due(call)
        while self._spool.first_seq < self._next and self._clock.monotonic() < until:
            self._news.clear()
            await _first(self._news.wait(), seconds=until - self._clock.monotonic())
        goodbye = telemetry_pb2.Goodbye(reason="the simulated fleet stops")
        await call.write(telemetry_pb2.PushRequest(goodbye=goodbye))
        await call.done_writing()


async def _cancelled(*tasks: "asyncio.Task[None]") -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _first(*waits: Coroutine[Any, Any, bool], seconds: float | None = None) -> None:
    """Wait until one of them is done or the time is up."""
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    try:
        await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
