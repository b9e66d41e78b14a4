"""What sinks read: samples by commit position, with the labels that every engine gets."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from headroom_collector.store.api import COLLECTOR_HOST, Reader
from headroom_proto.catalogue import Column, Kind

Place = Callable[[str, int], Mapping[str, str]]
"""Labels of a host's place (site, cluster, ...) at a time in UTC nanoseconds."""


@dataclass(frozen=True, slots=True)
class Group:
    """Samples of one thing, oldest first: (UTC nanoseconds, values in the order of ``columns``)."""

    kind: Kind
    columns: tuple[Column, ...]
    labels: Mapping[str, str]
    samples: Sequence[tuple[int, Sequence[float | int | None]]]


def metric_columns(kind: Kind) -> tuple[Column, ...]:
    """Return the columns that are metrics."""
    return tuple(column for column in kind.columns if column.metric is not None)


def _sql(kind: Kind, columns: Sequence[Column]) -> str:
    fields = ", ".join(f's."{column.field}"' for column in columns)
    return (
        "SELECT s.thing_id, s.time, h.name, h.simulated, CAST(t.labels AS VARCHAR), "  # noqa: S608 - the catalogue's names
        f"{fields} FROM {kind.name}_sample s JOIN hosts h ON h.id = s.host_id "
        "JOIN things t ON t.id = s.thing_id "
        "WHERE s.commit_id > ? AND s.commit_id <= ? ORDER BY s.thing_id, s.time"
    )


def last_commit(reader: Reader) -> int:
    """Return the newest commit; raises StoreError."""
    return int(reader.query("SELECT last FROM commits").column(0)[0].as_py())


def read(reader: Reader, kind: Kind, after: int, upto: int, place: Place) -> Iterator[Group]:
    """Yield the samples of commits ``after`` < id <= ``upto``, thing by thing; StoreError."""
    columns = metric_columns(kind)
    if not columns:
        return
    table = reader.query(_sql(kind, columns), [after, upto])
    rows = zip(*(column.to_pylist() for column in table.columns), strict=True)
    group: list[tuple[int, tuple[Any, ...]]] = []
    now: tuple[Any, ...] = ()
    labels: Mapping[str, str] = {}
    for thing, time, name, simulated, known, *values in rows:
        # A host that moved has other labels from then on.
        where = {} if name == COLLECTOR_HOST else place(name, time)
        key = (thing, *where.values())
        if key != now:
            if group:
                yield Group(kind, columns, labels, group)
            now, group, labels = key, [], _labels(kind, name, simulated, known, where)
        group.append((time, tuple(values)))
    if group:
        yield Group(kind, columns, labels, group)


def _labels(
    kind: Kind, name: str, simulated: bool, known: str, where: Mapping[str, str]
) -> dict[str, str]:
    own = {label: text for label, text in kind.series(json.loads(known)).items() if text}
    marks = {"simulated": "true"} if simulated else {}
    host = {} if name == COLLECTOR_HOST else {"host": name}
    return {**own, **host, **where, **marks}
