"""Silences and acknowledgements: what people say about alerts, kept in the store."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

import duckdb

from headroom_collector.alerts.letters import Told
from headroom_collector.alerts.routes import fits
from headroom_collector.store.api import Change, Reader


@dataclass(frozen=True, slots=True)
class Silence:
    """
    Nobody is told of alerts whose labels fit ``match``, from ``starts`` up to before ``ends``.

    ``match`` maps label names to patterns with * ? [...]; times in UTC nanoseconds.
    """

    id: str
    match: Mapping[str, str]
    starts: int
    ends: int
    author: str
    reason: str
    created: int

    def active(self, now: int) -> bool:
        """Return whether it holds at that moment."""
        return self.starts <= now < self.ends


def silence(
    match: Mapping[str, str], starts: int, ends: int, author: str, reason: str, now: int
) -> Silence:
    """Return a new silence; raises ValueError where it would silence nothing or everything."""
    if not any(text.strip("*") for text in match.values()):
        raise ValueError("match: expected at least one label that is not '*'")
    if ends <= max(starts, now):
        raise ValueError("end: expected a moment that is still to come, after the start")
    text = json.dumps([sorted(match.items()), starts, ends, author, reason, now])
    id_ = hashlib.sha256(text.encode()).hexdigest()[:12]
    return Silence(id_, dict(match), starts, ends, author, reason, now)


@dataclass(frozen=True, slots=True)
class Said:
    """What people said: silences that still hold or will, and episodes that somebody took on."""

    silences: tuple[Silence, ...] = ()
    acked: frozenset[Told] = field(default_factory=frozenset)

    def muted(self, labels: Mapping[str, str], now: int) -> bool:
        """Return whether an alert with these labels is silenced at that moment."""
        return any(one.active(now) and fits(one.match, labels) for one in self.silences)

    def next_end(self, now: int) -> int | None:
        """Return when the next silence ends, in UTC nanoseconds."""
        return min((one.ends for one in self.silences if one.active(now)), default=None)


def read_silences(reader: Reader, after: int) -> list[Silence]:
    """Return the silences that end after that moment, the newest first. Raises StoreError."""
    rows = reader.query(
        "SELECT id, matchers AS match, starts, ends, author, reason, created FROM alert_silence"
        " WHERE ends > ? ORDER BY created DESC, id",
        [after],
    ).to_pylist()
    return [Silence(**{**row, "match": json.loads(row["match"])}) for row in rows]


def read_said(reader: Reader, now: int) -> Said:
    """Return what people said and still holds. Raises StoreError."""
    rows = reader.query("SELECT dedup_key, started FROM alert_ack").to_pylist()
    acked = frozenset((row["dedup_key"], row["started"]) for row in rows)
    return Said(tuple(read_silences(reader, now)), acked)


def adding(new: Silence) -> Change:
    """Return the change that keeps a silence."""

    def write(cursor: duckdb.DuckDBPyConnection, commit_id: int) -> None:  # noqa: ARG001  # the seam's
        cursor.execute(
            "INSERT INTO alert_silence VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                new.id,
                json.dumps(dict(new.match)),
                new.starts,
                new.ends,
                new.author,
                new.reason,
                new.created,
            ],
        )

    return write


def ending(id_: str, now: int) -> Change:
    """Return the change that ends a silence now."""

    def write(cursor: duckdb.DuckDBPyConnection, commit_id: int) -> None:  # noqa: ARG001  # the seam's
        cursor.execute("UPDATE alert_silence SET ends = least(ends, ?) WHERE id = ?", [now, id_])

    return write


def acknowledging(told: Told, author: str, reason: str, now: int) -> Change:
    """Return the change that notes who took an episode on: it is not repeated any more."""

    def write(cursor: duckdb.DuckDBPyConnection, commit_id: int) -> None:  # noqa: ARG001  # the seam's
        cursor.execute("DELETE FROM alert_ack WHERE dedup_key = ? AND started = ?", list(told))
        cursor.execute(
            "INSERT INTO alert_ack VALUES (?, ?, ?, ?, ?)", [*told, author, reason, now]
        )

    return write
