"""Course of a run: how much time is left, whether it was stopped, and who wants to hear how it goes."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Self


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is; ``hosts`` of the best plan so far, 0 while there is none. Times in seconds."""

    stage: str
    hosts: int
    bound: int
    elapsed: float
    limit: float


def silent(_: Progress) -> None:
    """Hear nothing."""


def never() -> bool:
    """Say that nobody has stopped the run."""
    return False


@dataclass(frozen=True, slots=True)
class Course:
    """
    One run of the planner.

    ``clock`` gives seconds; ``stopped`` says whether the best plan so far is wanted now.
    """

    began: float
    limit: float
    report: Callable[[Progress], None] = silent
    stopped: Callable[[], bool] = never
    clock: Callable[[], float] = time.monotonic

    def elapsed(self) -> float:
        """Return the seconds since the run began."""
        return self.clock() - self.began

    def part(self, share: float) -> Self:
        """Return a course whose limit leaves out all but a share of the time that is left."""
        left = max(0.0, self.limit - self.elapsed())
        return replace(self, limit=self.elapsed() + share * left)

    def over(self) -> bool:
        """Tell whether the time is up or the run was stopped."""
        return self.stopped() or self.elapsed() >= self.limit

    def say(self, stage: str, hosts: int = 0, bound: int = 0) -> None:
        """Report progress."""
        self.report(Progress(stage, hosts, bound, self.elapsed(), self.limit))
