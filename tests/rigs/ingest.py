"""Parts for tests of the ingest: a store in memory, and an agent that says what it is told."""

import asyncio
import threading
import zlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import duckdb
import grpc
import grpc.aio
import pyarrow as pa
import pytest

from headroom_collector.ingest.server import IngestServer
from headroom_collector.store.api import (
    Change,
    HostRow,
    Outcome,
    Result,
    Snapshot,
    Span,
    StoreBatch,
    StoreError,
)
from headroom_collector.tls import Authority, Files
from headroom_core.identity import COLLECTOR_NAME
from headroom_proto.v1 import telemetry_pb2
from headroom_proto.v1.telemetry_pb2 import Batch, Batches, Cycle, PushRequest, PushResponse

SECOND = 1_000_000_000
EPOCH = bytes(range(16))
WAIT = 20.0


@dataclass
class HandClock:
    """A clock that is set by hand."""

    time: int = 1_795_000_000 * SECOND

    def now(self) -> int:
        return self.time

    def monotonic(self) -> float:
        return self.time / SECOND


@dataclass
class MemoryStore:
    """
    The store's rules for sequence numbers, in memory.

    ``held`` keeps every batch waiting for the disk until ``release``; ``broken`` fails them.
    """

    held: bool = False
    broken: bool = False
    kept: dict[tuple[str, bytes], dict[int, StoreBatch]] = field(default_factory=dict)
    marks: dict[tuple[str, bytes], int] = field(default_factory=dict)
    waiting: list[tuple[StoreBatch, Future[Outcome]]] = field(default_factory=list)
    connection: duckdb.DuckDBPyConnection = field(default_factory=duckdb.connect)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.connection.execute(
            "CREATE TABLE hosts (name VARCHAR, goodbye BIGINT, last_seen BIGINT)"
        )

    def append(self, batch: StoreBatch) -> Future[Outcome]:
        future: Future[Outcome] = Future()
        with self.lock:
            self.waiting.append((batch, future))
        if not self.held:
            self.release()
        return future

    def release(self) -> None:
        with self.lock:
            waiting, self.waiting = self.waiting, []
        for batch, future in waiting:
            if self.broken:
                future.set_exception(StoreError("disk full"))
            else:
                future.set_result(self._settle(batch))

    def _settle(self, batch: StoreBatch) -> Outcome:
        key = (batch.host, batch.epoch)
        kept = self.kept.setdefault(key, {})
        mark = self.marks.get(key, 0)
        if mark and batch.seq <= mark:
            clash = batch.seq == mark and kept[mark].crc32 != batch.crc32
            return Outcome(Result.CLASH if clash else Result.DUPLICATE, mark)
        reached = batch.gap_before or batch.seq - batch.missing_before <= mark + 1
        if mark and not reached:
            return Outcome(Result.HOLE, mark)
        kept[batch.seq] = batch
        self.marks[key] = batch.seq
        return Outcome(Result.STORED, batch.seq, corrected=batch.raw_time is not None)

    def change(self, change: Change) -> Future[int]:
        future: Future[int] = Future()
        if self.broken:
            future.set_exception(StoreError("disk full"))
        else:
            change(self.connection, 1)
            future.set_result(1)
        return future

    def high_water(self, host: str, epoch: bytes) -> int:
        return self.marks.get((host, epoch), 0)

    def checksum(self, host: str, epoch: bytes) -> int | None:
        mark = self.marks.get((host, epoch))
        return None if mark is None else self.kept[host, epoch][mark].crc32

    @property
    def decodes(self) -> bool:
        return False

    def ahead(self, host: str, epoch: bytes) -> tuple[Span, ...]:
        del host, epoch
        return ()

    def batches(self, host: str, epoch: bytes = EPOCH) -> list[StoreBatch]:
        return list(self.kept.get((host, epoch), {}).values())

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> pa.Table:
        return self.connection.cursor().sql(sql, params=list(parameters)).to_arrow_table()

    def hosts(self) -> list[HostRow]:
        return []

    def snapshot(self, target: Path) -> Snapshot:
        raise StoreError(f"{target}: this store is in memory")

    def subscribe(self, listener: Callable[[int], None]) -> None:
        del listener

    def statistics(self) -> Mapping[str, float]:
        return {}

    def close(self) -> None:
        self.connection.close()


def cycle(time: int, **host: float) -> Cycle:
    """Return a cycle with one host sample."""
    made = Cycle(time_unix_nano=time)
    made.host.cpus = 4
    for name, value in host.items():
        setattr(made.host, name, value)
    return made


def batch(seq: int, content: Cycle, epoch: bytes = EPOCH) -> Batch:
    """Return a cycle as the row of a spool."""
    payload = content.SerializeToString()
    return Batch(epoch=epoch, seq=seq, crc32=zlib.crc32(payload), payload=payload)


async def until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait for a condition, bounded."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.01)


class Agent:
    """The agent's end of one stream, a real client over real TLS."""

    def __init__(
        self, port: int, files: Files, *, certified: bool = True, host: str = "127.0.0.1"
    ) -> None:
        options = [("grpc.ssl_target_name_override", COLLECTOR_NAME)]
        parts = [files.ca.read_bytes()]
        if certified:
            parts += [files.key.read_bytes(), files.cert.read_bytes()]
        credentials = grpc.ssl_channel_credentials(*parts)
        self._channel = grpc.aio.secure_channel(f"{host}:{port}", credentials, options=options)
        self._push: grpc.aio.StreamStreamMultiCallable[bytes, PushResponse] = (
            self._channel.stream_stream(
                "/headroom.v1.TelemetryService/Push",
                response_deserializer=PushResponse.FromString,
            )
        )

    async def __aenter__(self) -> Self:
        self.call = self._push()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.call.cancel()
        await self._channel.close()

    async def hello(self, **fields: Any) -> PushResponse:
        """Say hello and return the answer."""
        made: dict[str, Any] = {
            "epoch": EPOCH,
            "first_seq": 1,
            "next_seq": 1,
            "interval_seconds": 10.0,
        }
        hello = telemetry_pb2.Hello(**(made | fields))
        await self.say(PushRequest(hello=hello))
        return await self.receive()

    async def send(self, *batches: Batch) -> None:
        await self.say(PushRequest(batches=Batches(batches=batches)))

    async def say(self, request: PushRequest) -> None:
        await self.raw(request.SerializeToString())

    async def raw(self, message: bytes) -> None:
        await self.call.write(message)

    async def receive(self) -> PushResponse:
        """Return the next answer; fails where the stream ended or nothing comes."""
        found = await asyncio.wait_for(self.call.read(), WAIT)
        if not isinstance(found, PushResponse):
            why = f"{await self.call.code()} {await self.call.details()}"
            pytest.fail(f"the stream ended: {why}")
        return found

    async def acked(self, seq: int) -> None:
        """Wait for the acknowledgement of that batch."""
        while True:
            found = await self.receive()
            assert found.WhichOneof("kind") == "ack", found
            if found.ack.seq >= seq:
                return

    async def ended(self) -> tuple[grpc.StatusCode, str]:
        """Wait for the stream's end and return status and details."""
        code = await asyncio.wait_for(self.call.code(), WAIT)
        return code, str(await self.call.details())


@dataclass
class Rig:
    """A running server with everything it was given."""

    server: IngestServer
    store: MemoryStore
    clock: HandClock
    authority: Authority
    port: int

    def agent(self, host: str = "web-1") -> Agent:
        return Agent(self.port, self.authority.issue_host(host))
