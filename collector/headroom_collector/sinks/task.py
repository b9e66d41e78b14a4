"""One sink at work: from its cursor to the newest commit, and on, for as long as it runs."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from headroom_collector.sinks.cursor import Cursor
from headroom_collector.sinks.sender import Tally, UnreachableError, chunks, deliver
from headroom_collector.sinks.source import Place, last_commit, read
from headroom_collector.sinks.target import Target
from headroom_collector.store.api import Store, StoreError
from headroom_core.clock import Clock
from headroom_proto.catalogue import Kind

log = logging.getLogger(__name__)

COMMITS = 8
"""Commits that are read at once: bounds the memory while it catches up."""
IDLE_SECONDS = 1.0
FIRST_WAIT_SECONDS = 1.0
LONGEST_WAIT_SECONDS = 60.0


@dataclass(slots=True)
class SinkTask:
    """
    Hands every sample to one engine, at least once and idempotently.

    ``run`` as a task of the event loop; what takes long is done in threads. The cursor's own
    commits bring no samples, so an idle store stays idle.
    """

    store: Store
    target: Target
    kinds: Sequence[Kind]
    place: Place
    clock: Clock
    tally: Tally = field(default_factory=Tally)
    behind: int = 0
    """Commits that the engine does not have yet."""
    missed: int = 0
    _said: str = ""
    _position: int | None = None

    @property
    def name(self) -> str:
        """The sink's name in the settings."""
        return self.target.name

    def _cursor(self) -> Cursor:
        return Cursor(self.store, self.name, self.clock)

    def step(self) -> bool:
        """
        Deliver some commits; returns whether there are more.

        Raises UnreachableError and StoreError, and then nothing has moved.
        """
        cursor = self._cursor()
        if self._position is None:
            self._position = cursor.read()
        last = last_commit(self.store)
        upto = min(last, self._position + COMMITS)
        found = False
        for kind in self.kinds:
            groups = read(self.store, kind, self._position, upto, self.place)
            for chunk in chunks(self.target.encode(groups)):
                found = True
                before = self.tally.refused
                deliver(self.target, chunk, self.tally)
                if self.tally.refused > before:
                    self._say(f"refuses values for good: {self.tally.reason}")
        self._position = upto
        if found:
            cursor.write(upto).result()
            self.missed = cursor.missed()
        self.behind = last - upto
        return upto < last

    async def run(self) -> None:
        """Deliver for ever."""
        wait = FIRST_WAIT_SECONDS
        while True:
            try:
                more = await asyncio.to_thread(self.step)
            except UnreachableError as error:
                self._say(f"takes nothing now, it is tried again: {error}")
                pause = error.wait_seconds if error.wait_seconds is not None else wait
                await asyncio.sleep(min(pause, LONGEST_WAIT_SECONDS))
                wait = min(2 * wait, LONGEST_WAIT_SECONDS)
                continue
            except StoreError as error:
                self._say(f"waits for the store: {error}")
                await asyncio.sleep(wait)
                continue
            if self._said and wait > FIRST_WAIT_SECONDS:
                self._said = ""
                log.info("sink %s: takes samples again", self.name)
            wait = FIRST_WAIT_SECONDS
            if not more:
                await asyncio.sleep(IDLE_SECONDS)

    def statistics(self) -> Mapping[str, float]:
        """Return what was counted; ``missed_samples`` are those of all time."""
        return {
            "sent_values": self.tally.sent,
            "refused_values": self.tally.refused,
            "missed_samples": self.missed,
            "commits_behind": self.behind,
        }

    def _say(self, what: str) -> None:
        if what != self._said:
            self._said = what
            log.warning("sink %s: %s", self.name, what)
