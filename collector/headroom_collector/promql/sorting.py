"""Ranks and quantiles down the columns of a table in which some cells do not count."""

import numpy as np

from headroom_collector.promql.model import Bools, Floats, Ints


def quantiles(values: Floats, counts: Bools, wanted: Floats) -> Floats:
    """
    Return the quantile of each column's cells that count, linear between neighbours.

    ``wanted`` is one a column; below 0 it gives -Inf, above 1 +Inf. NaN sorts before all numbers
    (promql/quantile.go of Prometheus 2.42).
    """
    size = counts.sum(axis=0)
    odd = (np.isnan(values) & counts).sum(axis=0)
    # np.sort puts NaN last and cells that do not count are made +Inf: neither is ever picked.
    ordered = np.sort(np.where(counts, values, np.inf), axis=0)
    share = np.clip(np.nan_to_num(wanted), 0.0, 1.0)
    rank = share * np.maximum(size - 1, 0)
    low = np.floor(rank)
    weight = rank - low
    lower = _pick(ordered, low.astype(np.int64), odd)
    upper = _pick(ordered, np.minimum(low + 1, np.maximum(size - 1, 0)).astype(np.int64), odd)
    between = lower * (1 - weight) + upper * weight
    found = np.where(wanted < 0, -np.inf, np.where(wanted > 1, np.inf, between))
    return np.where(np.isnan(wanted) | (size == 0), np.nan, found)


def _pick(ordered: Floats, at: Ints, odd: Ints) -> Floats:
    """Return the cell at each column's rank, where the first ``odd`` ranks are NaN."""
    if not len(ordered):
        return np.full(at.shape, np.nan)
    inside = np.clip(at - odd, 0, len(ordered) - 1)
    picked = np.take_along_axis(ordered, inside[np.newaxis, :], axis=0)[0]
    return np.where(at < odd, np.nan, picked)


def ranks(values: Floats, counts: Bools, *, largest: bool) -> Ints:
    """Return each cell's rank in its column from 0, cells that do not count and NaN last."""
    key = -values if largest else values
    last = np.where(counts, np.isnan(values), 2)
    order = np.lexsort((np.where(last, 0.0, key), last), axis=0)
    found = np.empty(values.shape, dtype=np.int64)
    np.put_along_axis(found, order, np.arange(len(values))[:, np.newaxis], axis=0)
    return found
