"""
Other families of rules, on 5-minute means: what a page could be decided by.

Each says for every mean of a host whether a page may fire at its end. All clear as the default does,
so that only what fires differs.
"""

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
from numpy.typing import NDArray

from headroom_core.rules import CeilingRule

GRID = 300.0
DAY = 288
"""Means in a day."""
Load = NDArray[np.float64]
Fires = NDArray[np.bool_]


def rolling(values: Load, count: int) -> Load:
    """Return the mean of so many values up to each; -inf before there are so many."""
    sums = np.cumsum(np.concatenate([[0.0], values]))
    found = np.full(len(values), -np.inf)
    found[count - 1 :] = (sums[count:] - sums[:-count]) / count
    return found


def in_a_row(load: Load, ceiling: float, count: int) -> Fires:
    """Fire after so many means above the ceiling in a row."""
    return rolling((load > ceiling).astype(float), count) >= 1.0


def share(load: Load, ceiling: float, above: int, of: int) -> Fires:
    """Fire once so many of the last means were above the ceiling, the newest among them."""
    return (rolling((load > ceiling).astype(float), of) >= above / of) & (load > ceiling)


def two_windows(load: Load, ceiling: float, count: int, longer: int) -> Fires:
    """Fire where both a short and a long mean are above the ceiling."""
    return in_a_row(load, ceiling, count) & (rolling(load, longer) > ceiling)


def excess(load: Load, ceiling: float, slack: float, limit: float) -> Fires:
    """
    Fire once the excess over the ceiling, added up, passes a limit (CUSUM; ratio x minutes).

    ``slack`` is taken off the ceiling: what hovers just above it adds up as well.
    """
    found, total = np.zeros(len(load), dtype=bool), 0.0
    for at, value in enumerate(load):
        total = min(max(0.0, total + 5 * (value - ceiling + slack)), 2 * limit)
        found[at] = total > limit and value > ceiling
    return found


def either(load: Load, ceiling: float, quick: int, factor: float, slow: int) -> Fires:
    """Fire soon far above the ceiling, later just above it."""
    return in_a_row(load, ceiling * factor, quick) | in_a_row(load, ceiling, slow)


def unusual(load: Load, ceiling: float, count: int, patient: int) -> Fires:
    """Fire soon where the hour of the day before was quiet, later where it was above as well."""
    before = np.concatenate([np.full(DAY, -np.inf), rolling(load, 12)[:-DAY]])[: len(load)]
    usual = before > 0.8 * ceiling
    return np.where(usual, in_a_row(load, ceiling, patient), in_a_row(load, ceiling, count))


def learnt(load: Load, ceiling: float, count: int, patient: int) -> Fires:
    """Fire soon where most earlier excursions became overloads, later elsewhere."""
    found = np.zeros(len(load), dtype=bool)
    row = long = short = 0
    for at, value in enumerate(load):
        if value > ceiling:
            row += 1
        elif row:
            long, short, row = long + (row >= 6), short + (2 <= row < 6), 0
        found[at] = row >= (count if long > short else patient)
    return found


Rule = Callable[[Load, float], Fires]
FAMILIES: Mapping[str, Rule] = {
    "2 means in a row": partial(in_a_row, count=2),
    "3 means in a row": partial(in_a_row, count=3),
    "4 means in a row": partial(in_a_row, count=4),
    "5 means in a row": partial(in_a_row, count=5),
    "4 of 5 means": partial(share, above=4, of=5),
    "3 in a row and the mean of an hour": partial(two_windows, count=3, longer=12),
    "excess added up, 0.2": partial(excess, slack=0.0, limit=0.2),
    "excess added up, 0.4 with slack": partial(excess, slack=0.02, limit=0.4),
    "2 means 25 % above, or 4": partial(either, quick=2, factor=1.25, slow=4),
    "2 means 50 % above, or 5": partial(either, quick=2, factor=1.5, slow=5),
    "3 in a row, 5 where yesterday was as high": partial(unusual, count=3, patient=5),
    "3 in a row where excursions last, else 5": partial(learnt, count=3, patient=5),
}


def grid_spans(load: Load, fires: Fires, ceiling: float) -> list[tuple[float, float]]:
    """Return when the alert fires and resolves, in seconds, clearing as the default does."""
    rule = CeilingRule()
    clear, need = load < ceiling * rule.clear_factor, rule.clear_hold_seconds / GRID
    found, since, calm = [], None, 0
    for at in range(len(load)):
        if since is None:
            since, calm = ((at + 1) * GRID, 0) if fires[at] else (None, 0)
            continue
        calm = calm + 1 if clear[at] else 0
        if calm > need:
            found.append((since, (at + 1) * GRID))
            since = None
    return [*found, (since, len(load) * GRID)] if since is not None else found
