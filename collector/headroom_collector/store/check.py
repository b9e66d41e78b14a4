"""Check of a store: every block is read, and what belongs together is compared."""

from collections.abc import Iterator
from dataclasses import dataclass

from headroom_collector.store.api import Reader, StoreError
from headroom_proto.catalogue import Catalogue


@dataclass(frozen=True, slots=True)
class Found:
    """What one part of the check found. ``good`` is false where something has to be done."""

    what: str
    good: bool
    detail: str


def _number(reader: Reader, sql: str) -> int:
    [value] = reader.query(sql).column(0).to_pylist()
    return int(value or 0)


def _kind(reader: Reader, kind: str) -> Iterator[Found]:
    """Read every value of a kind, and look for samples that are about nothing or there twice."""
    view = f"{kind}_sample"
    try:
        rows = reader.query(f"SELECT count(COLUMNS(*)) FROM {view}")  # noqa: S608 - the catalogue's name
        samples = max((column[0].as_py() for column in rows.columns), default=0)
        lost = _number(
            reader,
            f"SELECT count(*) FROM {view} s ANTI JOIN things t ON t.id = s.thing_id",  # noqa: S608 - the same
        )
        twice = _number(
            reader,
            "SELECT coalesce(sum(n - 1), 0) FROM "  # noqa: S608 - the same
            f"(SELECT count(*) AS n FROM {view} GROUP BY thing_id, time HAVING n > 1)",
        )
    except StoreError as error:
        yield Found(kind, good=False, detail=f"cannot be read: {error}; restore a backup")
        return
    detail = f"{samples} samples"
    if lost:
        detail += f", {lost} about nothing that is known: restore a backup"
    if twice:
        detail += f", {twice} with the time of another one of the same thing"
    yield Found(kind, good=not lost, detail=detail)


def check(reader: Reader, kinds: Catalogue) -> Iterator[Found]:
    """Yield what was found, part by part; reads the whole store."""
    for kind in kinds.kinds:
        yield from _kind(reader, kind.name)
    try:
        spools = _number(reader, "SELECT count(*) FROM high_water")
        strangers = _number(
            reader, "SELECT count(*) FROM high_water w ANTI JOIN hosts h ON h.id = w.host_id"
        )
        gaps = _number(reader, "SELECT coalesce(sum(to_seq - from_seq + 1), 0) FROM gaps")
        refused = _number(reader, "SELECT coalesce(sum(count), 0) FROM refusals")
        waiting = _number(reader, "SELECT count(*) FROM dirty")
    except StoreError as error:
        yield Found("tables", good=False, detail=f"cannot be read: {error}; restore a backup")
        return
    yield Found("spools", good=not strangers, detail=f"{spools}, {strangers} of unknown hosts")
    yield Found("gaps", good=True, detail=f"{gaps} batches that agents had to drop")
    yield Found("refusals", good=True, detail=f"{refused} values")
    yield Found("roll-ups", good=True, detail=f"{waiting} buckets wait for theirs")
