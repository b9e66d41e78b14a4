"""Session: one agent's stream, from its Hello to its end."""

import asyncio
import logging
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import duckdb
import grpc

from headroom_collector.ingest.course import Course
from headroom_collector.ingest.intake import EPOCH_BYTES, Sender, intake, sender
from headroom_collector.ingest.settings import IngestSettings
from headroom_collector.ingest.wire import Ended, Wire
from headroom_collector.store.api import (
    Change,
    Outcome,
    Refusal,
    Result,
    Store,
    StoreBatch,
    StoreError,
)
from headroom_core.clock import Clock
from headroom_proto.v1 import telemetry_pb2

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Tally:
    """What all sessions counted together."""

    batches_refused: int = 0
    values_refused: int = 0
    resends: int = 0
    throttles: int = 0
    takeovers: int = 0
    streams_refused: int = 0


@dataclass(frozen=True, slots=True)
class Room:
    """What every session is given."""

    store: Store
    clock: Clock
    settings: IngestSettings
    version: str = ""
    tally: Tally = field(default_factory=Tally)


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A batch on its way to the disk."""

    seq: int
    run: int
    future: "Future[Outcome]"
    refused: Sequence[Refusal] = ()
    whole: bool = False


def _answered(outcome: Outcome) -> "Future[Outcome]":
    future: Future[Outcome] = Future()
    future.set_result(outcome)
    return future


def goodbye(host: str, time: int) -> Change:
    """Return the change that notes a planned stop at ``time``, UTC nanoseconds."""

    def write(cursor: duckdb.DuckDBPyConnection, commit_id: int) -> None:  # noqa: ARG001 - the seam's
        cursor.execute("UPDATE hosts SET goodbye = ? WHERE name = ?", [time, host])

    return write


class Session:
    """
    One stream of one host.

    ``greet`` first, then ``serve`` until the agent has no more to say or ``end`` is called.
    """

    def __init__(self, host: str, wire: Wire, room: Room) -> None:
        self.host = host
        self._wire = wire
        self._room = room
        self._waiting: asyncio.Queue[_Waiting | None] = asyncio.Queue(room.settings.window)
        self._ended: asyncio.Future[tuple[Ended, float]] = asyncio.Future()
        self._course = Course(0, 1)
        self._sender = Sender(host, b"", False, "", None, {})
        self._named: set[str] = set()

    def end(self, reason: Ended, drain_seconds: float = 0.0) -> None:
        """End the stream from outside, after at most that long for what waits for the disk."""
        if not self._ended.done():
            self._ended.set_result((reason, drain_seconds))

    async def greet(self) -> None:
        """Take the Hello and answer it. Raises Ended and Gone."""
        settings = self._room.settings
        try:
            request = await asyncio.wait_for(self._wire.read(), settings.hello_seconds)
        except TimeoutError:
            raise Ended(
                grpc.StatusCode.DEADLINE_EXCEEDED,
                f"no Hello within {settings.hello_seconds:g} s",
            ) from None
        if request is None or not request.HasField("hello"):
            raise Ended(grpc.StatusCode.INVALID_ARGUMENT, "a stream begins with a Hello")
        hello = request.hello
        if len(hello.epoch) != EPOCH_BYTES:
            raise Ended(
                grpc.StatusCode.INVALID_ARGUMENT,
                f"Hello.epoch has {len(hello.epoch)} bytes, expected {EPOCH_BYTES}",
            )
        self._sender = sender(self.host, hello, settings.limits)
        high_water = self._room.store.high_water(self.host, hello.epoch)
        self._course = Course(high_water, hello.first_seq)
        if hello.next_seq and hello.next_seq <= high_water:
            log.warning(
                "host %s: its spool goes on at %d but %d is stored: it was cloned or rolled back;"
                " it needs a new spool",
                self.host,
                hello.next_seq,
                high_water,
            )
        welcome = telemetry_pb2.Welcome(
            high_water=high_water, window=settings.window, collector_version=self._room.version
        )
        await self._wire.write(telemetry_pb2.PushResponse(welcome=welcome))

    async def serve(self) -> None:
        """Take batches and acknowledge them. Raises Ended and Gone."""
        reader = asyncio.ensure_future(self._receive())
        settler = asyncio.ensure_future(self._settle_all())
        tasks: set[asyncio.Future[None]] = {reader, settler}
        try:
            while not settler.done():
                watched: set[asyncio.Future[Any]] = {task for task in tasks if not task.done()}
                await asyncio.wait(watched | {self._ended}, return_when=asyncio.FIRST_COMPLETED)
                for task in tasks:
                    if task.done():
                        task.result()
                if self._ended.done():
                    await self._drain(reader)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _drain(self, reader: "asyncio.Future[None]") -> None:
        reason, seconds = self._ended.result()
        reader.cancel()
        if seconds > 0:
            drained = asyncio.ensure_future(self._waiting.join())
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
                raise Ended(grpc.StatusCode.INVALID_ARGUMENT, "a second Hello on one stream")
            # Anything else is of a newer contract and not for this version.
        await self._waiting.put(None)

    async def _take(self, batch: telemetry_pb2.Batch) -> None:
        if batch.epoch != self._sender.epoch or batch.seq == 0:
            raise Ended(
                grpc.StatusCode.INVALID_ARGUMENT,
                f"batch {batch.seq}: expected a seq from 1 on and the epoch of the Hello",
            )
        self._course.arrives(batch.seq)
        if self._course.unsure(batch.seq):
            await self._waiting.join()
        run = self._course.run
        if self._course.premature(batch.seq):
            hole = _answered(Outcome(Result.HOLE, 0))
            await self._waiting.put(_Waiting(batch.seq, run, hole))
            return
        taken = intake(
            self._sender,
            batch,
            self._room.clock.now(),
            self._room.settings.limits,
            gap_before=self._course.gap_before(batch.seq),
        )
        whole = bool(taken.refused) and not taken.rows
        future = self._append(taken)
        await self._waiting.put(_Waiting(batch.seq, run, future, taken.refused, whole))

    def _append(self, batch: StoreBatch) -> "Future[Outcome]":
        try:
            return self._room.store.append(batch)
        except StoreError as error:
            failed: Future[Outcome] = Future()
            failed.set_exception(error)
            return failed

    async def _settle_all(self) -> None:
        while (waiting := await self._waiting.get()) is not None:
            try:
                await self._settle(waiting)
            finally:
                self._waiting.task_done()

    async def _settle(self, waiting: _Waiting) -> None:
        try:
            # Shielded: an agent that leaves must not take its batch back out of the store's hands.
            outcome = await asyncio.shield(asyncio.wrap_future(waiting.future))
        except StoreError as error:
            await self._throttle(waiting, error)
            return
        if outcome.result is Result.HOLE:
            await self._ask_again(waiting, outcome)
            return
        if outcome.result is Result.CLASH:
            raise Ended(
                grpc.StatusCode.FAILED_PRECONDITION,
                f"batch {waiting.seq} was stored before with other contents: the spool was cloned"
                " or rolled back; stop the agent, remove its spool and start it again",
            )
        if outcome.result is Result.STORED:
            self._count(waiting)
        self._course.durable(outcome.high_water)
        ack = telemetry_pb2.Ack(epoch=self._sender.epoch, seq=self._course.high_water)
        await self._wire.write(telemetry_pb2.PushResponse(ack=ack))

    def _count(self, waiting: _Waiting) -> None:
        tally = self._room.tally
        tally.batches_refused += waiting.whole
        tally.values_refused += sum(refusal.values for refusal in waiting.refused)
        for refusal in waiting.refused:
            if refusal.reason not in self._named:
                self._named.add(refusal.reason)
                log.warning(
                    "host %s: batch %d: refused %s: %s: %s (said once a stream)",
                    self.host,
                    waiting.seq,
                    "as a whole" if waiting.whole else f"{refusal.values} value(s)",
                    refusal.reason,
                    refusal.detail,
                )

    async def _ask_again(self, waiting: _Waiting, outcome: Outcome) -> None:
        self._course.durable(outcome.high_water)
        seq = self._course.ask(waiting.run)
        if seq is not None:
            self._room.tally.resends += 1
            resend = telemetry_pb2.Resend(
                epoch=self._sender.epoch,
                from_seq=seq,
                reason=f"batch {waiting.seq} came, {seq} is missing",
            )
            await self._wire.write(telemetry_pb2.PushResponse(resend=resend))
        elif self._course.unheard > 2 * self._room.settings.window:
            # Also the way out where the spool lost those batches meanwhile: the next Hello says so.
            raise Ended(grpc.StatusCode.ABORTED, "a hole was not filled; connect anew")

    async def _throttle(self, waiting: _Waiting, error: StoreError) -> None:
        if self._course.ask(waiting.run) is None:
            return
        self._room.tally.throttles += 1
        log.warning("host %s: batch %d was not stored: %s", self.host, waiting.seq, error)
        throttle = telemetry_pb2.Throttle(
            delay_seconds=self._room.settings.throttle_seconds,
            reason="the collector cannot store now",
        )
        await self._wire.write(telemetry_pb2.PushResponse(throttle=throttle))

    async def _goodbye(self) -> None:
        change = goodbye(self.host, self._room.clock.now())
        try:
            await asyncio.shield(asyncio.wrap_future(self._room.store.change(change)))
        except StoreError as error:
            log.warning("host %s: its goodbye was not stored: %s", self.host, error)
