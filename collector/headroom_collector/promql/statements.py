"""SQL for samples and roll-ups of one kind, in milliseconds."""

from collections.abc import Sequence

from headroom_collector.promql.rollups import BUCKET_MS
from headroom_collector.store.rollup import BEFORE, rollup_name
from headroom_collector.store.tables import BUCKET, listed
from headroom_proto.catalogue import Kind

NANO = 1_000_000
Statement = tuple[str, list[object]]


def _sparse(sparse: tuple[int, int] | None, oldest: int) -> tuple[str, list[object]]:
    """Return the condition that leaves only the windows of a step that is longer than they are."""
    if sparse is None:
        return "", []
    step, window = sparse
    return " AND (ms - ?) % ? <= ?", [oldest, step, window]


def sample_sql(
    kind: Kind, fields: Sequence[str], span: tuple[int, int], sparse: tuple[int, int] | None
) -> Statement:
    """Return the statement for (ms, thing_id, fields...) of the samples between two moments."""
    columns = ", ".join(f'CAST("{name}" AS DOUBLE) AS "{name}"' for name in fields)
    condition, extra = _sparse(sparse, span[0])
    sql = (
        f'SELECT time // {NANO} AS ms, thing_id, {columns} FROM "{kind.name}_sample"'  # noqa: S608  # names are the catalogue's
        f" WHERE time >= ? AND time < ?{condition}"
    )
    return sql, [span[0] * NANO, (span[1] + 1) * NANO, *extra]


def rollup_sql(
    kind: Kind,
    fields: Sequence[str],
    part: str,
    span: tuple[int, int],
    sparse: tuple[int, int] | None,
) -> Statement:
    """
    Return the statement for (ms, thing_id, fields...) of the 5-minute roll-ups.

    A bucket stands at its end, when all of it is known. Buckets that are not rolled up yet, or no
    longer rightly, are made of the samples, as the roll-up would (see ``store.rollup``).
    """
    columns = ", ".join(f'CAST("{name}_{part}" AS DOUBLE) AS "{name}"' for name in fields)
    # What a counter grew by is needed from every bucket.
    condition, extra = _sparse(sparse if part != "delta" else None, span[0])
    bounds: list[object] = [(span[0] - BUCKET_MS) * NANO, (span[1] - BUCKET_MS) * NANO]
    until = span[1] // BUCKET_MS * BUCKET_MS * NANO
    fresh = _growth(kind, fields) if part == "delta" else _level(kind, fields, part)
    sql = (
        f"SELECT (time + {BUCKET}) // {NANO} AS ms, thing_id, {columns}"  # noqa: S608  # names are the catalogue's
        f' FROM "{rollup_name(kind.name)}" WHERE time >= ? AND time <= ?{condition}'
        f" AND time NOT IN ({_dirty(kind)}) UNION ALL {fresh}{condition}) GROUP BY ms, thing_id"
    )
    return sql, [*bounds, *extra, bounds[0], until, *extra]


def _dirty(kind: Kind) -> str:
    return f"SELECT bucket FROM dirty WHERE kind = '{kind.name}'"  # noqa: S608  # the catalogue's


def _oldest(kind: Kind) -> str:
    return f"(SELECT min(bucket) FROM dirty WHERE kind = '{kind.name}')"  # noqa: S608  # the catalogue's


def _level(kind: Kind, fields: Sequence[str], part: str) -> str:
    """Return mean or maximum by dirty bucket; two parameters, and open for a condition."""
    function = {"mean": "avg", "max": "max"}[part]
    made = ", ".join(f'CAST({function}("{name}") AS DOUBLE)' for name in fields)
    return (
        f"SELECT ms, thing_id, {made} FROM ("  # noqa: S608  # names are the catalogue's
        f"SELECT (time // {BUCKET} + 1) * {BUCKET_MS} AS ms, thing_id, {listed(fields)}"
        f' FROM "{kind.name}_sample" WHERE time >= ? AND time < ? AND time >= {_oldest(kind)}'
        f" AND time // {BUCKET} * {BUCKET} IN ({_dirty(kind)})"
    )


def _growth(kind: Kind, fields: Sequence[str]) -> str:
    """Return what counters grew by in each dirty bucket; parameters and end as ``_level``."""
    made = ", ".join(
        f'CAST(sum(CASE WHEN "{name}" >= "{name}_0" THEN "{name}" - "{name}_0"'
        f' WHEN "{name}" < "{name}_0" THEN "{name}" END) AS DOUBLE)'
        for name in fields
    )
    before = ", ".join(
        f'CASE WHEN lag(CASE WHEN "{name}" IS NOT NULL THEN time END IGNORE NULLS) OVER before'
        f' >= time // {BUCKET} * {BUCKET} - {BEFORE} THEN lag("{name}" IGNORE NULLS) OVER before'
        f' END AS "{name}_0"'
        for name in fields
    )
    return (
        f"SELECT ms, thing_id, {made} FROM ("  # noqa: S608  # names are the catalogue's
        f"SELECT (time // {BUCKET} + 1) * {BUCKET_MS} AS ms, * FROM ("
        f'SELECT time, thing_id, {listed(fields)}, {before} FROM "{kind.name}_sample"'
        f" WHERE time >= ? - {BEFORE} AND time < ? AND time >= {_oldest(kind)} - {BEFORE}"
        " WINDOW before AS (PARTITION BY thing_id ORDER BY time, commit_id))"
        f" WHERE time // {BUCKET} * {BUCKET} IN ({_dirty(kind)})"
    )
