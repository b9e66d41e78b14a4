"""SQL for samples and roll-ups of one kind, in milliseconds."""

from collections.abc import Sequence

from headroom_collector.promql.rollups import BUCKET_MS
from headroom_collector.store.rollup import rollup_name
from headroom_collector.store.tables import BUCKET
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
    longer rightly, are made of the samples; a counter's growth is not, it waits for the roll-up.
    """
    function = {"mean": "avg", "max": "max"}.get(part)
    columns = ", ".join(f'CAST("{name}_{part}" AS DOUBLE) AS "{name}"' for name in fields)
    condition, extra = _sparse(sparse, span[0])
    bounds: list[object] = [(span[0] - BUCKET_MS) * NANO, (span[1] - BUCKET_MS) * NANO]
    end = f"(time + {BUCKET}) // {NANO} AS ms"
    dirty = f"SELECT bucket FROM dirty WHERE kind = '{kind.name}'"  # noqa: S608  # the catalogue's
    sql = (
        f'SELECT {end}, thing_id, {columns} FROM "{rollup_name(kind.name)}"'  # noqa: S608  # the same
        f" WHERE time >= ? AND time <= ?{condition}"
    )
    if function is None:
        return sql, [*bounds, *extra]
    fresh = ", ".join(f'CAST({function}("{name}") AS DOUBLE) AS "{name}"' for name in fields)
    names = ", ".join(f'"{name}"' for name in fields)
    sql = (
        f"{sql} AND time NOT IN ({dirty}) UNION ALL SELECT ms, thing_id, {fresh} FROM ("  # noqa: S608  # the same
        f"SELECT (time // {BUCKET} + 1) * {BUCKET_MS} AS ms, thing_id, {names}"
        f' FROM "{kind.name}_sample" WHERE time >= ? AND time < ?'
        f" AND time >= (SELECT min(bucket) FROM dirty WHERE kind = '{kind.name}')"
        f" AND time // {BUCKET} * {BUCKET} IN ({dirty}){condition}) GROUP BY ms, thing_id"
    )
    until = (span[1] // BUCKET_MS * BUCKET_MS) * NANO
    return sql, [*bounds, *extra, bounds[0], until, *extra]
