"""
Runner of live plans: one at a time, each in a process of its own with its own memory limit.

The collector writes what was measured to a folder, the child reads it, plans and answers; nothing
that an acknowledgement needs waits for it.
"""

import asyncio
import logging
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from threading import Event, Lock
from typing import Any

from headroom_collector.consolidation.live.book import PlanBook
from headroom_collector.consolidation.live.write import Scope, write_estate
from headroom_collector.consolidation.money.file import Prices
from headroom_collector.consolidation.money.plan import with_money
from headroom_collector.consolidation.planner.course import Progress
from headroom_collector.consolidation.planner.folder import Memory, read_folder
from headroom_collector.consolidation.planner.model import Options, PlanError
from headroom_collector.consolidation.planner.process import plan_in_child
from headroom_collector.consolidation.planner.report import as_object
from headroom_collector.store.api import Reader, StoreError
from headroom_core.ceiling import Ceiling
from headroom_core.clock import Clock
from headroom_core.estate import Estate
from headroom_core.settings import SettingsError

LOG = logging.getLogger(__name__)
FOLDER = "plans"
MEMORY_BYTES = 4 * 2**30
"""Address space of the child, most of which libraries only reserve."""


class BusyError(Exception):
    """A plan is running already; the text says which."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked of a live plan; ``asked`` as it was put, for the record."""

    options: Options
    scope: Scope
    memory: Memory
    asked: Mapping[str, Any]


@dataclass(slots=True)
class _Running:
    id: str
    stop: Event = field(default_factory=Event)
    progress: Progress | None = None


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a plan is made from: the store, the inventory, the policy, prices, the data folder."""

    store: Reader
    estate: Estate
    ceiling: Ceiling
    prices: Callable[[], Prices]
    data: Path


class PlanRunner:
    """
    Runs plans in threads, the work in child processes. Safe from any thread.

    ``new_id`` gives a fresh id; ``done`` is told the id of each plan that has ended.
    """

    def __init__(
        self,
        around: Surroundings,
        book: PlanBook,
        clock: Clock,
        new_id: Callable[[], str],
        *,
        memory_bytes: int = MEMORY_BYTES,
    ) -> None:
        self._around, self._book, self._clock = around, book, clock
        self._new_id, self._memory = new_id, memory_bytes
        self._running: _Running | None = None
        self._lock = Lock()
        self._task: asyncio.Task[None] | None = None

    def settle(self, ceiling: Ceiling) -> None:
        """Make plans that begin from here on by another ceiling."""
        self._around = replace(self._around, ceiling=ceiling)

    def running(self) -> tuple[str, Progress | None] | None:
        """Return the id of the plan that runs and how far it is; None where none does."""
        now = self._running
        return None if now is None else (now.id, now.progress)

    def stop(self, id_: str) -> bool:
        """Ask a running plan for the best so far; False where it does not run."""
        now = self._running
        if now is None or now.id != id_:
            return False
        now.stop.set()
        return True

    async def start(self, wish: Wish) -> str:
        """Begin a plan and return its id; raises BusyError, StoreError."""
        with self._lock:
            if self._running is not None:
                raise BusyError(
                    f"plan {self._running.id} is running: wait for it, or stop it first"
                )
            now = self._running = _Running(self._new_id())
        try:
            started = self._clock.now()
            await asyncio.wrap_future(self._book.begin(now.id, started, wish.asked))
        except StoreError:
            self._running = None
            raise
        self._task = asyncio.create_task(self._run(now, wish))
        return now.id

    async def _run(self, now: _Running, wish: Wish) -> None:
        try:
            result = await asyncio.to_thread(self._planned, now, wish)
            await asyncio.wrap_future(
                self._book.end(now.id, self._clock.now(), "finished", result)
            )
        except (PlanError, SettingsError, StoreError, OSError) as error:
            said = "; ".join(str(error).splitlines())
            LOG.warning("plan %s failed: %s", now.id, said)
            await self._failed(now.id, said)
        finally:
            self._running = None

    async def _failed(self, id_: str, said: str) -> None:
        try:
            end = self._book.end(id_, self._clock.now(), "failed", {"error": said})
            await asyncio.wrap_future(end)
        except StoreError as error:
            LOG.warning("plan %s could not be noted as failed: %s", id_, error)

    def _planned(self, now: _Running, wish: Wish) -> dict[str, Any]:
        around, folder = self._around, self._around.data / FOLDER / now.id
        try:
            written = write_estate(
                around.store,
                around.estate,
                around.ceiling,
                around.data,
                wish.scope,
                self._clock.now(),
                folder,
            )

            def report(progress: Progress) -> None:
                now.progress = progress

            result: dict[str, Any] = plan_in_child(
                partial(read_folder, folder, wish.memory),
                wish.options,
                as_object,
                report,
                stopped=now.stop.is_set,
                memory_bytes=self._memory,
                savings=with_money(around.prices()),
            )
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        result["assumptions"] = [*result["assumptions"], *written.notes]
        return result

    async def close(self) -> None:
        """Stop what runs and wait for it."""
        now, task = self._running, self._task
        if now is not None and task is not None:
            now.stop.set()
            await asyncio.gather(task, return_exceptions=True)
