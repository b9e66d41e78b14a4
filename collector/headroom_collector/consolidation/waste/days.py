"""Days of a thing: what its busiest 5 minutes were, day by day, and how long it has been still."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Row = NDArray[np.float64]

DAY_NS = 86_400 * 1_000_000_000


@dataclass(frozen=True, slots=True)
class Stretch:
    """
    Days up to the newest one in which something held, without a known exception.

    ``first``: the first of them, counted in the row; ``known``: of how many something is known;
    ``at_least`` where nothing is known of before.
    """

    first: int
    length: int
    known: int
    at_least: bool

    @property
    def share(self) -> float:
        """Share of the days that are known."""
        return self.known / self.length if self.length else 0.0


def stretch(holds: Row) -> Stretch:
    """
    Return the last stretch of ``holds``: 1 where it held on that day, 0 where not, NaN where unknown.

    Days that are unknown neither end a stretch nor begin it.
    """
    known = ~np.isnan(holds)
    broken = np.flatnonzero(known & (holds == 0))
    after = int(broken[-1]) + 1 if broken.size else 0
    found = np.flatnonzero(known[after:])
    if not found.size:
        return Stretch(len(holds), 0, 0, at_least=False)
    first = after + int(found[0])
    return Stretch(first, len(holds) - first, int(found.size), at_least=not broken.size)


def below(peaks: Row, limit: float) -> Row:
    """Return 1 for days whose peak is below ``limit``, 0 for others, NaN for unknown ones."""
    return np.where(np.isnan(peaks), np.nan, (peaks < limit).astype(np.float64))


def when(first_day: int, index: int) -> int:
    """Return the start of a day in UTC nanoseconds; ``first_day`` since 1970 is that of index 0."""
    return (first_day + index) * DAY_NS


def days(count: int) -> str:
    """Say a number of days."""
    return f"{count} day{'' if count == 1 else 's'}"
