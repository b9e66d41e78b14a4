"""Tables of the inventory in the store: placements, lifecycle and renames, all effective-dated."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import duckdb

from headroom_collector.store.api import COLLECTOR_HOST, Migration, Reader
from headroom_core.estate import Placement, Status

MIGRATIONS: tuple[Migration, ...] = (
    Migration(
        "inventory",
        1,
        """
        CREATE TABLE placements (
            host VARCHAR NOT NULL, site VARCHAR NOT NULL, cluster VARCHAR NOT NULL,
            class VARCHAR NOT NULL, owner VARCHAR NOT NULL, purchase_date DATE,
            from_time BIGINT NOT NULL, to_time BIGINT);
        CREATE TABLE lifecycle (
            host VARCHAR NOT NULL, status VARCHAR NOT NULL, since BIGINT NOT NULL, until BIGINT,
            reason VARCHAR NOT NULL, author VARCHAR NOT NULL);
        CREATE TABLE renames (
            "old" VARCHAR NOT NULL, "new" VARCHAR NOT NULL, since BIGINT NOT NULL);
        """,
    ),
)


@dataclass(frozen=True, slots=True)
class Stage:
    """A host's status from ``since`` on, up to ``until`` where it ends by itself; UTC nanoseconds."""

    status: Status
    since: int
    until: int | None = None
    reason: str = ""
    author: str = ""


def read_seen(reader: Reader) -> frozenset[str]:
    """Return the names of all hosts that ever reported, without their facts; raises StoreError."""
    rows = reader.query("SELECT name FROM hosts WHERE name <> ?", [COLLECTOR_HOST])
    return frozenset(rows.column("name").to_pylist())


def read_stages(reader: Reader) -> dict[str, Stage]:
    """Return the newest stage of each host that has one; raises StoreError."""
    rows = reader.query(
        "SELECT host, status, since, until, reason, author FROM lifecycle ORDER BY since, rowid"
    ).to_pylist()
    return {
        row["host"]: Stage(
            Status(row["status"]), row["since"], row["until"], row["reason"], row["author"]
        )
        for row in rows
    }


def read_renames(reader: Reader) -> dict[str, str]:
    """Return the newer name of each host that was renamed; raises StoreError."""
    names: dict[str, str] = {}
    for row in reader.query('SELECT "old", "new" FROM renames ORDER BY since, rowid').to_pylist():
        names = with_rename(names, row["old"], row["new"])
    return names


def with_rename(names: Mapping[str, str], old: str, new: str) -> dict[str, str]:
    """Return the renames with one more; the new name ends every chain, so there is no cycle."""
    kept = {before: after for before, after in names.items() if before != new}
    kept[old] = new
    return kept


def _placement(row: Mapping[str, object]) -> Placement:
    site, cluster = str(row["site"]), str(row["cluster"])
    return Placement(
        site=site,
        cluster=cluster,
        host_class=str(row["class"]),
        owner=str(row["owner"]),
        purchase_date=row["purchase_date"],  # type: ignore[arg-type]  # a DATE or None by the table
        assigned=bool(site and cluster),
    )


def read_placements(reader: Reader) -> dict[str, Placement]:
    """Return the placement that each host has now in the store; raises StoreError."""
    rows = reader.query("SELECT * FROM placements WHERE to_time IS NULL").to_pylist()
    return {row["host"]: _placement(row) for row in rows}


def read_placement(reader: Reader, host: str, at: int) -> Placement:
    """Return where a host stood at a moment (UTC nanoseconds); raises StoreError."""
    rows = reader.query(
        "SELECT * FROM placements WHERE host = ? AND from_time <= ?"
        " AND (to_time IS NULL OR to_time > ?) ORDER BY from_time DESC LIMIT 1",
        [host, at, at],
    ).to_pylist()
    return _placement(rows[0]) if rows else Placement()


def write_stage(cursor: duckdb.DuckDBPyConnection, host: str, stage: Stage) -> None:
    """Add a stage, in the writer's transaction."""
    cursor.execute(
        "INSERT INTO lifecycle VALUES (?, ?, ?, ?, ?, ?)",
        [host, stage.status.value, stage.since, stage.until, stage.reason, stage.author],
    )


def write_rename(cursor: duckdb.DuckDBPyConnection, old: str, new: str, since: int) -> None:
    """Add a rename, in the writer's transaction."""
    cursor.execute("INSERT INTO renames VALUES (?, ?, ?)", [old, new, since])


def write_placements(
    cursor: duckdb.DuckDBPyConnection, placements: Iterable[tuple[str, Placement]], now: int
) -> None:
    """
    Let placements hold from ``now`` on, in the writer's transaction.

    A host's very first placement holds for all of its history: it stood there before somebody
    wrote it down. An empty one only ends the one before.
    """
    for host, placement in placements:
        known = cursor.execute("SELECT count(*) FROM placements WHERE host = ?", [host]).fetchone()
        cursor.execute(
            "UPDATE placements SET to_time = ? WHERE host = ? AND to_time IS NULL", [now, host]
        )
        if placement == Placement():
            continue
        cursor.execute(
            "INSERT INTO placements VALUES (?, ?, ?, ?, ?, ?, ?, NULL)",
            [
                host,
                placement.site,
                placement.cluster,
                placement.host_class,
                placement.owner,
                placement.purchase_date,
                now if known and known[0] else 0,
            ],
        )
