"""Session: one agent's stream, from its Hello to its end."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import replace
from typing import Any

import duckdb
import grpc

from headroom_collector.ingest.course import Course
from headroom_collector.ingest.intake import EPOCH_BYTES, Sender, as_it_came, intake, sender
from headroom_collector.ingest.seat import Seat
from headroom_collector.ingest.settle import Room, Settler, Waiting, spans
from headroom_collector.ingest.sight import Sight
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


def denied(host: str, reason: str) -> Ended:
    """Return the end of a stream that was good when it began."""
    log.warning("host %s: its stream ends: %s", host, reason)
    return Ended(grpc.StatusCode.UNAUTHENTICATED, reason)


def goodbye(host: str, time: int) -> Change:
    """Return the change that notes a planned stop at ``time``, UTC nanoseconds."""

    def write(cursor: duckdb.DuckDBPyConnection, commit_id: int) -> None:  # noqa: ARG001 - the seam's
        cursor.execute("UPDATE hosts SET goodbye = ? WHERE name = ?", [time, host])

    return write


async def read_hello(wire: Wire, room: Room) -> telemetry_pb2.Hello:
    """Return the Hello that a stream begins with. Raises Ended and Gone."""
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
    return hello


async def greet(host: str, hello: telemetry_pb2.Hello, wire: Wire, room: Room) -> "Session":
    """Answer the Hello and return what follows. Raises Ended and Gone."""
    high_water = room.store.high_water(host, hello.epoch)
    ahead = room.store.ahead(host, hello.epoch)
    if hello.next_seq and hello.next_seq <= high_water:
        log.warning(
            "host %s: its spool goes on at batch %d but %d is stored: the spool was cloned or"
            " rolled back; its agent begins a new one",
            host,
            hello.next_seq,
            high_water,
        )
    welcome = telemetry_pb2.Welcome(
        high_water=high_water,
        window=room.settings.window,
        collector_version=room.version,
        crc32=room.store.checksum(host, hello.epoch),
        ahead=spans(ahead),
        takes_ahead=True,
        heartbeat_seconds=room.settings.heartbeat_seconds,
    )
    await wire.write(telemetry_pb2.PushResponse(welcome=welcome))
    if hello.carried_seq and not high_water:
        room.tally.spools_renewed += 1
    sight = Sight(hello.boot_id)
    sight.see(room.clock.now(), hello.boottime_nano)
    _say_skew(host, sight, hello, room)
    # What an agent had on its way when it was asked, and as much again.
    course = Course(high_water, hello.first_seq, 2 * room.settings.window)
    return Session(sender(host, hello, room.limits), course, wire, room, sight)


def _say_skew(host: str, sight: Sight, hello: telemetry_pb2.Hello, room: Room) -> None:
    skew = sight.skew_seconds(hello.time_unix_nano, hello.boottime_nano)
    if abs(skew) > room.limits.skew_seconds:
        log.warning(
            "host %s: its clock is %.0f s %s; its samples get the collector's time; is NTP running?",
            host,
            abs(skew),
            "ahead" if skew > 0 else "behind",
        )


class Session:
    """One stream of one host behind its Hello."""

    def __init__(
        self, source: Sender, course: Course, wire: Wire, room: Room, sight: Sight | None = None
    ) -> None:
        self.host = source.host
        self._source = source
        self._course = course
        self._wire = wire
        self._room = room
        self._sight = sight or Sight()
        self._settler = Settler(source.host, source.epoch, course, wire, room)

    async def serve(self, seat: Seat) -> None:
        """Take batches and have them acknowledged, to the stream's end. Raises Ended and Gone."""
        reader = asyncio.ensure_future(self._receive(seat.fault))
        settler = asyncio.ensure_future(self._settler.run())
        try:
            while not settler.done():
                watched: set[asyncio.Future[Any]] = {seat.ended, settler}
                if not reader.done():
                    watched.add(reader)
                await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
                _raise((reader, settler))
                if seat.ended.done():
                    await self._drain(reader, *seat.ended.result())
        finally:
            reader.cancel()
            await asyncio.gather(reader, return_exceptions=True)
            settler.cancel()
            await asyncio.gather(settler, return_exceptions=True)
            await self._settler.settled()

    async def _drain(self, reader: "asyncio.Future[None]", reason: Ended, seconds: float) -> None:
        reader.cancel()
        if seconds > 0:
            drained = asyncio.ensure_future(self._settler.idle())
            await asyncio.wait({drained}, timeout=seconds)
            drained.cancel()
        raise reason

    async def _receive(self, fault: Callable[[], str]) -> None:
        while (request := await self._next()) is not None:
            reason = fault()
            if reason:
                raise denied(self.host, reason)
            kind = request.WhichOneof("kind")
            if kind == "batches":
                for batch in request.batches.batches:
                    await self._take(batch)
            elif kind == "heartbeat":
                await self._beat(request.heartbeat)
            elif kind == "goodbye":
                await self._goodbye()
            elif kind == "hello":
                raise _invalid("a second Hello on one stream")
            # Anything else is of a newer contract and not for this version.
        await self._settler.put(None)

    async def _next(self) -> telemetry_pb2.PushRequest | None:
        seconds = self._room.settings.silence_seconds
        try:
            async with asyncio.timeout(seconds):
                return await self._wire.read()
        except TimeoutError:
            details = f"nothing came for {seconds:g} s; connect anew"
            raise Ended(grpc.StatusCode.DEADLINE_EXCEEDED, details) from None

    async def _beat(self, heartbeat: telemetry_pb2.Heartbeat) -> None:
        now = self._room.clock.now()
        self._sight.see(now, heartbeat.boottime_nano)
        answer = telemetry_pb2.Heartbeat(time_unix_nano=now)
        await self._wire.write(telemetry_pb2.PushResponse(heartbeat=answer))

    async def _take(self, batch: telemetry_pb2.Batch) -> None:
        if batch.epoch != self._source.epoch or not 1 <= batch.seq <= INTEGER_MAX:
            raise _invalid(
                f"batch {batch.seq}: expected the Hello's epoch and a seq from 1 to {INTEGER_MAX}"
            )
        course, gap = self._course, False
        if not batch.ahead:
            course.arrives(batch.seq)
            if course.unsure(batch.seq):
                await self._settler.idle()
            if course.premature(batch.seq, batch.missing_before):
                hole: Future[Outcome] = Future()
                hole.set_result(Outcome(Result.HOLE, 0))
                await self._settler.put(Waiting(batch.seq, course.run, hole))
                return
            gap = course.gap_before(batch.seq)
        now, limits = self._room.clock.now(), self._room.limits
        carried = batch.seq <= self._source.carried_seq
        if self._room.store.decodes and not carried:
            taken = as_it_came(self._source, batch, now, gap_before=gap, sight=self._sight)
        else:
            taken = intake(self._source, batch, now, limits, gap_before=gap, sight=self._sight)
        if carried and await self._is_stored(taken):
            taken = replace(taken, rows=(), refused=[STORED_BEFORE])
        whole = bool(taken.refused) and not taken.rows
        future = self._append(taken)
        await self._settler.put(Waiting(batch.seq, course.run, future, taken.refused, whole))

    async def _is_stored(self, batch: StoreBatch) -> bool:
        """Whether the store has a sample of this host and moment already, of another epoch."""
        found = [(rows.kind, row[0]) for rows in batch.rows for row in rows.rows]
        if not found:
            return False
        kind, time = found[0]
        sql = (
            f"SELECT count(*) FROM {kind}_sample s JOIN hosts h ON h.id = s.host_id"  # noqa: S608 - the catalogue's name
            " WHERE h.name = ? AND s.time = ?"
        )
        try:
            table = await asyncio.to_thread(self._room.store.query, sql, [self.host, time])
        except StoreError:
            return False
        return bool(table.column(0)[0].as_py())

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
