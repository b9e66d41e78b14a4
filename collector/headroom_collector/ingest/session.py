"""Session: one agent's stream, from its Hello to its end."""

import asyncio
import logging
from collections.abc import Iterable
from concurrent.futures import Future
from dataclasses import replace
from typing import Any

import duckdb
import grpc

from headroom_collector.ingest.course import Course
from headroom_collector.ingest.intake import EPOCH_BYTES, Sender, intake, sender
from headroom_collector.ingest.settle import Room, Settler, Waiting
from headroom_collector.ingest.validate import INTEGER_MAX
from headroom_collector.ingest.wire import Ended, Wire
from headroom_collector.store.api import (
    Change,
    Outcome,
    Refusal,
    Result,
    StoreBatch,
    StoreError,
)
from headroom_proto.v1 import telemetry_pb2

log = logging.getLogger(__name__)

STORED_BEFORE = Refusal(
    "stored_before", "a spool that was cloned or restored from a backup sent it again"
)


def _invalid(details: str) -> Ended:
    return Ended(grpc.StatusCode.INVALID_ARGUMENT, details)


def goodbye(host: str, time: int) -> Change:
    """Return the change that notes a planned stop at ``time``, UTC nanoseconds."""

    def write(cursor: duckdb.DuckDBPyConnection, commit_id: int) -> None:  # noqa: ARG001 - the seam's
        cursor.execute("UPDATE hosts SET goodbye = ? WHERE name = ?", [time, host])

    return write


async def greet(host: str, wire: Wire, room: Room) -> "Session":
    """Take the Hello, answer it and return what follows. Raises Ended and Gone."""
    seconds = room.settings.hello_seconds
    try:
        request = await asyncio.wait_for(wire.read(), seconds)
    except TimeoutError:
        details = f"no Hello within {seconds:g} s"
        raise Ended(grpc.StatusCode.DEADLINE_EXCEEDED, details) from None
    if request is None or not request.HasField("hello"):
        raise _invalid("a stream begins with a Hello")
    hello = request.hello
    if len(hello.epoch) != EPOCH_BYTES:
        raise _invalid(f"Hello.epoch has {len(hello.epoch)} bytes, expected {EPOCH_BYTES}")
    high_water = room.store.high_water(host, hello.epoch)
    if hello.next_seq and hello.next_seq <= high_water:
        log.warning(
            "host %s: its spool goes on at batch %d but %d is stored: the spool was cloned or"
            " rolled back; stop the agent, remove its spool and start it again",
            host,
            hello.next_seq,
            high_water,
        )
    welcome = telemetry_pb2.Welcome(
        high_water=high_water,
        window=room.settings.window,
        collector_version=room.version,
        crc32=room.store.checksum(host, hello.epoch),
    )
    await wire.write(telemetry_pb2.PushResponse(welcome=welcome))
    newest = await _newest(room, host, hello) if not high_water else None
    # What an agent had on its way when it was asked, and as much again.
    course = Course(high_water, hello.first_seq, 2 * room.settings.window)
    return Session(sender(host, hello, room.limits), course, wire, room, newest)


async def _newest(room: Room, host: str, hello: telemetry_pb2.Hello) -> int | None:
    """
    Return the time of a known host's newest sample, where it comes with a spool that is not known.

    That spool may be a cloned or restored one that began a new epoch: what is not newer may be
    stored already, under the old one. None where nothing can be.
    """
    if hello.first_seq >= hello.next_seq:
        return None
    sql = "SELECT last_seen FROM hosts WHERE name = ?"
    try:
        found = await asyncio.to_thread(room.store.query, sql, [host])
    except StoreError:
        return None  # nothing can be stored now, either
    times = found.column(0).to_pylist()
    return times[0] if times else None


