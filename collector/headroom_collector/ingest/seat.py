"""The one place that a host has: held by its newest stream, until the store is done with it."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from headroom_collector.ingest.wire import Ended

Found = TypeVar("Found")


def nothing_wrong() -> str:
    """Return that a stream may go on."""
    return ""


class Seat:
    """
    Held by a stream from before it is greeted until nothing of it is on its way to the disk.

    ``epoch`` is that of its holder's spool; ``fault`` says why the holder may not go on, empty where
    it may. ``ended`` gives why the stream has to end and for how long it may drain; ``left`` is set once
    it is over.
    """

    def __init__(self, epoch: bytes, fault: Callable[[], str] = nothing_wrong) -> None:
        self.epoch = epoch
        self.fault = fault
        self.ended: asyncio.Future[tuple[Ended, float]] = asyncio.Future()
        self.left = asyncio.Event()

    def end(self, reason: Ended, drain_seconds: float = 0.0) -> None:
        """End the stream from outside, after at most that long for what waits for the disk."""
        if not self.ended.done():
            self.ended.set_result((reason, drain_seconds))

    async def unless_ended(self, work: Coroutine[Any, Any, Found]) -> Found:
        """Return what comes of it; raises the reason where the stream is ended before."""
        task = asyncio.ensure_future(work)
        watched: set[asyncio.Future[Any]] = {task, self.ended}
        await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        raise self.ended.result()[0]
