"""Outbox in the store: notices that wait for their receiver, and what became of them."""

from dataclasses import dataclass

import duckdb

from headroom_collector.alerts.record import NoticeKind
from headroom_collector.store.api import Change, Reader

NEVER_TOLD = "its firing was never accepted"


@dataclass(frozen=True, slots=True)
class Letter:
    """A notice on its way: body as JSON, times in UTC nanoseconds."""

    id: str
    dedup_key: str
    kind: NoticeKind
    payload: str
    created: int
    attempts: int
    next_try: int
    told: bool
    """Whether the receiver accepted the firing before it; true for a firing."""
    queued: int
    """How many letters of this alert wait, this one among them."""


# The first that is open of each alert: a resolve never overtakes its firing.
OPEN = """
    WITH waiting AS (
        SELECT *, count(*) OVER (PARTITION BY dedup_key) AS queued
        FROM outbox WHERE sent IS NULL AND failed IS NULL
        QUALIFY row_number() OVER (PARTITION BY dedup_key ORDER BY commit_id) = 1
    ), fires AS (
        SELECT w.id, arg_max(f.sent IS NOT NULL, f.commit_id) AS told
        FROM waiting w JOIN outbox f ON f.dedup_key = w.dedup_key
        WHERE f.kind = 'firing' AND f.commit_id < w.commit_id
        GROUP BY w.id
    )
    SELECT w.id, w.dedup_key, w.kind, w.payload, w.created, w.attempts, w.next_try,
        w.kind = 'firing' OR coalesce(f.told, false) AS told, w.queued
    FROM waiting w LEFT JOIN fires f ON f.id = w.id
    ORDER BY w.commit_id, w.id
"""


def read_waiting(reader: Reader) -> list[Letter]:
    """Return the oldest open letter of each alert, oldest first. Raises StoreError."""
    return [
        Letter(**{**row, "kind": NoticeKind(row["kind"])})
        for row in reader.query(OPEN).to_pylist()
    ]


def sent(id_: str, now: int) -> Change:
    """Return the change that marks a letter as accepted."""
    return _mark("sent = ?, attempts = attempts + 1, reason = ''", [now], id_)


def failed(id_: str, now: int, reason: str) -> Change:
    """Return the change that marks a letter as given up."""
    return _mark("failed = ?, attempts = attempts + 1, reason = ?", [now, reason], id_)


def postponed(id_: str, next_try: int, reason: str) -> Change:
    """Return the change that has a letter tried again, not before ``next_try``."""
    return _mark("next_try = ?, attempts = attempts + 1, reason = ?", [next_try, reason], id_)


def _mark(columns: str, values: list[int | str], id_: str) -> Change:
    def write(cursor: duckdb.DuckDBPyConnection, commit_id: int) -> None:  # noqa: ARG001  # the seam's
        cursor.execute(f"UPDATE outbox SET {columns} WHERE id = ?", [*values, id_])  # noqa: S608  # own text

    return write
