"""The one thread that writes: each group in one transaction, durable before it is answered."""

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from threading import Thread

import duckdb
import pyarrow as pa

from headroom_collector.store.api import Decode, Outcome, Result, StoreError
from headroom_collector.store.database import Database
from headroom_collector.store.group import Group, Taken
from headroom_collector.store.inbox import Arrival, Aside, ChangeError, Counts, Inbox, Item, Task
from headroom_collector.store.memory import UNKNOWN, Epoch, Mark, Memory
from headroom_collector.store.tables import floor
from headroom_collector.store.wording import one_line
from headroom_core.clock import Clock
from headroom_proto.catalogue import Catalogue

LOG = logging.getLogger(__name__)

RETRY_SECONDS = 2.0
"""Shortest time between two attempts to get a failed store back: each interrupts the readers."""

BROKEN = (
    duckdb.IOException,
    duckdb.FatalException,
    duckdb.InternalException,
    duckdb.ConnectionException,
)
DISK = (OSError, StoreError, *BROKEN)
"""After one of these nothing is known of what is on the disk."""
ODD = (duckdb.Error, pa.ArrowException, ValueError, TypeError, OverflowError)
"""One batch that cannot be written; the others can."""


NOTHING = Mark(0, UNKNOWN)


def _pass_on(listener: Callable[[int], None], done: "Future[int]") -> None:
    listener(done.result())


