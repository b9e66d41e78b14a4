"""Series of Parquet files: read in batches onto the time grid, so that memory holds one matrix."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from headroom_collector.consolidation.planner.gaps import UNKNOWN, fill
from headroom_collector.consolidation.planner.model import STEP_SECONDS, Demand, PlanError

BATCH = 1 << 20
MOST_MHZ = 100_000_000
MOST_SAMPLES = 400 * 288
"""400 days; a longer span is a mistake in the times."""
ROOM = 4 * 2**30
"""Bytes that the matrix may have."""


@dataclass(frozen=True, slots=True)
class Source:
    """A file of series: ``key`` names the column of things, which ``listed`` in another file are."""

    path: Path
    key: str = "vm"
    listed: str = "vms.csv"

    @property
    def file(self) -> str:
        """Name of the file, for messages."""
        return self.path.name

    @property
    def thing(self) -> str:
        """What a row is about, for messages."""
        return "a VM" if self.key == "vm" else f"a {self.key}"


@dataclass(frozen=True, slots=True)
class Series:
    """Demand (VMs, samples) in whole MHz, gaps filled; share known by VM; first sample's time."""

    demand: Demand
    known: NDArray[np.float64]
    start: int
    notes: tuple[str, ...]


@dataclass(slots=True)
class Extent:
    """First and last Unix second, greatest MHz and rows of one file or several."""

    first: int = 2**62
    last: int = -(2**62)
    most: float = 0.0
    rows: int = 0

    @property
    def start(self) -> int:
        """Start of the first interval, Unix seconds."""
        return self.first // STEP_SECONDS * STEP_SECONDS

    @property
    def samples(self) -> int:
        """Intervals from the first to the last."""
        return (self.last - self.start) // STEP_SECONDS + 1


def read_series(path: Path, names: Sequence[str]) -> Series:
    """
    Read the demand of the named VMs, gaps filled; raises PlanError.

    Where several samples fall in one interval the highest counts, so that a VM that two hosts
    report while it migrates is counted once.
    """
    source = Source(path)
    extent = extent_of(source)
    demand, notes = read_matrix(source, names, extent)
    demand, known = fill(demand, extent.start)
    return Series(demand, known, extent.start, notes)


def extent_of(source: Source) -> Extent:
    """Return what a file spans; raises PlanError where it is empty."""
    found = Extent()
    with _reading(source):
        file = pq.ParquetFile(source.path)
        _check_columns(source, file.schema_arrow)
        _grow(source, file, found)
    if not found.rows:
        raise PlanError(
            f"{source.file} has no row: expected samples of the {source.key}s of {source.listed}"
        )
    return found


def read_matrix(
    source: Source, names: Sequence[str], extent: Extent
) -> tuple[Demand, tuple[str, ...]]:
    """
    Return demand (names, samples), UNKNOWN in gaps, and notes; raises PlanError.

    ``extent`` alone says where the grid begins and ends: samples outside it, of a file that spans
    more than the one it was taken from, are left out.
    """
    samples = extent.samples
    if samples > MOST_SAMPLES:
        raise PlanError(
            f"{source.file}: timestamps span {samples * STEP_SECONDS // 86400} days: expected at"
            f" most {MOST_SAMPLES // 288}; Unix times are in seconds"
        )
    width = np.int16 if extent.most <= np.iinfo(np.int16).max else np.int32
    if len(names) * samples * np.dtype(width).itemsize > ROOM:
        raise PlanError(
            f"{source.file}: {len(names)} {source.key}s x {samples} samples are more than"
            f" {ROOM >> 30} GiB: plan a shorter span, or cluster by cluster"
        )
    demand: Demand = np.full((len(names), samples), UNKNOWN, dtype=width)
    index = {name: at for at, name in enumerate(names)}
    double = 0
    with _reading(source):
        file = pq.ParquetFile(source.path)
        for row, batch in _batches(file, source.key, "timestamp", "cpu_mhz"):
            things = _things(source, batch.column(source.key), index, row)
            seconds = _seconds(source, batch.column("timestamp"))
            at = (seconds - extent.start) // STEP_SECONDS
            mhz = _mhz(source, batch.column("cpu_mhz"), row).astype(width)
            inside = (at >= 0) & (at < samples)
            double += _put(demand, things[inside], at[inside], mhz[inside])
    notes = [f"{double} further samples of an interval: the highest counts"] if double else []
    return demand, tuple(notes)


def read_peaks(source: Source, names: Sequence[str], column: str) -> NDArray[np.float64]:
    """Return the greatest value of a column by name, NaN where it is not known; raises PlanError."""
    found = np.full(len(names), np.nan)
    index = {name: at for at, name in enumerate(names)}
    with _reading(source):
        file = pq.ParquetFile(source.path)
        if column not in file.schema_arrow.names:
            raise PlanError(f"{source.file}: column {column!r} is missing: it says what was used")
        for row, batch in _batches(file, source.key, column):
            things = _things(source, batch.column(source.key), index, row)
            values = batch.column(column).cast(pa.float64()).fill_null(float("nan"))
            np.fmax.at(found, things, values.to_numpy(zero_copy_only=False))
    return found


