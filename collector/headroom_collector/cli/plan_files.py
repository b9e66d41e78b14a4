"""``headroom plan --from``: a plan for an estate that is described by a folder of files."""

import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from types import FrameType
from typing import TYPE_CHECKING, Any

from headroom_collector.cli.client import CliError
from headroom_collector.consolidation.money.file import load_prices
from headroom_collector.consolidation.money.plan import with_money
from headroom_collector.consolidation.planner.course import Progress, silent
from headroom_collector.consolidation.planner.folder import Memory, read_folder
from headroom_collector.consolidation.planner.model import Options, PlanError
from headroom_collector.consolidation.planner.report import as_object

if TYPE_CHECKING:
    from headroom_collector.consolidation.planner.plan import Plan


def say(progress: Progress) -> None:
    """Write one line of progress, over the last one, to standard error."""
    left = max(0.0, progress.limit - progress.elapsed)
    hosts = f", {progress.hosts} hosts (bound {progress.bound})" if progress.hosts else ""
    sys.stderr.write(f"\r{progress.stage}{hosts}, at most {left:.0f} s left\x1b[K")
    if progress.stage == "done":
        sys.stderr.write("\r\x1b[K")
    sys.stderr.flush()


def planned(folder: Path, asked: Mapping[str, Any], memory: Memory) -> "Plan":
    """Read the folder and plan; raises CliError or SettingsError with what is wrong."""
    report = say if sys.stderr.isatty() else silent
    try:
        options = Options(**asked)
        prices = folder / "estate.toml"
        savings = with_money(load_prices(prices if prices.exists() else None))
        problem = read_folder(folder, memory)
        with stop_asked() as stopped:
            # Loads numba where it is there, which takes a second: only who plans waits for it.
            from headroom_collector.consolidation.planner.plan import plan  # noqa: PLC0415

            return plan(problem, options, report, stopped=stopped, savings=savings)
    except PlanError as error:
        raise CliError(str(error)) from None


@contextmanager
def stop_asked() -> Iterator[Callable[[], bool]]:
    """Yield the question whether Ctrl-C was pressed, which then does nothing else; twice, it ends."""
    asked = Event()
    before = signal.getsignal(signal.SIGINT)

    def note(number: int, frame: FrameType | None) -> None:
        del number, frame
        asked.set()
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, note)
    try:
        yield asked.is_set
    finally:
        signal.signal(signal.SIGINT, before)


def plan_from(folder: Path, asked: Mapping[str, Any], memory: Memory) -> dict[str, Any]:
    """Plan the estate in a folder and return the plan as an object; raises CliError."""
    return as_object(planned(folder, asked, memory))
