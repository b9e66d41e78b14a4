"""
Trend of a daily value, robust and with a band.

The slope is the median of the slopes between all pairs of days (Theil 1950, Sen 1968), which a
quarter of wild days cannot move. Its band comes from the ranks of those slopes with the variance of
Kendall's S, n (n - 1) (2 n + 5) / 18, widened by (1 + r) / (1 - r) for days that resemble the day
before (r: correlation of the residuals from one day to the next).
"""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Row = NDArray[np.float64]
Direction = Literal["rising", "falling", "steady", "unknown"]

LEAST_DAYS = 21
"""Three weeks: with fewer days a weekly rhythm looks like a trend."""
RHYTHM_DAYS = 28
Z80 = 1.2815515594
"""Standard normal quantile of 0.9: the band holds 80 %, from P10 to P90."""
MOST_ALIKE = 0.95
WEEK = 7
HORIZON = 3.0
"""A trend is carried on over so many times its history, and no further."""


@dataclass(frozen=True, slots=True)
class Trend:
    """
    A straight line through daily values.

    ``level``: where the busiest weekday stands on the newest day; slopes in the values' unit a day,
    ``low`` to ``high`` an 80 % band. ``direction`` is "steady" where the band has 0 in it: no trend
    can be told; "unknown" with fewer than ``LEAST_DAYS`` days, when all the rest is None.
    """

    direction: Direction
    days: int
    level: float | None = None
    slope: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Crossing:
    """
    Days from the newest value on until the level reaches a limit; 0 where it is above already.

    ``likely`` by the slope, ``earliest`` and ``latest`` by the ends of its band, each None where it is
    not reached within the horizon.
    """

    likely: float | None
    earliest: float | None
    latest: float | None


def pair_slopes(at: Row, values: Row) -> Row:
    """Return the slopes between all pairs of days, in order."""
    one, other = np.triu_indices(len(at), k=1)
    return np.sort((values[other] - values[one]) / (at[other] - at[one]))


def rhythm(at: Row, values: Row) -> Row:
    """Return what each of the seven days adds to the median; zeros with fewer than four weeks."""
    effect = np.zeros(WEEK)
    if len(at) < RHYTHM_DAYS:
        return effect
    flat = values - np.median(pair_slopes(at, values)) * at
    weekday = at.astype(np.int64) % WEEK
    for day in range(WEEK):
        if (weekday == day).any():
            effect[day] = np.median(flat[weekday == day]) - np.median(flat)
    return effect


def alikeness(residuals: Row) -> float:
    """Return the correlation from one day to the next, between 0 and ``MOST_ALIKE``."""
    spread = float((residuals**2).sum())
    if spread <= 0:
        return 0.0
    found = float((residuals[1:] * residuals[:-1]).sum()) / spread
    return min(MOST_ALIKE, max(0.0, found))


def band(slopes: Row, days: int, alike: float) -> tuple[float, float]:
    """Return the ends of the slope's 80 % band; ``slopes`` in order."""
    variance = days * (days - 1) * (2 * days + 5) / 18 * (1 + alike) / (1 - alike)
    reach = Z80 * math.sqrt(variance)
    low = math.floor((len(slopes) - reach) / 2)
    high = math.ceil((len(slopes) + reach) / 2)
    return float(slopes[max(0, low)]), float(slopes[min(len(slopes) - 1, high)])


def _direction(low: float, high: float) -> Direction:
    if low > 0:
        return "rising"
    return "falling" if high < 0 else "steady"


def trend(at: Row, values: Row) -> Trend:
    """
    Return the trend of ``values`` on the days ``at``, whole days since 1970 in order.

    Days without a value are left out of both.
    """
    days = len(at)
    if days < LEAST_DAYS:
        return Trend("unknown", days)
    effect = rhythm(at, values)
    even = values - effect[at.astype(np.int64) % WEEK]
    slopes = pair_slopes(at, even)
    slope = float(np.median(slopes))
    start = float(np.median(even - slope * at))
    low, high = band(slopes, days, alikeness(even - start - slope * at))
    return Trend(
        direction=_direction(low, high),
        days=days,
        level=start + slope * float(at[-1]) + float(effect.max()),
        slope=slope,
        low=low,
        high=high,
    )


def _reach(room: float, slope: float, horizon: float) -> float | None:
    if room <= 0:
        return 0.0
    if slope <= 0 or room / slope > horizon:
        return None
    return room / slope


def crossing(found: Trend, limit: float, span_days: float) -> Crossing | None:
    """
    Return when the trend reaches ``limit``; None where there is none to be told.

    ``span_days``: length of the history that it rests on. A steady one has no likely crossing, but
    perhaps an earliest.
    """
    if found.level is None or found.slope is None or found.low is None or found.high is None:
        return None
    room, horizon = limit - found.level, HORIZON * span_days
    steady = found.direction == "steady" and room > 0
    return Crossing(
        likely=None if steady else _reach(room, found.slope, horizon),
        earliest=_reach(room, found.high, horizon),
        latest=_reach(room, found.low, horizon),
    )
