"""Plans that are kept: in the store, each with what was asked, what came of it, and its whole text."""

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Literal

import duckdb

from headroom_collector.consolidation.refresh.cluster import Pieces
from headroom_collector.store.api import Migration, Store

State = Literal["running", "finished", "failed", "interrupted"]
MOST = 200
"""Plans that are kept; the oldest go."""

MIGRATIONS: tuple[Migration, ...] = (
    Migration(
        "plans",
        1,
        """
        CREATE TABLE plans (
            id VARCHAR NOT NULL, started BIGINT NOT NULL, finished BIGINT, state VARCHAR NOT NULL,
            asked VARCHAR NOT NULL, summary VARCHAR NOT NULL, text VARCHAR NOT NULL);
        """,
    ),
)
_COLUMNS = "id, started, finished, state, asked, summary"
_LIST = f"SELECT {_COLUMNS} FROM plans ORDER BY started DESC, id DESC LIMIT ?"  # noqa: S608 - our own columns
_ONE = f"SELECT {_COLUMNS}, text FROM plans WHERE id = ?"  # noqa: S608 - our own columns


@dataclass(frozen=True, slots=True)
class Kept:
    """
    One plan; times in UTC nanoseconds, ``finished`` None while it runs.

    ``asked``: the options; ``summary``: what lists show, or ``error``; ``result``: the whole object,
    empty in lists and where there is none.
    """

    id: str
    started: int
    finished: int | None
    state: State
    asked: Mapping[str, Any]
    summary: Mapping[str, Any]
    result: Mapping[str, Any]


def summary_of(result: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a list shows of a plan's object."""
    savings = result["savings"]
    return {
        "hosts": len(result["hosts_kept"]) + len(result["hosts_freed"]),
        "hosts_kept": len(result["hosts_kept"]),
        "hosts_freed": len(result["hosts_freed"]),
        "lower_bound": result["lower_bound"],
        "gap_ratio": result["gap_ratio"],
        "moves": len(result["moves"]),
        "cannot_comply": len(result["cannot_comply"]),
        "power_watts_before": savings["power_watts_before"],
        "power_watts_after": savings["power_watts_after"],
        "energy_kwh_per_year": savings["energy_kwh_per_year"],
        "money_per_year": savings.get("money_per_year_total"),
        "currency": savings.get("currency"),
        "power_off_recommended": result["confidence"]["power_off_recommended"],
        "history_days": result["confidence"]["history_days"],
        "seconds": result["seconds"],
    }


class PlanBook:
    """Plans in the store. Safe from any thread."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def list(self, most: int = MOST) -> list[Kept]:
        """Return the newest plans first, without their whole text; raises StoreError."""
        return [_kept(row) for row in self._store.query(_LIST, [most]).to_pylist()]

    def get(self, id_: str) -> Kept | None:
        """Return one plan whole, None where there is none of that id; raises StoreError."""
        rows = self._store.query(_ONE, [id_]).to_pylist()
        return _kept(rows[0]) if rows else None

    def begin(self, id_: str, started: int, asked: Mapping[str, Any]) -> "Future[int]":
        """Note that a plan runs; the oldest ones above the limit go."""
        row = [id_, started, None, "running", json.dumps(asked), "{}", ""]

        def write(cursor: duckdb.DuckDBPyConnection, _commit: int) -> None:
            cursor.execute("INSERT INTO plans VALUES (?, ?, ?, ?, ?, ?, ?)", row)
            cursor.execute(
                "DELETE FROM plans WHERE id NOT IN"
                " (SELECT id FROM plans ORDER BY started DESC, id DESC LIMIT ?)",
                [MOST],
            )

        return self._store.change(write)

    def end(
        self, id_: str, finished: int, state: State, result: Mapping[str, Any]
    ) -> "Future[int]":
        """Note what came of a plan: its object, or an object with ``error`` where it failed."""
        done = state == "finished"
        summary = summary_of(result) if done else dict(result)
        row = [finished, state, json.dumps(summary), json.dumps(result) if done else "", id_]

        def write(cursor: duckdb.DuckDBPyConnection, _commit: int) -> None:
            cursor.execute(
                "UPDATE plans SET finished = ?, state = ?, summary = ?, text = ? WHERE id = ?", row
            )

        return self._store.change(write)

    def interrupt(self, now: int) -> "Future[int]":
        """Note of all that are said to run that they do not: the collector was started anew."""
        summary = json.dumps({"error": "the collector ended while it ran"})

        def write(cursor: duckdb.DuckDBPyConnection, _commit: int) -> None:
            cursor.execute(
                "UPDATE plans SET finished = ?, state = 'interrupted', summary = ?"
                " WHERE state = 'running'",
                [now, summary],
            )

        return self._store.change(write)

    def newest(self) -> Sequence[Kept]:
        """Return the newest finished plan of each mode and aim, whole; raises StoreError."""
        found: dict[str, Kept] = {}
        for one in self.list():
            if one.state == "finished":
                found.setdefault(mode_of(one.asked), one)
        whole = (self.get(one.id) for one in found.values())
        return [one for one in whole if one is not None]


def packing_of(plans: Sequence[Kept]) -> Pieces:
    """
    Return what packing whole machines costs: as the newest repack of this estate needed it.

    Hosts kept over the bound that no plan goes below; what plans for traces needed without one.
    """
    for kept in plans:
        bound = kept.summary.get("lower_bound")
        if kept.state == "finished" and mode_of(kept.asked) == "repack" and bound:
            loss = max(1.0, kept.summary["hosts_kept"] / bound)
            return Pieces(1.0, loss, loss, f"as plan {kept.id} of this estate needed")
    return Pieces()


def mode_of(asked: Mapping[str, Any]) -> str:
    """Return the label of a plan's aim: repack, energy or empty."""
    mode = str(asked.get("mode", "repack"))
    return "energy" if mode == "repack" and asked.get("objective") == "energy" else mode


def _kept(row: Mapping[str, Any]) -> Kept:
    text = row.get("text") or ""
    return Kept(
        id=row["id"],
        started=row["started"],
        finished=row["finished"],
        state=row["state"],
        asked=json.loads(row["asked"]),
        summary=json.loads(row["summary"]),
        result=json.loads(text) if text else {},
    )
