"""What an operator knows and no agent can measure: rules of VMs and hosts, in two tables by pattern."""

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from headroom_collector.consolidation.planner.columns import Row, read_rows
from headroom_collector.consolidation.planner.model import PlanError

HOSTS, VMS, SCORES = "plan-hosts.csv", "plan-vms.csv", "benchmarks.csv"
"""Their names in the collector's data folder."""
HOST_COLUMNS = (
    *("cpu_level", "idle_watts", "max_watts", "overhead_mhz", "status", "licence_pools"),
    *("core_mhz", "cpu_year", "cpu_model", "ceiling", "bare"),
)
VM_COLUMNS = ("affinity", "anti_affinity", "pinned", "local", "licence_pool")


def read_overrides(path: Path, key: str, known: Sequence[str]) -> list[Row]:
    """Return the table's rows, none where it is not there; raises PlanError with one line."""
    return list(read_rows(path, (key,), tuple(known))) if path.is_file() else []


def apply(
    rows: Iterable[Row], key: str, row: Mapping[str, Any], names: Sequence[str]
) -> dict[str, Any]:
    """Return ``row`` with the cells of every table row whose pattern one of ``names`` matches."""
    found = dict(row)
    for one in rows:
        pattern = one.needed(key)
        if any(fnmatchcase(name, pattern) for name in names):
            found |= {
                column: one.text(column)
                for column in one.cells
                if column != key and one.text(column)
            }
    return found


def unmatched(rows: Iterable[Row], key: str, names: Iterable[str]) -> list[str]:
    """Return the patterns that match nothing: a rule that is misspelt would be lost."""
    every = list(names)
    patterns = [row.needed(key) for row in rows]
    return [one for one in patterns if not any(fnmatchcase(name, one) for name in every)]


__all__ = ["HOSTS", "SCORES", "VMS", "PlanError", "apply", "read_overrides", "unmatched"]
