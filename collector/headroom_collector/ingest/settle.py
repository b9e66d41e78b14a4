"""Settler: what becomes of the batches of one stream, told to its agent in their order."""

import asyncio
import logging
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

import grpc

from headroom_collector.ingest.course import Course
from headroom_collector.ingest.settings import IngestSettings, Limits
from headroom_collector.ingest.wire import Ended, Wire
from headroom_collector.store.api import Outcome, Refusal, Result, Span, Store, StoreError
from headroom_core.clock import Clock
from headroom_proto.v1 import telemetry_pb2

log = logging.getLogger(__name__)

HOPELESS = "missing batches were asked for and did not come; connect anew"


@dataclass(slots=True)
class Tally:
    """What all streams counted together."""

    batches_refused: int = 0
    values_refused: int = 0
    resends: int = 0
    throttles: int = 0
    takeovers: int = 0
    streams_refused: int = 0
    identity_conflicts: int = 0
    spools_renewed: int = 0
    """Spools that had been cloned or rolled back and began a new epoch."""
    batches_corrected: int = 0
    """Batches whose time was corrected, because their host's clock is wrong."""


@dataclass(frozen=True, slots=True)
class Room:
    """What every stream is given."""

    store: Store
    clock: Clock
    settings: IngestSettings
    limits: Limits
    version: str
    tally: Tally = field(default_factory=Tally)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A batch on its way to the disk. ``whole``: nothing of it was fit to be stored."""

    seq: int
    run: int
    future: "Future[Outcome]"
    refused: Sequence[Refusal] = ()
    whole: bool = False


def spans(found: Iterable[Span]) -> list[telemetry_pb2.Span]:
    """Return spans as the contract has them."""
    return [
        telemetry_pb2.Span(from_seq=span.first, to_seq=span.last, crc32=span.crc32)
        for span in found
    ]


class Settler:
    """
    Waits for each batch to be durable and answers its agent.

    Holds at most a window of batches: ``put`` waits while it is full, so a stream whose store is
    slow is not read, and gRPC's flow control stops its agent.
    """

    def __init__(self, host: str, epoch: bytes, course: Course, wire: Wire, room: Room) -> None:
        self._host = host
        self._epoch = epoch
        self._course = course
        self._wire = wire
        self._room = room
        self._queue: asyncio.Queue[Waiting | None] = asyncio.Queue(room.settings.window)
        self._current: Waiting | None = None
        self._named: set[str] = set()

    async def put(self, waiting: Waiting | None) -> None:
        """Queue a batch, or None behind the last."""
        await self._queue.put(waiting)

    async def settled(self) -> None:
        """
        Wait until the store is done with all that was put, after ``run`` ended.

        A newer stream of the host is told how far its spool is stored: that must not change then
        by what an older one had brought.
        """
        waiting = [] if self._current is None else [self._current]
        while not self._queue.empty():
            found = self._queue.get_nowait()
            self._queue.task_done()
            waiting += [] if found is None else [found]
        futures = [asyncio.wrap_future(one.future) for one in waiting]
        await asyncio.shield(asyncio.gather(*futures, return_exceptions=True))

    async def idle(self) -> None:
        """Wait until every batch that was put is settled."""
        await self._queue.join()

    async def run(self) -> None:
        """Settle what is put, up to the None. Raises Ended and Gone."""
        while (waiting := await self._queue.get()) is not None:
            self._current = waiting
            try:
                await self._settle(waiting)
            finally:
                self._queue.task_done()
            self._current = None

    async def _settle(self, waiting: Waiting) -> None:
        try:
            # Shielded: an agent that leaves must not take its batch back out of the store's hands.
            outcome = await asyncio.shield(asyncio.wrap_future(waiting.future))
        except StoreError as error:
            await self._throttle(waiting, error)
            return
        self._course.durable(outcome.high_water)
        if outcome.result is Result.HOLE:
            await self._ask_again(waiting)
        elif outcome.result is Result.CLASH:
            raise Ended(
                grpc.StatusCode.FAILED_PRECONDITION,
                f"batch {waiting.seq} was stored before with other contents: the spool was cloned"
                " or rolled back; stop the agent, remove its spool and start it again",
            )
        else:
            if outcome.result is Result.STORED:
                self._count(waiting, outcome)
            ack = telemetry_pb2.Ack(
                epoch=self._epoch, seq=self._course.high_water, ahead=spans(outcome.ahead)
            )
            await self._wire.write(telemetry_pb2.PushResponse(ack=ack))

    def _count(self, waiting: Waiting, outcome: Outcome) -> None:
        tally, whole = self._room.tally, waiting.whole or outcome.whole
        tally.batches_refused += whole
        tally.batches_corrected += outcome.corrected
        for refusal in waiting.refused or outcome.refused:
            tally.values_refused += refusal.values
            if refusal.reason not in self._named:
                self._named.add(refusal.reason)
                what = "as a whole" if whole else f"{refusal.values} value(s)"
                log.warning(
                    "host %s: batch %d: refused %s: %s: %s (said once a stream)",
                    self._host,
                    waiting.seq,
                    what,
                    refusal.reason,
                    refusal.detail,
                )

    async def _ask_again(self, waiting: Waiting) -> None:
        if self._course.hopeless:
            raise Ended(grpc.StatusCode.ABORTED, HOPELESS)
        seq = self._course.ask(waiting.run)
        if seq is None:
            return
        self._room.tally.resends += 1
        reason = f"batch {waiting.seq} came, {seq} is missing"
        resend = telemetry_pb2.Resend(epoch=self._epoch, from_seq=seq, reason=reason)
        await self._wire.write(telemetry_pb2.PushResponse(resend=resend))

    async def _throttle(self, waiting: Waiting, error: StoreError) -> None:
        if self._course.ask(waiting.run) is None:
            return
        self._room.tally.throttles += 1
        log.warning("host %s: batch %d was not stored: %s", self._host, waiting.seq, error)
        seconds = self._room.settings.throttle_seconds
        throttle = telemetry_pb2.Throttle(
            delay_seconds=seconds, reason="the collector cannot store now"
        )
        await self._wire.write(telemetry_pb2.PushResponse(throttle=throttle))
