"""Series of demand.parquet: read in batches onto the time grid, so that memory holds one matrix."""

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

FILE = "demand.parquet"
BATCH = 1 << 20
MOST_MHZ = 100_000_000
MOST_SAMPLES = 400 * 288
"""400 days; a longer span is a mistake in the times."""
ROOM = 4 * 2**30
"""Bytes that the matrix may have."""


@dataclass(frozen=True, slots=True)
class Series:
    """Demand (VMs, samples) in whole MHz, gaps filled; share known by VM; first sample's time."""

    demand: Demand
    known: NDArray[np.float64]
    start: int
    notes: tuple[str, ...]


@dataclass(slots=True)
class _Extent:
    first: int = 2**62
    last: int = -(2**62)
    most: float = 0.0
    rows: int = 0


def read_series(path: Path, names: Sequence[str]) -> Series:
    """
    Read the demand of the named VMs; raises PlanError.

    Where several samples fall in one interval the highest counts, so that a VM that two hosts
    report while it migrates is counted once.
    """
    try:
        file = pq.ParquetFile(path)
        _check_columns(file.schema_arrow)
        extent = _extent(file)
        return _read(file, names, extent)
    except pa.ArrowMemoryError:
        raise MemoryError from None
    except (pa.ArrowException, OSError) as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise PlanError(f"{FILE}: cannot be read as Parquet: {first}") from None


def _check_columns(schema: Any) -> None:
    for name in ("vm", "timestamp", "cpu_mhz"):
        if name not in schema.names:
            have = ", ".join(schema.names) or "none"
            raise PlanError(f"{FILE}: column {name!r} is missing: it has {have}")
    kind = schema.field("cpu_mhz").type
    if not (pa.types.is_floating(kind) or pa.types.is_integer(kind)):
        raise PlanError(f"{FILE}: cpu_mhz is {kind}: expected numbers, MHz used")
    kind = schema.field("timestamp").type
    if not (pa.types.is_timestamp(kind) or pa.types.is_integer(kind)):
        raise PlanError(f"{FILE}: timestamp is {kind}: expected a timestamp or Unix seconds")


def _seconds(column: Any) -> NDArray[np.int64]:
    if column.null_count:
        raise PlanError(f"{FILE}: timestamp is empty in {column.null_count} rows: expected a time")
    if pa.types.is_timestamp(column.type):
        column = pc.floor_temporal(column, unit="second").cast(pa.timestamp("s", column.type.tz))
    found: NDArray[np.int64] = column.cast(pa.int64()).to_numpy(zero_copy_only=False)
    return found


def _batches(file: Any, *columns: str) -> Iterator[tuple[int, Any]]:
    row = 0
    for batch in file.iter_batches(batch_size=BATCH, columns=list(columns)):
        yield row, batch
        row += batch.num_rows


def _extent(file: Any) -> _Extent:
    found = _Extent()
    for row, batch in _batches(file, "timestamp", "cpu_mhz"):
        if not batch.num_rows:
            continue
        seconds = _seconds(batch.column("timestamp"))
        mhz = _mhz(batch.column("cpu_mhz"), row)
        found.first = min(found.first, int(seconds.min()))
        found.last = max(found.last, int(seconds.max()))
        found.most = max(found.most, float(mhz.max()))
        found.rows += batch.num_rows
    if not found.rows:
        raise PlanError(f"{FILE} has no row: expected samples of the VMs of vms.csv")
    return found


def _mhz(column: Any, row: int) -> NDArray[np.float64]:
    """Return MHz rounded up to whole ones, UNKNOWN where empty or not a number."""
    found = column.cast(pa.float64()).fill_null(float("nan")).to_numpy(zero_copy_only=False)
    wrong = np.flatnonzero((found < 0) | (found > MOST_MHZ))
    if len(wrong):
        at, value = row + int(wrong[0]), float(found[wrong[0]])
        raise PlanError(
            f"{FILE}, row {at}: cpu_mhz is {value:g}: expected a number from 0 to {MOST_MHZ}"
        )
    whole: NDArray[np.float64] = np.nan_to_num(np.ceil(found - 1e-6), nan=UNKNOWN)
    return whole


def _read(file: Any, names: Sequence[str], extent: _Extent) -> Series:
    start = extent.first // STEP_SECONDS * STEP_SECONDS
    samples = (extent.last - start) // STEP_SECONDS + 1
    if samples > MOST_SAMPLES:
        raise PlanError(
            f"{FILE}: timestamps span {samples * STEP_SECONDS // 86400} days: expected at most"
            f" {MOST_SAMPLES // 288}; Unix times are in seconds"
        )
    width = np.int16 if extent.most <= np.iinfo(np.int16).max else np.int32
    if len(names) * samples * np.dtype(width).itemsize > ROOM:
        raise PlanError(
            f"{FILE}: {len(names)} VMs x {samples} samples are more than {ROOM >> 30} GiB:"
            " plan a shorter span, or cluster by cluster"
        )
    demand: Demand = np.full((len(names), samples), UNKNOWN, dtype=width)
    index = {name: at for at, name in enumerate(names)}
    double = 0
    for row, batch in _batches(file, "vm", "timestamp", "cpu_mhz"):
        vms = _vms(batch.column("vm"), index, row)
        at = (_seconds(batch.column("timestamp")) - start) // STEP_SECONDS
        double += _put(demand, vms, at, _mhz(batch.column("cpu_mhz"), row).astype(width))
    demand, known = fill(demand, start)
    notes = []
    if double:
        notes.append(f"{double} further samples of an interval: the highest counts")
    return Series(demand, known, start, tuple(notes))


def _put(demand: Demand, vms: NDArray[Any], at: NDArray[Any], mhz: NDArray[Any]) -> int:
    """Write samples into the matrix; returns how many intervals had one before."""
    cells = vms.astype(np.int64) * demand.shape[1] + at
    flat = demand.reshape(-1)
    before = flat[cells]
    if (before == UNKNOWN).all() and bool((np.diff(cells) > 0).all()):
        flat[cells] = mhz
        return 0
    fresh = int(np.count_nonzero(flat[np.unique(cells)] == UNKNOWN))
    np.maximum.at(flat, cells, mhz)
    return len(cells) - fresh


def _vms(column: Any, index: dict[str, int], row: int) -> NDArray[np.int64]:
    """Return the index of each row's VM; raises PlanError for one that vms.csv has not."""
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
            f"{FILE}, row {row + int(wrong[0])}: vm is {name!r}: expected a VM of vms.csv"
        )
    return found
