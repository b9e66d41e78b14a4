"""Between the store's writer thread and the event loop: wake-up calls and waiting for commits."""

import asyncio
import contextlib
import logging
from concurrent.futures import Future
from typing import TypeVar

from headroom_collector.store.api import StoreError

log = logging.getLogger(__name__)

RETRY_SECONDS = 1.0
"""Pause after trouble with the store."""

T = TypeVar("T")


async def durable(future: "Future[T]") -> T:
    """Wait for the store; a task that is cancelled meanwhile does not cancel the store's work."""
    return await asyncio.shield(asyncio.wrap_future(future))


class Trouble:
    """A loop's trouble with the store: said once, not once a round."""

    def __init__(self) -> None:
        self._said = ""

    def say(self, error: StoreError) -> None:
        """Log it where it is another than in the round before."""
        if str(error) != self._said:
            log.error("alerting cannot use the store, and tries again: %s", error)
        self._said = str(error)

    def over(self) -> None:
        """Note a round without trouble."""
        if self._said:
            log.info("alerting can use the store again")
        self._said = ""


class Wake:
    """
    An event that other threads may set; made inside a running loop.

    A listener of the store's commits: it can be called after its loop is gone, and does nothing
    then.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._event = asyncio.Event()

    def __call__(self, _commit_id: int = 0) -> None:
        """Wake the task up; from any thread."""
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody is left to wake
            self._loop.call_soon_threadsafe(self._event.set)

    async def wait(self, seconds: float) -> bool:
        """Wait for a call since the last wait, at most ``seconds``; returns whether one came."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._event.wait()
        called = self._event.is_set()
        self._event.clear()
        return called
