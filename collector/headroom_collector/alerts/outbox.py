"""Outbox in the store: letters that wait for their receiver, and what became of them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import duckdb

from headroom_collector.alerts.letters import Group, Member
from headroom_collector.alerts.record import NoticeKind
from headroom_collector.store.api import Change, Reader


@dataclass(frozen=True, slots=True)
class Envelope:
    """A letter on its way: ``payload`` is JSON, ``group`` its group's id, times in UTC ns."""

    id: str
    group: str
    kind: NoticeKind
    payload: str
    created: int
    attempts: int
    next_try: int
    receiver: str


WAITING = """
    SELECT id, dedup_key AS "group", kind, payload, created, attempts, next_try, receiver
    FROM outbox WHERE sent IS NULL AND failed IS NULL AND (? = '' OR receiver = ?)
    ORDER BY commit_id, id
"""

# Of each group the newest letter that was not replaced, and the newest that was accepted.
LAST = """
    SELECT id, dedup_key, receiver, labels, created, sent, failed, commit_id
    FROM outbox WHERE NOT dropped
    QUALIFY row_number() OVER (PARTITION BY dedup_key ORDER BY commit_id DESC) = 1
    UNION
    SELECT id, dedup_key, receiver, labels, created, sent, failed, commit_id
    FROM outbox WHERE sent IS NOT NULL
    QUALIFY row_number() OVER (PARTITION BY dedup_key ORDER BY commit_id DESC) = 1
    ORDER BY commit_id
"""


def read_waiting(reader: Reader, receiver: str = "") -> list[Envelope]:
    """Return the letters that wait, of one receiver or of all, oldest first. Raises StoreError."""
    return [
        Envelope(**{**row, "kind": NoticeKind(row["kind"])})
        for row in reader.query(WAITING, [receiver, receiver]).to_pylist()
    ]


def read_groups(reader: Reader) -> list[Group]:
    """Return what every receiver was told of every group. Raises StoreError."""
    letters = reader.query(LAST).to_pylist()
    members = _read_members(reader, [row["id"] for row in letters])
    groups: dict[str, Group] = {}
    for row in letters:
        group = groups.setdefault(
            row["dedup_key"], Group(row["receiver"], row["dedup_key"], json.loads(row["labels"]))
        )
        _take(group, row, members.get(row["id"], []))
    return list(groups.values())


def _take(group: Group, row: Mapping[str, Any], members: list[Member]) -> None:
    """Let a group know of a letter; the older comes first."""
    fires = {member.key: member for member in members if member.ended is None}
    group.view = fires
    group.flushed = row["created"]
    if row["sent"] is not None:
        group.accepted = dict(fires)
    waiting = row["sent"] is None and row["failed"] is None
    group.waiting = row["id"] if waiting else None
    resolved = (member.key for member in members if member.ended is not None)
    group.resolving = frozenset(resolved) if waiting else frozenset()


def _read_members(reader: Reader, letters: list[str]) -> dict[str, list[Member]]:
    rows = reader.query(
        "SELECT letter_id, dedup_key, rule, host, started, ended, value, level, labels"
        " FROM letter_member WHERE list_contains(?::VARCHAR[], letter_id)",
        [letters],
    ).to_pylist()
    found: dict[str, list[Member]] = {}
    for row in rows:
        labels = json.loads(row.pop("labels"))
        letter_id, key = row.pop("letter_id"), row.pop("dedup_key")
        found.setdefault(letter_id, []).append(Member(key=key, labels=labels, **row))
    return found


def sent(id_: str, now: int) -> Change:
    """Return the change that marks a letter as accepted, even one that was replaced meanwhile."""
    columns = "sent = ?, failed = NULL, attempts = attempts + 1, reason = ''"
    return _mark(columns, [now], id_)


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
