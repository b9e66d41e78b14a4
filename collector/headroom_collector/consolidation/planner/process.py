"""
Process of its own for a plan: a spawned child with a memory limit, so that nothing else waits for it.

Progress comes over a pipe; asked to stop, the child finishes the best plan so far.
"""

import multiprocessing
import os
import resource
import signal
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

from headroom_collector.consolidation.planner.course import Progress, never, silent
from headroom_collector.consolidation.planner.model import Options, PlanError, Problem
from headroom_collector.consolidation.planner.savings import Savings, energy

if TYPE_CHECKING:
    from headroom_collector.consolidation.planner.plan import Plan

POLL_SECONDS = 0.2
NICENESS = 10
"""Added to the child's niceness: an acknowledgement goes before a plan."""
STOP = "stop"
JOIN_SECONDS = 10.0


def plan_in_child(
    make: Callable[[], Problem],
    options: Options,
    finish: Callable[["Plan"], Any],
    report: Callable[[Progress], None] = silent,
    *,
    stopped: Callable[[], bool] = never,
    memory_bytes: int | None = None,
    savings: Savings = energy,
) -> Any:
    """
    Plan in a child process and return what ``finish`` makes of the plan there.

    ``make``, ``savings``, ``finish`` and what it returns must be picklable. ``memory_bytes`` limits the child's
    address space (RLIMIT_AS). Raises PlanError, also where the memory does not do or the child
    ends without an answer.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    child = context.Process(
        target=_child, args=(theirs, make, options, finish, memory_bytes, savings), daemon=True
    )
    child.start()
    theirs.close()
    try:
        return _followed(ours, report, stopped)
    except EOFError:
        child.join(JOIN_SECONDS)
        raise PlanError(
            f"the planner ended without a plan (exit status {child.exitcode})"
        ) from None
    finally:
        ours.close()
        if child.is_alive():
            child.terminate()
        child.join(JOIN_SECONDS)


def _followed(
    ours: Connection, report: Callable[[Progress], None], stopped: Callable[[], bool]
) -> Any:
    asked = False
    while True:
        if stopped() and not asked:
            asked = True
            ours.send(STOP)
        if not ours.poll(POLL_SECONDS):
            continue
        kind, content = ours.recv()
        if kind == "progress":
            report(content)
        elif kind == "refused":
            raise PlanError(content)
        else:
            return content


def _child(
    theirs: Connection,
    make: Callable[[], Problem],
    options: Options,
    finish: Callable[["Plan"], Any],
    memory_bytes: int | None,
    savings: Savings,
) -> None:
    # The search loads numba where it is there, which takes a second: the parent never needs it.
    from headroom_collector.consolidation.planner.plan import plan  # noqa: PLC0415

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(NICENESS)
    if memory_bytes is not None:
        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    asked = _Asked(theirs)
    try:
        found = plan(
            make(),
            options,
            lambda one: theirs.send(("progress", one)),
            stopped=asked,
            savings=savings,
        )
        theirs.send(("plan", finish(found)))
    except PlanError as error:
        theirs.send(("refused", str(error)))
    except MemoryError:
        most = f"{(memory_bytes or 0) / 2**30:.1f} GiB"
        theirs.send(("refused", f"the plan needs more memory than {most}: give it more"))


class _Asked:
    """Says whether the parent asked to stop."""

    def __init__(self, theirs: Connection) -> None:
        self._theirs = theirs
        self._seen = False

    def __call__(self) -> bool:
        """Look, without waiting."""
        if not self._seen and self._theirs.poll():
            self._seen = self._theirs.recv() == STOP
        return self._seen