class Session:
    """One stream of one host behind its Hello."""

    def __init__(
        self, source: Sender, course: Course, wire: Wire, room: Room, newest: int | None = None
    ) -> None:
        self.host = source.host
        self._source = source
        self._course = course
        self._wire = wire
        self._room = room
        self._newest = newest
        self._settler = Settler(source.host, source.epoch, course, wire, room)
        self._ended: asyncio.Future[tuple[Ended, float]] = asyncio.Future()

    def end(self, reason: Ended, drain_seconds: float = 0.0) -> None:
        """End the stream from outside, after at most that long for what waits for the disk."""
        if not self._ended.done():
            self._ended.set_result((reason, drain_seconds))

    async def serve(self) -> None:
        """Take batches and have them acknowledged, to the stream's end. Raises Ended and Gone."""
        reader = asyncio.ensure_future(self._receive())
        settler = asyncio.ensure_future(self._settler.run())
        try:
            while not settler.done():
                watched: set[asyncio.Future[Any]] = {self._ended, settler}
                if not reader.done():
                    watched.add(reader)
                await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
                _raise((reader, settler))
                if self._ended.done():
                    await self._drain(reader)
        finally:
            reader.cancel()
            settler.cancel()
            await asyncio.gather(reader, settler, return_exceptions=True)

    async def _drain(self, reader: "asyncio.Future[None]") -> None:
        reason, seconds = self._ended.result()
        reader.cancel()
        if seconds > 0:
            drained = asyncio.ensure_future(self._settler.idle())
            await asyncio.wait({drained}, timeout=seconds)
            drained.cancel()
        raise reason

    async def _receive(self) -> None:
        while (request := await self._wire.read()) is not None:
            kind = request.WhichOneof("kind")
            if kind == "batches":
                for batch in request.batches.batches:
                    await self._take(batch)
            elif kind == "goodbye":
                await self._goodbye()
            elif kind == "hello":
                raise _invalid("a second Hello on one stream")
            # Anything else is of a newer contract and not for this version.
        await self._settler.put(None)

    async def _take(self, batch: telemetry_pb2.Batch) -> None:
        if batch.epoch != self._source.epoch or not 1 <= batch.seq <= INTEGER_MAX:
            raise _invalid(
                f"batch {batch.seq}: expected the Hello's epoch and a seq from 1 to {INTEGER_MAX}"
            )
        course = self._course
        course.arrives(batch.seq)
        if course.unsure(batch.seq):
            await self._settler.idle()
        if course.premature(batch.seq):
            hole: Future[Outcome] = Future()
            hole.set_result(Outcome(Result.HOLE, 0))
            await self._settler.put(Waiting(batch.seq, course.run, hole))
            return
        gap = course.gap_before(batch.seq)
        now, limits = self._room.clock.now(), self._room.limits
        taken = intake(self._source, batch, now, limits, gap_before=gap)
        if self._newest is not None and await self._is_stored(taken, self._newest):
            taken = replace(taken, rows=(), refused=[STORED_BEFORE])
        whole = bool(taken.refused) and not taken.rows
        future = self._append(taken)
        await self._settler.put(Waiting(batch.seq, course.run, future, taken.refused, whole))

    async def _is_stored(self, batch: StoreBatch, newest: int) -> bool:
        """Whether the store has a sample of this host and moment already, of another epoch."""
        times = {row[0] for rows in batch.rows for row in rows.rows}
        if not times or min(times) > newest:
            return False
        sql = (
            "SELECT count(*) FROM host_sample s JOIN hosts h ON h.id = s.host_id"
            " WHERE h.name = ? AND s.time = ?"
        )
        try:
            found = await asyncio.to_thread(self._room.store.query, sql, [self.host, min(times)])
        except StoreError:
            return False
        return bool(found.column(0)[0].as_py())

    def _append(self, batch: StoreBatch) -> "Future[Outcome]":
        try:
            return self._room.store.append(batch)
        except StoreError as error:
            failed: Future[Outcome] = Future()
            failed.set_exception(error)
            return failed

    async def _goodbye(self) -> None:
        change = goodbye(self.host, self._room.clock.now())
        try:
            await asyncio.shield(asyncio.wrap_future(self._room.store.change(change)))
        except StoreError as error:
            log.warning("host %s: its goodbye was not stored: %s", self.host, error)


def _raise(tasks: "Iterable[asyncio.Future[None]]") -> None:
    for task in tasks:
        if task.done():
            task.result()
