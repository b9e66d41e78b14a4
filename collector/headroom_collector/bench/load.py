"""
A load generator: many agents' streams over real TLS, in a process of its own.

Run as ``python -m headroom_collector.bench.load``; what to do comes as one JSON object on standard
input, and one answer a phase goes to standard output. Each connection has the certificate of a host
of its own; every batch is acknowledged only once it is durable.
"""

import asyncio
import contextlib
import json
import os
import resource
import sys
import time
import zlib
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import grpc.aio

from headroom_core.identity import COLLECTOR_NAME
from headroom_proto.catalogue import catalogue
from headroom_proto.v1 import telemetry_pb2 as pb

METHOD = "/headroom.v1.TelemetryService/Push"
STORM = 64
"""Connections that are opened at the same time."""
DRAIN_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be sent: batches of a connection every ``interval`` seconds, ``cycles`` of them."""

    address: str
    ca: str
    folders: list[str]
    """One folder a connection, with its cert.pem and key.pem."""
    interval: float
    cycles: int
    vms: int
    cpus: int = 0


def cycle(job: Job) -> pb.Cycle:
    """Return a cycle with values in every column of its kinds."""
    made = pb.Cycle()
    things: list[tuple[str, Any]] = [("host", made.host)]
    things += [("vm", made.vms.add(uuid=f"{n:032x}", name=f"vm-{n}")) for n in range(job.vms)]
    things += [("cpu", made.cpus.add(cpu=n)) for n in range(job.cpus)]
    for name, message in things:
        for place, column in enumerate(catalogue().kind(name).columns):
            ratio = (column.metric or "").endswith("_ratio")
            setattr(message, column.field, 0.37 if ratio and not column.integer else place % 2)
    return made


def values(job: Job) -> int:
    """Return how many values a cycle brings."""
    kinds = {kind.name: len(kind.columns) for kind in catalogue().kinds}
    return kinds["host"] + job.vms * kinds["vm"] + job.cpus * kinds["cpu"]


@dataclass(slots=True)
class Stream:
    """One connection: what was sent and when, what was acknowledged and how fast."""

    job: Job
    number: int
    made: pb.Cycle
    epoch: bytes = field(default_factory=lambda: os.urandom(16))
    sent: int = 0
    acked: int = 0
    again: int = 0
    waiting: deque[tuple[int, float]] = field(default_factory=deque)
    seconds: list[float] = field(default_factory=list)
    greeted: bool = False
    _call: Any = None
    _channel: Any = None

    async def connect(self, ca: bytes) -> None:
        """Open the connection and say Hello; returns after the Welcome."""
        folder = Path(self.job.folders[self.number])
        key, cert = (folder / "key.pem").read_bytes(), (folder / "cert.pem").read_bytes()
        channel = grpc.aio.secure_channel(
            self.job.address,
            grpc.ssl_channel_credentials(ca, key, cert),
            options=[
                ("grpc.ssl_target_name_override", COLLECTOR_NAME),
                ("grpc.use_local_subchannel_pool", 1),
            ],
        )
        self._channel = channel
        push: grpc.aio.StreamStreamMultiCallable[bytes, pb.PushResponse] = channel.stream_stream(
            METHOD, response_deserializer=pb.PushResponse.FromString
        )
        self._call = push()
        hello = pb.Hello(epoch=self.epoch, first_seq=1, next_seq=1, interval_seconds=10)
        await self.write(pb.PushRequest(hello=hello).SerializeToString())
        self.greeted = isinstance(await self._call.read(), pb.PushResponse)

    async def write(self, message: bytes) -> None:
        """Send a message."""
        await self._call.write(message)

    async def ended(self) -> None:
        """Wait until the collector is gone."""
        with contextlib.suppress(grpc.aio.AioRpcError):
            while isinstance(await self._call.read(), pb.PushResponse):
                pass
        self.greeted = False
        await self._channel.close()

    async def acknowledged(self, seq: int) -> None:
        """Wait until that batch is acknowledged; RuntimeError where the stream ends before."""
        while self.acked < seq:
            answer = await self._call.read()
            if isinstance(answer, pb.PushResponse):
                self.acked = max(self.acked, answer.ack.seq)
            else:
                raise RuntimeError("the stream ended")  # noqa: TRY004 - no answer is the stream's end

    async def run(self, start: float) -> None:
        """Send every cycle at its time, then wait until all are acknowledged, bounded."""
        reader = asyncio.create_task(self._read())
        phase = self.job.interval * self.number / len(self.job.folders)
        for turn in range(self.job.cycles):
            await asyncio.sleep(start + phase + turn * self.job.interval - time.monotonic())
            self.made.time_unix_nano = time.time_ns()
            payload = self.made.SerializeToString()
            self.sent += 1
            batch = pb.Batch(
                epoch=self.epoch, seq=self.sent, crc32=zlib.crc32(payload), payload=payload
            )
            self.waiting.append((self.sent, time.monotonic()))
            request = pb.PushRequest(batches=pb.Batches(batches=[batch]))
            await self._call.write(request.SerializeToString())
        await asyncio.wait({reader}, timeout=DRAIN_SECONDS)
        reader.cancel()

    async def _read(self) -> None:
        while self.acked < self.job.cycles:
            answer = await self._call.read()
            if not isinstance(answer, pb.PushResponse):
                return
            if not answer.HasField("ack"):
                self.again += 1
                continue
            now, self.acked = time.monotonic(), answer.ack.seq
            while self.waiting and self.waiting[0][0] <= self.acked:
                self.seconds.append(now - self.waiting.popleft()[1])


def _say(**answer: object) -> None:
    print(json.dumps(answer), flush=True)  # noqa: T201  # the protocol with the bench


def quantile(ordered: list[float], share: float) -> float:
    """Return a quantile of sorted values."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


async def generate(job: Job, ca: bytes) -> None:
    """Connect, say so, wait for a line, send, and say how it went."""
    made = cycle(job)
    streams = [Stream(job, number, made) for number in range(len(job.folders))]
    began, gate = time.monotonic(), asyncio.Semaphore(STORM)

    async def open_(stream: Stream) -> None:
        async with gate:
            await stream.connect(ca)

    await asyncio.gather(*(open_(stream) for stream in streams))
    _say(connect_seconds=time.monotonic() - began)
    await asyncio.to_thread(sys.stdin.readline)
    start = time.monotonic()
    await asyncio.gather(*(stream.run(start) for stream in streams))
    waits = sorted(seconds for stream in streams for seconds in stream.seconds)
    _say(
        sent=sum(stream.sent for stream in streams),
        acked=sum(stream.acked for stream in streams),
        again=sum(stream.again for stream in streams),
        ack_p50=quantile(waits, 0.5),
        ack_p99=quantile(waits, 0.99),
        ack_max=waits[-1] if waits else 0.0,
        seconds=time.monotonic() - start,
    )


def main() -> None:
    """Read what to do and do it."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    job = Job(**json.loads(sys.stdin.readline()))
    asyncio.run(generate(job, Path(job.ca).read_bytes()))


if __name__ == "__main__":
    main()
