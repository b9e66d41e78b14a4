"""
A load generator for what comes after an outage: every agent comes back, and brings its backlog.

Run as ``python -m headroom_collector.bench.storm``, as ``load`` is. Each stream connects, says so,
waits until its collector is gone, and comes back as an agent does, after pauses that grow and are
spread by chance. Then it sends its backlog, sixteen cycles a message, a window at a time.
"""

import asyncio
import json
import random
import resource
import sys
import time
import zlib
from dataclasses import dataclass
from pathlib import Path

import grpc.aio

from headroom_collector.bench.load import STORM, Job, Stream, cycle
from headroom_proto.v1 import telemetry_pb2 as pb

FIRST_SECONDS, MOST_SECONDS = 0.5, 30.0
"""An agent's pauses."""
ROWS = 16
DAY_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class Storm:
    """Streams that come back, and the cycles of backlog that each brings."""

    job: Job
    backlog: int


async def come_back(stream: Stream, ca: bytes) -> None:
    """Connect until it works."""
    pause = FIRST_SECONDS
    while True:
        await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - spreads, no secret
        pause = min(MOST_SECONDS, 2 * pause)
        try:
            await asyncio.wait_for(stream.connect(ca), 20.0)
        except (
            grpc.aio.AioRpcError,
            TimeoutError,
            grpc.aio.UsageError,
            asyncio.InvalidStateError,
        ):
            await stream.ended()
            continue
        if stream.greeted:
            return


async def bring(stream: Stream, cycles: int) -> None:
    """Send a backlog, and wait until all of it is acknowledged."""
    base = time.time_ns() - DAY_SECONDS * 10**9
    batches: list[pb.Batch] = []
    for seq in range(1, cycles + 1):
        stream.made.time_unix_nano = base + seq * 10 * 10**9
        payload = stream.made.SerializeToString()
        crc32 = zlib.crc32(payload)
        batches.append(pb.Batch(epoch=stream.epoch, seq=seq, crc32=crc32, payload=payload))
        if len(batches) == ROWS or seq == cycles:
            request = pb.PushRequest(batches=pb.Batches(batches=batches))
            await stream.write(request.SerializeToString())
            await stream.acknowledged(seq)
            batches = []


async def generate(storm: Storm, ca: bytes) -> None:
    """Connect, wait for the end of the collector, come back, and bring the backlog."""
    made = cycle(storm.job)
    streams = [Stream(storm.job, number, made) for number in range(len(storm.job.folders))]
    gate = asyncio.Semaphore(STORM)

    async def open_(stream: Stream) -> None:
        async with gate:
            await stream.connect(ca)

    await asyncio.gather(*(open_(stream) for stream in streams))
    _say(connected=len(streams))
    await asyncio.gather(*(stream.ended() for stream in streams))
    began = time.monotonic()
    times: list[float] = []

    async def again(stream: Stream) -> None:
        await come_back(stream, ca)
        times.append(time.monotonic() - began)

    await asyncio.gather(*(again(stream) for stream in streams))
    start = time.monotonic()
    await asyncio.gather(*(bring(stream, storm.backlog) for stream in streams))
    _say(reconnect_seconds=max(times), back=len(times), drain_seconds=time.monotonic() - start)


def _say(**answer: object) -> None:
    print(json.dumps(answer), flush=True)  # noqa: T201  # the protocol with the bench


def main() -> None:
    """Read what to do and do it."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    told = json.loads(sys.stdin.readline())
    storm = Storm(Job(**told["job"]), told["backlog"])
    asyncio.run(generate(storm, Path(storm.job.ca).read_bytes()))


if __name__ == "__main__":
    main()
