"""The child process: evaluates jobs over tables that the parent reads for it."""

import os
import resource
import signal
import time
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from typing import Any

import pyarrow as pa

from headroom_collector.promql.errors import LateError, PromqlError
from headroom_collector.promql.query import Deadline
from headroom_collector.store.api import HostRow, StoreError

NICENESS = 5
"""Added to the child's niceness: an acknowledgement goes before a query."""


class Remote:
    """The store as a child sees it: statements go to the parent, Arrow batches come back."""

    def __init__(self, pipe: Connection, number: int) -> None:
        self._pipe = pipe
        self._number = number

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> pa.Table:
        """Run one SELECT; raises StoreError, and LateError where the job is not wanted any more."""
        self._pipe.send(("sql", sql, list(parameters)))
        while True:
            kind, content = self._pipe.recv()
            if kind == "table":
                return pa.ipc.open_stream(pa.py_buffer(self._pipe.recv_bytes())).read_all()
            if kind == "failed":
                raise StoreError(content)
            if (kind, content) == ("stop", self._number):
                self._taken()
                raise LateError("query was cancelled")

    def _taken(self) -> None:
        """Take the answer to the statement that is under way, so that the next one is not mixed up."""
        kind, _ = self._pipe.recv()
        if kind == "table":
            self._pipe.recv_bytes()

    def hosts(self) -> list[HostRow]:
        """No job asks for hosts: their labels come with the job."""
        raise StoreError("hosts are not read by queries")


def _check(pipe: Connection, number: int, deadline: Deadline) -> Callable[[], None]:
    """Return what raises LateError where the job is to end."""

    def check() -> None:
        deadline.check()
        while pipe.poll():
            if pipe.recv() == ("stop", number):
                raise LateError("query was cancelled")

    return check


def main(pipe: Connection, memory_bytes: int) -> None:
    """Answer jobs until the parent goes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(NICENESS)
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    while True:
        try:
            asked = pipe.recv()
        except (EOFError, OSError):
            return
        if asked[0] == "stop":  # the job was answered already
            continue
        number, job, scene, seconds = asked
        check = _check(pipe, number, Deadline(time.monotonic, seconds))
        try:
            pipe.send(("answer", job(scene.store(Remote(pipe, number)), check)))
        except (PromqlError, StoreError) as error:
            pipe.send(("error", error))
        except MemoryError:
            pipe.send(("error", PromqlError("query: needs more memory than it may take")))
