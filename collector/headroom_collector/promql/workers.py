"""Where jobs run: in the caller's thread, or in child processes that nothing else waits for."""

import multiprocessing
import queue
import time
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any, Protocol

import pyarrow as pa

from headroom_collector.promql import child
from headroom_collector.promql.errors import LateError, UnavailableError
from headroom_collector.promql.jobs import Job, Scene
from headroom_collector.promql.query import Deadline
from headroom_collector.store.api import Reader, StoreError

LOOK_SECONDS = 0.05
"""How often a waiting parent looks whether the job is still wanted."""
GRACE_SECONDS = 2.0
"""How long a child may take to notice that its job is not wanted any more."""
JOIN_SECONDS = 5.0


class Workers(Protocol):
    """Runs jobs; safe from any thread."""

    def run(self, job: Job, scene: Scene, reader: Reader, deadline: Deadline) -> str:
        """Return the job's answer; raises PromqlError, StoreError."""
        ...

    def close(self) -> None:
        """End what runs."""
        ...


class Threads:
    """Runs a job in the caller's own thread."""

    def run(self, job: Job, scene: Scene, reader: Reader, deadline: Deadline) -> str:
        """Return the job's answer; raises PromqlError, StoreError."""
        return job(scene.store(reader), deadline.check)

    def close(self) -> None:
        """Nothing is left to end."""


class Children:
    """
    Runs each job in one of ``count`` processes, begun when the first job comes.

    The parent runs their SQL, which needs no interpreter, and hands over Arrow batches; everything
    that needs one happens in the child. ``memory_bytes`` limits a child's address space.
    """

    def __init__(self, count: int, memory_bytes: int) -> None:
        self._idle: queue.SimpleQueue[_Child] = queue.SimpleQueue()
        self._all = [_Child(memory_bytes) for _ in range(count)]
        for each in self._all:
            self._idle.put(each)

    def run(self, job: Job, scene: Scene, reader: Reader, deadline: Deadline) -> str:
        """Return the job's answer; raises PromqlError, StoreError."""
        free = self._idle.get()
        try:
            return free.run(job, scene, reader, deadline)
        finally:
            self._idle.put(free)

    def close(self) -> None:
        """End the children."""
        for each in self._all:
            each.end()


class _Child:
    """One process and the pipe to it."""

    def __init__(self, memory_bytes: int) -> None:
        self._memory = memory_bytes
        self._process: BaseProcess | None = None
        self._pipe: Connection | None = None
        self._number = 0

    def run(self, job: Job, scene: Scene, reader: Reader, deadline: Deadline) -> str:
        pipe = self._started()
        self._number += 1
        try:
            pipe.send((self._number, job, scene, deadline.left()))
            return self._followed(pipe, reader, deadline)
        except (EOFError, OSError):
            self.end()
            raise UnavailableError(
                "the query's process ended, most likely for want of memory: ask for less"
            ) from None

    def _started(self) -> Connection:
        if self._pipe is not None and self._process is not None and self._process.is_alive():
            return self._pipe
        self.end()
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(
            target=child.main, args=(theirs, self._memory), daemon=True, name="promql"
        )
        self._process.start()
        theirs.close()
        return self._pipe

    def _followed(self, pipe: Connection, reader: Reader, deadline: Deadline) -> str:
        stopped = 0.0
        while True:
            if not stopped and not deadline.wanted():
                pipe.send(("stop", self._number))
                stopped = time.monotonic()
            if not pipe.poll(LOOK_SECONDS):
                if stopped and time.monotonic() - stopped > GRACE_SECONDS:
                    self.end()
                    raise LateError("query was ended: it took too long or nobody waits for it")
                continue
            kind, *content = pipe.recv()
            if kind == "sql":
                _answer(pipe, reader, *content)
            elif kind == "error":
                raise content[0]
            else:
                return str(content[0])

    def end(self) -> None:
        if self._pipe is not None:
            self._pipe.close()
            self._pipe = None
        if self._process is not None:
            self._process.terminate()
            self._process.join(JOIN_SECONDS)
            if self._process.is_alive():
                self._process.kill()
                self._process.join(JOIN_SECONDS)
            self._process.close()
            self._process = None


def _answer(pipe: Connection, reader: Reader, sql: str, parameters: Any) -> None:
    """Run a statement and send its rows as Arrow batches."""
    try:
        table = reader.query(sql, parameters)
    except StoreError as error:
        pipe.send(("failed", str(error)))
        return
    out = pa.BufferOutputStream()
    with pa.ipc.new_stream(out, table.schema) as stream:
        stream.write_table(table)
    pipe.send(("table", None))
    pipe.send_bytes(memoryview(out.getvalue()))
