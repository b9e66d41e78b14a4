"""Which queries the 5-minute roll-ups answer, and from which of their columns."""

from headroom_collector.promql.source import Hints
from headroom_collector.store.tables import BUCKET
from headroom_proto.catalogue import Column, Kind

BUCKET_MS = BUCKET // 1_000_000
LONG = 6 * 3_600_000
"""Range in milliseconds from which a single moment is answered from roll-ups."""
RATE = 4 * BUCKET_MS
"""Least range in milliseconds for a counter's growth: fewer buckets would be too coarse."""

MEANS = frozenset(
    {
        "",
        "avg_over_time",
        "delta",
        "deriv",
        "last_over_time",
        "predict_linear",
        "present_over_time",
    }
)
GROWTH = frozenset({"increase", "rate"})
ONLY_WHERE_RAW_IS_GONE = frozenset({"min_over_time", "quantile_over_time", "stddev_over_time"})
"""Of means these are milder than of the samples: taken only where the samples are dropped."""


def _part(column: Column, function: str, *, gone: bool) -> str | None:
    if column.type == "counter":
        return "delta" if function in GROWTH else None
    if function == "max_over_time":
        return "max"
    if function in MEANS or (gone and function in ONLY_WHERE_RAW_IS_GONE):
        return "mean"
    return None


def rolled(kind: Kind, column: Column, hints: Hints, floor: int) -> str | None:
    """
    Return the column of the roll-up that answers: mean, max or delta; None for the samples.

    Roll-ups answer where the step is no finer than they are, or where the samples before
    ``floor`` (milliseconds) are wanted, which are dropped.
    """
    gone = hints.start - hints.window < floor
    part = _part(column, hints.function, gone=gone) if kind.rolled_up else None
    if part is None or gone:
        return part
    coarse = hints.resolution >= BUCKET_MS or (hints.resolution == 0 and hints.window >= LONG)
    fine = 0 < hints.step < BUCKET_MS
    least = RATE if part == "delta" else BUCKET_MS
    return part if coarse and not fine and hints.window >= least else None
