"""What alerting reads of the store: hosts and their CPU, by commit position."""

from collections.abc import Sequence
from typing import Any

from headroom_collector.alerts.judge import Host, Sample
from headroom_collector.alerts.window import SECOND
from headroom_collector.store.api import Reader

CHUNK = 50_000
"""Samples taken in at once, about: bounds the memory of a long catching-up."""

MEMORY_SECONDS = 3600
"""How far before a host's newest sample its ring is refilled at start."""

CPU = """
    SELECT h.name, s.time, s.cpu_utilisation_ratio AS ratio
    FROM host_sample s JOIN hosts h ON h.id = s.host_id
    WHERE s.cpu_utilisation_ratio IS NOT NULL
"""


def _samples(reader: Reader, sql: str, parameters: Sequence[Any]) -> list[Sample]:
    columns = reader.query(sql, parameters).to_pydict()
    rows = zip(columns["name"], columns["time"], columns["ratio"], strict=True)
    return [Sample(name, time, ratio) for name, time, ratio in rows]


def read_hosts(reader: Reader) -> dict[str, Host]:
    """Return what is needed of every host, by name. Raises StoreError."""
    rows = reader.query("SELECT name, simulated, interval_seconds FROM hosts").to_pylist()
    return {
        row["name"]: Host(row["name"], bool(row["simulated"]), row["interval_seconds"])
        for row in rows
    }


def first_position(reader: Reader, now: int) -> int:
    """Return where the very first look begins: about an hour before ``now``. Raises StoreError."""
    rows = reader.query(
        "SELECT max(commit_id) AS commit_id FROM host_sample WHERE time < ?",
        [now - MEMORY_SECONDS * SECOND],
    ).to_pylist()
    return int(rows[0]["commit_id"] or 0)


def read_new(reader: Reader, position: int) -> tuple[int, list[Sample]]:
    """
    Return the samples of whole commits after ``position``, and up to which commit they go.

    The same position where there are none; call again until then. Raises StoreError.
    """
    rows = reader.query(
        "SELECT max(commit_id) AS upper FROM (SELECT commit_id FROM host_sample"
        " WHERE commit_id > ? ORDER BY commit_id LIMIT ?)",
        [position, CHUNK],
    ).to_pylist()
    upper = rows[0]["upper"]
    if upper is None:
        return position, []
    sql = f"{CPU} AND s.commit_id > ? AND s.commit_id <= ?"
    return int(upper), _samples(reader, sql, [position, upper])


def read_judged(reader: Reader, position: int) -> list[Sample]:
    """Return each host's last hour of samples up to ``position``. Raises StoreError."""
    sql = f"{CPU} AND s.commit_id <= ? AND s.time > h.last_seen - ?"
    return _samples(reader, sql, [position, MEMORY_SECONDS * SECOND])
