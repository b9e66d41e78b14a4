"""What alerting reads of the store: hosts and their figures, by commit position."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from headroom_collector.alert_metrics import Host, Sample, expression, kind_of
from headroom_collector.alerts.subjects import of_cluster
from headroom_collector.alerts.window import SECOND
from headroom_collector.store.api import Reader

CHUNK = 50_000
"""Rows taken in at once, about: bounds the memory of a long catching-up."""

MEMORY_SECONDS = 3600
"""How far before a host's newest sample its ring is refilled at start."""


@dataclass(frozen=True, slots=True)
class News:
    """What came after a position: up to which commit, the samples, and who reported."""

    position: int
    samples: list[Sample] = field(default_factory=list)
    heard: frozenset[str] = frozenset()


def _columns(metrics: Sequence[str]) -> str:
    return "".join(
        f", CAST({expression(metric)} AS DOUBLE) AS m{n}" for n, metric in enumerate(metrics)
    )


def _read(
    reader: Reader, metrics: Sequence[str], where: str, parameters: Sequence[Any]
) -> tuple[list[Sample], frozenset[str]]:
    # The metrics were checked against the catalogue; everything else is this module's own text.
    columns = reader.query(
        f"SELECT h.name, s.time{_columns(metrics)}"  # noqa: S608  # own text, see above
        f" FROM host_sample s JOIN hosts h ON h.id = s.host_id WHERE {where}",
        parameters,
    ).to_pydict()
    names, times = columns["name"], columns["time"]
    found = [
        Sample(name, time, value, metric)
        for n, metric in enumerate(metrics)
        for name, time, value in zip(names, times, columns[f"m{n}"], strict=True)
        if value is not None
    ]
    return found, frozenset(names)


def read_clusters(
    reader: Reader, metrics: Sequence[str], after: int, upto: int, since: int = 0
) -> list[Sample]:
    """
    Return figures of clusters from commits after one up to another, from ``since`` on (UTC ns).

    Raises StoreError.
    """
    found = []
    for metric in metrics:
        rows = reader.query(
            f"SELECT CAST(t.labels AS VARCHAR) AS labels, s.time, CAST({expression(metric)} AS DOUBLE) AS value"  # noqa: S608  # own text, checked names
            f" FROM {kind_of(metric)}_sample s JOIN things t ON t.id = s.thing_id"
            " WHERE s.commit_id > ? AND s.commit_id <= ? AND s.time > ?",
            [after, upto, since],
        ).to_pylist()
        for row in rows:
            labels = json.loads(row["labels"])
            name = of_cluster(labels["site"], labels["cluster"])
            if row["value"] is not None:
                found.append(Sample(name, row["time"], row["value"], metric))
    return found


def read_hosts(reader: Reader) -> Mapping[str, Host]:
    """Return what is needed of every host, by name. Raises StoreError."""
    columns = reader.query(
        "SELECT name, simulated, interval_seconds, received, goodbye IS NOT NULL AS goodbye"
        " FROM hosts"
    ).to_pydict()
    rows = zip(*(columns[name] for name in columns), strict=True)
    return {row[0]: Host(row[0], bool(row[1]), *row[2:]) for row in rows}


def first_position(reader: Reader, now: int) -> int:
    """Return where the very first look begins: about an hour before ``now``. Raises StoreError."""
    rows = reader.query(
        "SELECT max(commit_id) AS commit_id FROM host_sample WHERE time < ?",
        [now - MEMORY_SECONDS * SECOND],
    ).to_pylist()
    return int(rows[0]["commit_id"] or 0)


def read_new(reader: Reader, position: int, metrics: Sequence[str]) -> News:
    """
    Return what whole commits after ``position`` hold.

    The same position where there are none; call again until then. Raises StoreError.
    """
    rows = reader.query(
        "SELECT max(commit_id) AS upper FROM (SELECT commit_id FROM host_sample"
        " WHERE commit_id > ? ORDER BY commit_id LIMIT ?)",
        [position, CHUNK],
    ).to_pylist()
    upper = rows[0]["upper"]
    if upper is None:
        return News(position)
    where = "s.commit_id > ? AND s.commit_id <= ?"
    return News(int(upper), *_read(reader, metrics, where, [position, upper]))


def read_judged(reader: Reader, position: int, metrics: Sequence[str]) -> list[Sample]:
    """Return each host's last hour of samples up to ``position``. Raises StoreError."""
    where = "s.commit_id <= ? AND s.time > h.last_seen - ?"
    return _read(reader, metrics, where, [position, MEMORY_SECONDS * SECOND])[0]


MOST_REPLAYED = 3_000_000
"""Samples that one replay reads at most."""


def read_series(
    reader: Reader, metric: str, since: int, hosts: Sequence[str]
) -> dict[str, list[tuple[int, float]]]:
    """
    Return the (UTC nanoseconds, value) of a metric by host, in order; of all hosts for [].

    Raises StoreError, and ValueError where that would be too much.
    """
    where = "s.time >= ? AND (len(?::VARCHAR[]) = 0 OR list_contains(?::VARCHAR[], h.name))"
    found, _ = _read(reader, [metric], f"{where} LIMIT {MOST_REPLAYED + 1}", [since, hosts, hosts])
    if len(found) > MOST_REPLAYED:
        raise ValueError(f"more than {MOST_REPLAYED:,} samples: name hosts, or look less far back")
    series: dict[str, list[tuple[int, float]]] = {}
    for sample in sorted(found, key=lambda sample: sample.time):
        series.setdefault(sample.host, []).append((sample.time, sample.value))
    return series
