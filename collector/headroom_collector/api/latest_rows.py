"""Latest values of the things of a kind, out of the last minutes only."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from headroom_collector.api.times import SECOND
from headroom_collector.store.api import Reader
from headroom_proto.catalogue import Column, Kind

LOOKBACK = 300 * SECOND
"""What is older than this is not a value of now; nanoseconds."""


@dataclass(frozen=True, slots=True)
class Value:
    """One value, scaled to its column's unit."""

    column: Column
    value: float


@dataclass(frozen=True, slots=True)
class Latest:
    """The newest sample of one thing; ``time`` in UTC nanoseconds."""

    host_id: int
    labels: Mapping[str, str]
    time: int
    row: Mapping[str, Any]

    def values(self, columns: Sequence[Column]) -> Iterator[Value]:
        """Return what is known of these columns."""
        for column in columns:
            value = self.row[column.field]
            if value is not None:
                yield Value(column, value * column.scale if column.scale != 1 else value)


def _sql(kind: Kind, hosts: Collection[int] | None) -> str:
    columns = ", ".join(f's."{column.field}"' for column in kind.columns)
    view = f'"{kind.name}_sample"'
    of_hosts = " AND host_id IN (SELECT unnest(?::INTEGER[]))" if hosts is not None else ""
    # The newest moment of each thing first, narrow; only then the wide rows of those moments.
    return f"""
        WITH newest AS (
            SELECT host_id, thing_id, max(time) AS time FROM {view}
            WHERE time > ? AND time <= ?{of_hosts} GROUP BY host_id, thing_id)
        SELECT s.host_id, s.time, CAST(t.labels AS VARCHAR) AS "_labels", {columns}
        FROM {view} s JOIN newest USING (host_id, thing_id, time) JOIN things t ON t.id = thing_id
        WHERE s.time > ? AND s.time <= ?
        QUALIFY row_number() OVER (PARTITION BY host_id, thing_id ORDER BY commit_id DESC) = 1
        """  # noqa: S608 -- names from the catalogue, everything else is a parameter


def read_latest(
    reader: Reader,
    kind: Kind,
    now: int,
    hosts: Collection[int] | None = None,
    lookback: int = LOOKBACK,
) -> list[Latest]:
    """Read the newest sample of each thing of these hosts' ids (None: all); raises StoreError."""
    span = (now - lookback, now + LOOKBACK)  # a host's clock may be ahead a little
    parameters = [*span, *([list(hosts)] if hosts is not None else []), *span]
    rows = reader.query(_sql(kind, hosts), parameters).to_pylist()
    return [
        Latest(row["host_id"], json.loads(row.pop("_labels")), row["time"], row) for row in rows
    ]


def metric_columns(kind: Kind) -> tuple[Column, ...]:
    """Return the columns that are metrics."""
    return tuple(column for column in kind.columns if column.metric is not None)
