"""Export of samples as Parquet: one file a kind and day, with names in place of numbers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq

from headroom_collector.store.api import Reader, StoreError
from headroom_collector.store.tables import DAY
from headroom_proto.catalogue import Kind

HOUR = 3_600_000_000_000
"""Samples are read an hour at a time, so that memory stays small."""


@dataclass(frozen=True, slots=True)
class Exported:
    """A file that was written, and its rows."""

    file: str
    rows: int


def _select(kind: Kind) -> str:
    labels = [
        f"t.labels->>'{label.name}' AS \"{label.name}\""
        for label in kind.labels
        if label.name != "host"
    ]
    columns = [f's."{column.field}"' for column in kind.columns]
    return (
        f"SELECT make_timestamp_ns(s.time) AS time, h.name AS host, {', '.join(labels + columns)} "  # noqa: S608 - names are the catalogue's
        f"FROM {kind.name}_sample s JOIN hosts h ON h.id = s.host_id "
        "JOIN things t ON t.id = s.thing_id WHERE s.time >= ? AND s.time < ? ORDER BY s.time, 2"
    )


def _write(reader: Reader, kind: Kind, start: int, end: int, file: Path) -> int:
    """Write one file; returns its rows. A file without rows is not made."""
    rows, sql = 0, _select(kind)
    partial = file.with_name(f".{file.name}.partial")
    writer: pq.ParquetWriter | None = None
    try:
        for hour in range(start, end, HOUR):
            table = reader.query(sql, [hour, min(hour + HOUR, end)])
            if table.num_rows:
                if writer is None:
                    writer = pq.ParquetWriter(partial, table.schema, compression="zstd")
                writer.write_table(table)
                rows += table.num_rows
    finally:
        if writer is not None:
            writer.close()
    if rows:
        partial.replace(file)
    return rows


def export(
    reader: Reader, kinds: Sequence[Kind], start: int, end: int, folder: Path
) -> Iterator[Exported]:
    """
    Write the samples of ``kinds`` from ``start`` to ``end`` (UTC nanoseconds) to ``folder``.

    Yields each file once it is complete. Raises StoreError in one line.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for kind in kinds:
            for day in range(start // DAY, -(-end // DAY)):
                date = datetime.fromtimestamp(day * DAY // 10**9, UTC)
                file = folder / f"{kind.name}-{date:%Y-%m-%d}.parquet"
                first, last = max(start, day * DAY), min(end, (day + 1) * DAY)
                rows = _write(reader, kind, first, last, file)
                if rows:
                    yield Exported(str(file), rows)
    except OSError as error:
        raise StoreError(f"export to {folder}: {error.strerror}") from None