class Writer:
    """
    Owns the database's writing side from ``start`` to ``stop``.

    ``durable`` has every spool's newest durable batch; ``fault`` says what is wrong while nothing
    can be stored, and is None otherwise. Both are safe to read from any thread.
    """

    def __init__(
        self,
        database: Database,
        memory: Memory,
        catalogue: Catalogue,
        clock: Clock,
        inbox: Inbox,
        raw_days: int,
        decode: Decode | None = None,
    ) -> None:
        self.memory = memory
        self.durable: dict[Epoch, Mark] = memory.durable()
        self.counts = Counts()
        self.fault: str | None = None
        self.crowded: str | None = None
        self._database = database
        self._catalogue = catalogue
        self._clock = clock
        self._inbox = inbox
        self._raw_days = raw_days
        self._decode = decode
        self._listeners: list[Callable[[int], None]] = []
        self._stale = False
        self._next_try = 0.0
        # Changes are other rooms' code: in a thread of their own, what they raise is a value.
        self._guest = ThreadPoolExecutor(1, "store-change")
        self._thread = Thread(target=self._run, name="store-writer", daemon=True)

    @property
    def decodes(self) -> bool:
        """Whether it can take batches with their payload."""
        return self._decode is not None

    def start(self) -> None:
        """Start writing."""
        self._thread.start()

    def stop(self) -> None:
        """Wait until everything that was queued is written; the inbox was closed before."""
        self._thread.join()
        self._guest.shutdown()

    def subscribe(self, listener: Callable[[int], None]) -> None:
        """Have ``listener`` called with each commit id, from the writer's thread."""
        self._listeners.append(listener)

    def _run(self) -> None:
        last = False
        items: list[Item] = []
        try:
            while not last:
                items, last = self._inbox.gather()
                self._settle(items)
        finally:  # whatever ends this thread, nobody waits for it in vain
            self._inbox.close()
            for item in [item for item in items + self._inbox.rest() if not item.future.done()]:
                item.future.set_exception(StoreError("the store's writer stopped: start anew"))

    def _settle(self, items: list[Item]) -> None:
        """Write the items in as few transactions as they allow; every future is completed."""
        waiting = [items]
        while waiting:
            group = waiting.pop()
            try:
                self._write(group)
            except ChangeError as error:
                self._undo()
                error.task.future.set_exception(error.reason)
                waiting.append([item for item in group if item is not error.task])
            except DISK as error:
                self._undo()
                self._lost(error)
                reason = self.fault or f"storing failed, send again: {one_line(error)}"
                for item in [item for each in (group, *waiting) for item in each]:
                    item.future.set_exception(StoreError(reason))
                return
            except ODD as error:
                self._undo()
                if len(group) == 1:
                    group[0].future.set_exception(
                        StoreError(f"cannot be stored: {one_line(error)}")
                    )
                else:
                    waiting.extend([item] for item in reversed(group))

    def _write(self, items: Sequence[Item]) -> None:
        """Write one group; raises what keeps it from being durable."""
        started = self._clock.monotonic()
        self._ready()
        arrivals = self._with_room([item for item in items if isinstance(item, Arrival)])
        tasks = [item for item in items if isinstance(item, Task)]
        group = Group(self.memory, self._catalogue, floor(self._clock.now(), self._raw_days))
        taken = group.take_all([arrival.batch for arrival in arrivals], self._decode)
        results = [one.result for one in taken]
        committed = bool(tasks) or Result.STORED in results or bool(group.gaps)
        if committed:
            self.counts.values_total += self._transact(group, tasks)
            self.counts.commits_total += 1
            self.counts.commit_seconds = self._clock.monotonic() - started
        self.counts.note(results, group.refused)
        self._answer(arrivals, taken)
        for task in tasks:
            task.future.set_result(self.memory.commit_id)
        if committed:
            self._tell()
        for item in items:
            if isinstance(item, Aside):
                self._aside(item)

    def _with_room(self, arrivals: list[Arrival]) -> list[Arrival]:
        """Refuse samples while the disk is nearly full; what frees room in the file goes on."""
        crowded = self._database.crowded() if arrivals else self.crowded
        if crowded and not self.crowded:
            LOG.error("%s", crowded)
        elif self.crowded and not crowded:
            LOG.warning("%s: there is room again, samples are taken", self._database.path)
        self.crowded = crowded
        if crowded is None:
            return arrivals
        for arrival in arrivals:
            arrival.future.set_exception(StoreError(crowded))
        return []

    def _aside(self, item: Aside) -> None:
        reason = self._guest.submit(item.job, self._database.writer).exception()
        if isinstance(reason, BROKEN):
            raise reason
        if reason is None:
            item.future.set_result(None)
        else:
            item.future.set_exception(reason)

    def _transact(self, group: Group, tasks: Sequence[Task]) -> int:
        cursor = self._database.writer
        commit_id = self.memory.commit_id = self.memory.commit_id + 1
        cursor.begin()
        values = group.write(cursor)
        cursor.execute("UPDATE commits SET last = ?", [commit_id])
        for task in tasks:
            reason = self._guest.submit(task.change, cursor, commit_id).exception()
            if isinstance(reason, BROKEN):
                raise reason
            if reason is not None:
                raise ChangeError(task, reason)
        try:
            cursor.commit()
        except duckdb.Error as error:  # a full disk is a TransactionException here
            raise StoreError(one_line(error)) from error
        self._database.sync()
        return values

    def _answer(self, arrivals: Sequence[Arrival], taken: Sequence[Taken]) -> None:
        spools = [(arrival.batch.host, arrival.batch.epoch) for arrival in arrivals]
        marks = {spool: self.memory.marks.get(spool, NOTHING) for spool in spools}
        self.durable |= marks
        for arrival, spool, one in zip(arrivals, spools, taken, strict=True):
            mark, batch = marks[spool], one.batch
            whole = bool(batch.refused) and not batch.rows and batch.place < 0
            corrected = batch.raw_time is not None
            arrival.future.set_result(
                Outcome(one.result, mark.seq, mark.ahead, batch.refused, whole, corrected)
            )

    def _tell(self) -> None:
        # A future keeps what one listener raises from the others and from this thread.
        told: Future[int] = Future()
        for listener in self._listeners:
            told.add_done_callback(partial(_pass_on, listener))
        told.set_result(self.memory.commit_id)

    def _undo(self) -> None:
        """Leave the transaction; what is remembered of it is read again before the next."""
        self._stale = True
        with suppress(duckdb.Error, StoreError):
            self._database.writer.rollback()

    def _lost(self, error: Exception) -> None:
        """Note that the disk failed, and try once to get the store back."""
        if self.fault is None:
            self.fault = (
                f"{self._database.path}: storing failed, nothing is acknowledged until it works "
                f"again: {one_line(error)}"
            )
            LOG.error("%s", self.fault)
            with suppress(*DISK, duckdb.Error):
                self._recover()

    def _ready(self) -> None:
        """Make the memory agree with the database; raises what keeps the store from working."""
        if self.fault is not None:
            if self._clock.monotonic() < self._next_try:
                raise StoreError(self.fault)
            LOG.info("%s: trying to store again", self._database.path)
            self._recover()
        if self._stale:
            self.memory.load(self._database.writer)
            self._stale = False

    def _recover(self) -> None:
        """
        Open the database again and write everything it holds anew.

        Pages that a failed fsync left behind count as clean, though they are not on the disk: only
        a checkpoint, which writes them again, makes what is read back from the log durable.
        """
        self._next_try = self._clock.monotonic() + RETRY_SECONDS
        self._database.close()
        self._database.open()
        try:
            self._database.writer.execute("FORCE CHECKPOINT")
        except duckdb.Error as error:  # it leaves a database that not even answers readers
            self._database.close()
            self._database.open()
            raise StoreError(one_line(error)) from error
        self._database.sync()
        self.memory.load(self._database.writer)
        self.durable = self.memory.durable()
        self._stale = False
        LOG.warning("%s: storing works again", self._database.path)
        self.fault = None
