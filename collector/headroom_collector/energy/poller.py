"""Poller: every controller in its turn, none of which can hold up the others."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from headroom_collector.energy.reading import KEEP_SECONDS, BmcError, Client, PowerReading
from headroom_collector.energy.settings import Polling

log = logging.getLogger(__name__)

Took = Callable[[str, PowerReading], None]
"""What is done with a reading: host and reading."""


@dataclass(slots=True)
class Poller:
    """
    Asks each client every ``interval_seconds``, spread evenly over the interval.

    One that is slow is given up after ``timeout_seconds``; one that fails is asked after twice the
    time, four times and so on up to ``slowest_seconds``, and one that refuses the user right away
    so seldom, because controllers lock users out. Each change is one log line.

    Those that failed have a gate of their own, so that however many are slow or dead, they never
    take a place from one that answers.
    """

    clients: Mapping[str, Client]
    polling: Polling
    took: Took
    readings: int = 0
    failures: int = 0
    _said: dict[str, str] = field(default_factory=dict)

    async def run(self) -> None:
        """Poll for ever."""
        prompt = asyncio.Semaphore(self.polling.at_once)
        doubtful = asyncio.Semaphore(self.polling.doubtful_at_once)
        step = self.polling.interval_seconds / max(1, len(self.clients))
        async with asyncio.TaskGroup() as group:
            group.create_task(self._keep())
            for place, host in enumerate(self.clients):
                group.create_task(self._watch(host, prompt, doubtful, place * step))

    async def close(self) -> None:
        """Let go of every connection."""
        for client in self.clients.values():
            await client.close()

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(KEEP_SECONDS)
            for client in self.clients.values():
                client.keep()

    async def _watch(
        self, host: str, prompt: asyncio.Semaphore, doubtful: asyncio.Semaphore, delay: float
    ) -> None:
        loop = asyncio.get_running_loop()
        at, failures = loop.time() + delay, 0
        while True:
            await asyncio.sleep(max(0.0, at - loop.time()))
            async with doubtful if failures else prompt:
                error = await self.ask(host)
            failures = failures + 1 if error is not None else 0
            at = max(at, loop.time()) if error else at
            at += self._pause(failures, refused=error is not None and error.refused)
            if at < loop.time():
                at = loop.time() + self.polling.interval_seconds

    def _pause(self, failures: int, *, refused: bool) -> float:
        every, slowest = self.polling.interval_seconds, self.polling.slowest_seconds
        if refused:
            return max(every, slowest)
        return max(every, min(slowest, every * 2.0 ** min(failures, 16))) if failures else every

    async def ask(self, host: str) -> BmcError | None:
        """Ask one controller once; returns why there is no reading, None where there is one."""
        try:
            async with asyncio.timeout(self.polling.timeout_seconds):
                reading = await self.clients[host].read()
        except TimeoutError:
            error = BmcError(f"no answer within {self.polling.timeout_seconds:g} s")
        except BmcError as found:
            error = found
        else:
            self.readings += 1
            if self._said.pop(host, None) is not None:
                log.info("power of %s: is read again", host)
            self.took(host, reading)
            return None
        self.failures += 1
        if self._said.get(host) != str(error):
            self._said[host] = str(error)
            log.warning("power of %s: %s; asked less often until it answers", host, error)
        return error