class _reading:  # noqa: N801 - reads as a statement
    """Turns what reading Parquet raises into one line."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Say it in one line; raises PlanError, MemoryError."""
        if isinstance(error, pa.ArrowMemoryError):
            raise MemoryError from None  # noqa: TRY004 - it is about memory, not about a type
        if isinstance(error, (pa.ArrowException, OSError)):
            first = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise PlanError(f"{self._source.file}: cannot be read as Parquet: {first}") from None


def _check_columns(source: Source, schema: Any) -> None:
    for name in (source.key, "timestamp", "cpu_mhz"):
        if name not in schema.names:
            have = ", ".join(schema.names) or "none"
            raise PlanError(f"{source.file}: column {name!r} is missing: it has {have}")
    kind = schema.field("cpu_mhz").type
    if not (pa.types.is_floating(kind) or pa.types.is_integer(kind)):
        raise PlanError(f"{source.file}: cpu_mhz is {kind}: expected numbers, MHz used")
    kind = schema.field("timestamp").type
    if not (pa.types.is_timestamp(kind) or pa.types.is_integer(kind)):
        raise PlanError(
            f"{source.file}: timestamp is {kind}: expected a timestamp or Unix seconds"
        )


def _seconds(source: Source, column: Any) -> NDArray[np.int64]:
    if column.null_count:
        raise PlanError(
            f"{source.file}: timestamp is empty in {column.null_count} rows: expected a time"
        )
    if pa.types.is_timestamp(column.type):
        column = pc.floor_temporal(column, unit="second").cast(pa.timestamp("s", column.type.tz))
    found: NDArray[np.int64] = column.cast(pa.int64()).to_numpy(zero_copy_only=False)
    return found


def _batches(file: Any, *columns: str) -> Iterator[tuple[int, Any]]:
    row = 0
    for batch in file.iter_batches(batch_size=BATCH, columns=list(columns)):
        yield row, batch
        row += batch.num_rows


def _grow(source: Source, file: Any, found: Extent) -> None:
    for row, batch in _batches(file, "timestamp", "cpu_mhz"):
        if not batch.num_rows:
            continue
        seconds = _seconds(source, batch.column("timestamp"))
        mhz = _mhz(source, batch.column("cpu_mhz"), row)
        found.first = min(found.first, int(seconds.min()))
        found.last = max(found.last, int(seconds.max()))
        found.most = max(found.most, float(mhz.max()))
        found.rows += batch.num_rows


def _mhz(source: Source, column: Any, row: int) -> NDArray[np.float64]:
    """Return MHz rounded up to whole ones, UNKNOWN where empty or not a number."""
    found = column.cast(pa.float64()).fill_null(float("nan")).to_numpy(zero_copy_only=False)
    wrong = np.flatnonzero((found < 0) | (found > MOST_MHZ))
    if len(wrong):
        at, value = row + int(wrong[0]), float(found[wrong[0]])
        raise PlanError(
            f"{source.file}, row {at}: cpu_mhz is {value:g}: expected a number from 0 to {MOST_MHZ}"
        )
    whole: NDArray[np.float64] = np.nan_to_num(np.ceil(found - 1e-6), nan=UNKNOWN)
    return whole


def _put(demand: Demand, things: NDArray[Any], at: NDArray[Any], mhz: NDArray[Any]) -> int:
    """Write samples into the matrix; returns how many intervals had one before."""
    cells = things.astype(np.int64) * demand.shape[1] + at
    flat = demand.reshape(-1)
    before = flat[cells]
    if (before == UNKNOWN).all() and bool((np.diff(cells) > 0).all()):
        flat[cells] = mhz
        return 0
    fresh = int(np.count_nonzero(flat[np.unique(cells)] == UNKNOWN))
    np.maximum.at(flat, cells, mhz)
    return len(cells) - fresh


def _things(source: Source, column: Any, index: dict[str, int], row: int) -> NDArray[np.int64]:
    """Return the index of each row's thing; raises PlanError for one that is not listed."""
    coded = column.dictionary_encode() if not pa.types.is_dictionary(column.type) else column
    named = [None if one is None else str(one) for one in coded.dictionary.to_pylist()]
    known = np.array([index.get(one, -1) if one is not None else -1 for one in named] + [-1])
    codes = coded.indices.fill_null(len(named)).to_numpy(zero_copy_only=False)
    found: NDArray[np.int64] = known[codes]
    wrong = np.flatnonzero(found < 0)
    if len(wrong):
        code = int(codes[wrong[0]])
        name = named[code] if code < len(named) else None
        raise PlanError(
            f"{source.file}, row {row + int(wrong[0])}: {source.key} is {name!r}:"
            f" expected {source.thing} of {source.listed}"
        )
    return found
