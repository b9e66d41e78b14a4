"""What a store was given, as the series that a Prometheus is to have of it."""

from collections.abc import Callable, Iterable, Mapping

from headroom_collector.promql.model import Labels
from headroom_collector.store.api import StoreBatch
from headroom_proto.catalogue import catalogue

Series = dict[Labels, list[tuple[int, float]]]


def series_of(batches: Iterable[StoreBatch], around: Callable[[str], Mapping[str, str]]) -> Series:
    """
    Return the samples of batches by labels, in milliseconds and in the metric's unit.

    ``around`` gives the labels of a host's name: those that do not come from the sample.
    """
    found: Series = {}
    for batch in batches:
        for rows in batch.rows:
            kind = catalogue().kind(rows.kind)
            for time, thing, values in rows.rows:
                own = {**around(thing.labels.get("host", batch.host)), **kind.series(thing.labels)}
                for column, value in zip(kind.columns, values, strict=True):
                    if value is None or column.metric is None:
                        continue
                    labels = {**own, **dict(column.labels), "__name__": column.metric}
                    key = tuple(sorted((name, text) for name, text in labels.items() if text))
                    found.setdefault(key, []).append((time // 1_000_000, value * column.scale))
    return {labels: sorted(samples) for labels, samples in found.items()}
