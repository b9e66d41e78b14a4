"""What waits for the writer, how it is gathered into groups, and what is counted of it."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from threading import Lock

import duckdb

from headroom_collector.store.api import Change, Outcome, Result, StoreBatch, StoreError
from headroom_core.clock import Clock

LULL = 0.002
"""Seconds without anything new after which a group is committed at once."""
MOST = 2_000
"""Batches and changes in one group: bounds the transaction's memory and time."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A batch that waits to be stored."""

    batch: StoreBatch
    future: "Future[Outcome]" = field(default_factory=Future)


@dataclass(frozen=True, slots=True)
class Task:
    """A change that waits to be made."""

    change: Change
    future: "Future[int]" = field(default_factory=Future)


@dataclass(frozen=True, slots=True)
class Aside:
    """Something to be done by the writer between two transactions; gets its cursor."""

    job: Callable[[duckdb.DuckDBPyConnection], object]
    future: "Future[None]" = field(default_factory=Future)


Item = Arrival | Task | Aside


class ChangeError(Exception):
    """A change raised; the rest of its group can be written without it."""

    def __init__(self, task: Task, reason: BaseException) -> None:
        super().__init__(str(reason))
        self.task = task
        self.reason = reason


@dataclass(slots=True)
class Counts:
    """What the writer counts, by the names of CollectorSample's fields."""

    batches_total: int = 0
    batches_duplicate_total: int = 0
    batches_resend_total: int = 0
    values_total: int = 0
    values_refused_total: int = 0
    commits_total: int = 0
    commit_seconds: float = 0.0

    def note(self, results: Sequence[Result], refused: int) -> None:
        """Count what became of a group's batches, and the values that it refused."""
        self.values_refused_total += refused
        self.batches_total += results.count(Result.STORED)
        self.batches_duplicate_total += results.count(Result.DUPLICATE)
        self.batches_resend_total += results.count(Result.HOLE)


class Inbox:
    """What is queued from any thread, handed out in groups to the one writer."""

    def __init__(self, clock: Clock, window: float) -> None:
        self._clock = clock
        self._window = window
        self._queue: SimpleQueue[Item | None] = SimpleQueue()
        self._lock = Lock()
        self._closed = False
        self._given = -window

    def put(self, item: Item) -> None:
        """Queue an item; after ``close`` its future gets a StoreError instead."""
        item.future.set_running_or_notify_cancel()  # from here on nobody can cancel it
        with self._lock:
            if not self._closed:
                self._queue.put(item)
                return
        item.future.set_exception(StoreError("the store is closed"))

    def close(self) -> None:
        """Take nothing more; idempotent."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._queue.put(None)

    def gather(self) -> tuple[list[Item], bool]:
        """
        Wait for a group: what came within the window, or until nothing came for a moment.

        A commit costs some 20 ms of CPU however little it holds, so a trickle from many agents
        shares one a window, while a batch that comes after a quiet window does not wait at all.
        The second value is true once the inbox was closed and this is the last group.
        """
        item = self._queue.get()
        items: list[Item] = []
        began = self._clock.monotonic()
        shared = began < self._given + self._window
        until = (self._given if shared else began) + self._window
        while item is not None:
            items.append(item)
            left = until - self._clock.monotonic()
            # Nothing is taken out that this group has no room for: it would be lost.
            if left <= 0 or len(items) >= MOST:
                break
            try:
                item = self._queue.get(timeout=left if shared else min(LULL, left))
            except Empty:
                break
        self._given = self._clock.monotonic()
        return items, item is None

    def rest(self) -> list[Item]:
        """Return what is still queued, without waiting."""
        items: list[Item] = []
        while not self._queue.empty():
            item = self._queue.get()
            if item is not None:
                items.append(item)
        return items
