"""What a running collector takes over from a configuration that was changed."""

import asyncio
import dataclasses
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from headroom_collector.config import CollectorConfig

Loop = Callable[[], Coroutine[Any, Any, None]]

LIVE = ("alerts", "ceiling", "estate")
"""The settings that hold without a restart."""


def merged(now: CollectorConfig, wanted: CollectorConfig) -> tuple[CollectorConfig, list[str]]:
    """Return what holds from here on, and the names of settings that want a restart."""
    names = [field.name for field in dataclasses.fields(now)]
    changed = [name for name in names if getattr(now, name) != getattr(wanted, name)]
    taken = {name: getattr(wanted, name) for name in changed if name in LIVE}
    return dataclasses.replace(now, **taken), [name for name in changed if name not in LIVE]


class Renewed:
    """
    Loops that run until they are made anew.

    Their state is in the store, so those that begin go on where the others ended.
    """

    def __init__(self, make: Callable[[], Sequence[Loop]]) -> None:
        self._make = make
        self._again = asyncio.Event()

    def renew(self) -> None:
        """End the loops that run and begin new ones."""
        self._again.set()

    async def run(self) -> None:
        """Run until cancelled; raises what a loop raises."""
        while True:
            self._again.clear()
            tasks = [asyncio.create_task(loop()) for loop in self._make()]
            waiter = asyncio.create_task(self._again.wait())
            try:
                done, _ = await asyncio.wait([*tasks, waiter], return_when="FIRST_COMPLETED")
                for task in done - {waiter}:
                    task.result()
            finally:
                for task in (*tasks, waiter):
                    task.cancel()
                await asyncio.gather(*tasks, waiter, return_exceptions=True)
