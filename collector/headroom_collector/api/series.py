"""Series of a metric: from 5-minute roll-ups where the step allows, else from raw samples."""

import difflib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from headroom_collector.api.errors import NotFoundError
from headroom_collector.api.times import SECOND
from headroom_collector.store.api import Reader
from headroom_proto.catalogue import Column, Kind, catalogue

POINTS = 11_000
"""Most points of a series."""
THINGS = 1000
"""Most series of an answer."""
BUCKET = 300 * SECOND


@dataclass(frozen=True, slots=True)
class Span:
    """From ``start`` up to but without ``end``, UTC nanoseconds, a point every ``step``."""

    start: int
    end: int
    step: int

    @property
    def steps(self) -> int:
        """Number of points that fit."""
        return -(-(self.end - self.start) // self.step)


@dataclass(frozen=True, slots=True)
class Line:
    """One series; ``points`` are (UTC nanoseconds at the step's start, value in the unit)."""

    labels: Mapping[str, str]
    points: Sequence[tuple[int, float]]


def columns_of(metric: str) -> list[tuple[Kind, Column]]:
    """Return the columns behind a metric's name; raises NotFoundError for an unknown one."""
    found = [(kind, column) for kind, column in catalogue().metrics() if column.metric == metric]
    if not found:
        near = difflib.get_close_matches(metric, catalogue().names(), n=1)
        hint = f"; did you mean '{near[0]}'?" if near else ""
        raise NotFoundError(f"metric '{metric}' is not in the catalogue{hint}")
    return found


def _source(kind: Kind, column: Column, step: int) -> str:
    """Return SQL for (time, thing_id, value, weight) of some hosts between two moments."""
    raw = f"""
        SELECT time, thing_id, "{column.field}" AS value, 1 AS weight FROM "{kind.name}_sample"
        WHERE list_contains($hosts::INTEGER[], host_id) AND time >= $start AND time < $end
          AND "{column.field}" IS NOT NULL"""  # noqa: S608 -- names from the catalogue, the rest are parameters
    if not kind.rolled_up or column.type == "counter" or step < BUCKET:
        return raw
    table = f'"{kind.name}_5m"'
    rolled = f"""
        SELECT time, thing_id, "{column.field}_mean" AS value, samples AS weight FROM {table}
        WHERE list_contains($hosts::INTEGER[], host_id) AND time >= $start AND time < $end
          AND "{column.field}_mean" IS NOT NULL"""  # noqa: S608 -- names from the catalogue, the rest are parameters
    # Raw samples only for the buckets that are not rolled up yet.
    return f"""{rolled} UNION ALL {raw} AND time >= (
        SELECT coalesce(max(time) + {BUCKET}, 0) FROM {table}
        WHERE list_contains($hosts::INTEGER[], host_id))"""  # noqa: S608 -- as above


def _sql(kind: Kind, column: Column, step: int) -> str:
    value = (
        "arg_max(value, time)" if column.type == "counter" else "sum(value * weight) / sum(weight)"
    )
    return f"""
        WITH points AS ({_source(kind, column, step)})
        SELECT CAST(t.labels AS VARCHAR) AS labels,
               $start + ((time - $start) // $step) * $step AS moment, {value} AS value
        FROM points JOIN things t ON t.id = thing_id GROUP BY ALL ORDER BY labels, moment
        """  # noqa: S608 -- made of the above


def _positional(sql: str, span: Span, hosts: Sequence[int]) -> tuple[str, list[object]]:
    """Return SQL with its named parameters as numbered ones: a reader takes a sequence."""
    values: dict[str, object] = {
        "$hosts": list(hosts),
        "$start": span.start,
        "$end": span.end,
        "$step": span.step,
    }
    for number, name in enumerate(values, start=1):
        sql = sql.replace(name, f"${number}")
    return sql, list(values.values())


def read_series(
    reader: Reader, columns: Sequence[tuple[Kind, Column]], hosts: Sequence[int], span: Span
) -> list[Line]:
    """Read the series of these columns of a host's ids, at most 1,000; raises StoreError."""
    lines: list[Line] = []
    for kind, column in columns:
        sql, parameters = _positional(_sql(kind, column, span.step), span, hosts)
        points: dict[str, list[tuple[int, float]]] = {}
        for row in reader.query(sql, parameters).to_pylist():
            points.setdefault(row["labels"], []).append(
                (row["moment"], row["value"] * column.scale)
            )
        lines += _lines(column, points)
    return lines[:THINGS]


def _lines(column: Column, points: Mapping[str, list[tuple[int, float]]]) -> Iterator[Line]:
    for labels, found in points.items():
        yield Line({**json.loads(labels), **dict(column.labels)}, found)
