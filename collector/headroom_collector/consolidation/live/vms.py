"""Virtual machines of a live plan: where each runs and how large it is, as a row of vms.csv."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from headroom_collector.store.api import Reader

DAY_NS = 86_400 * 1_000_000_000
HOUR_NS = 3_600 * 1_000_000_000
MIB = float(1 << 20)

_THINGS = """
    SELECT id, host_id, key, CAST(labels AS VARCHAR) AS labels, last_seen FROM things
    WHERE kind = 'vm' AND last_seen >= ? ORDER BY last_seen, id"""
_ROLLED = """
    SELECT thing_id, arg_max(vcpus_max, time) AS vcpus, arg_max(memory_max_bytes_max, time) AS most,
           arg_max(memory_bytes_max, time) AS memory
    FROM vm_5m WHERE time >= ? AND time <= ? GROUP BY thing_id"""
_RAW = """
    SELECT thing_id, arg_max(vcpus, time) AS vcpus, arg_max(memory_max_bytes, time) AS most,
           arg_max(memory_bytes, time) AS memory
    FROM vm_sample WHERE time >= ? AND time <= ? GROUP BY thing_id"""


@dataclass(frozen=True, slots=True)
class LiveVm:
    """A virtual machine heard of within a day; ``host`` by index; memory in MiB, 0 where unknown."""

    uuid: str
    name: str
    host: int
    vcpus: int
    memory_mib: int


def read_vms(
    reader: Reader, owner: Mapping[int, int], now: int
) -> tuple[list[LiveVm], dict[int, int]]:
    """
    Return the VMs on the hosts that ``owner`` knows by id, and the index of each of their things.

    A VM that was on several hosts is on the one that spoke of it last. Raises StoreError.
    """
    sizes = _sizes(reader, now)
    newest: dict[str, dict[str, Any]] = {}
    things: list[tuple[int, str]] = []
    for row in reader.query(_THINGS, [now - DAY_NS]).to_pylist():
        if row["host_id"] in owner:
            things.append((row["id"], row["key"]))
            newest[row["key"]] = row
    names = {key: _name(row) for key, row in newest.items()}
    often = Counter(names.values())
    found: list[LiveVm] = []
    index: dict[str, int] = {}
    for key in sorted(newest, key=lambda one: (names[one], one)):
        row, size = newest[key], sizes.get(newest[key]["id"], {})
        name = names[key] if often[names[key]] == 1 else f"{names[key]} {key}"
        memory = size.get("most") or size.get("memory") or 0
        index[key] = len(found)
        vcpus = int(size.get("vcpus") or 1)
        found.append(LiveVm(key, name, owner[row["host_id"]], vcpus, int(memory / MIB)))
    return found, {thing: index[key] for thing, key in things}


def _name(row: Mapping[str, Any]) -> str:
    labels = json.loads(row["labels"])
    return str(labels.get("vm") or row["key"])


def _sizes(reader: Reader, now: int) -> dict[int, dict[str, Any]]:
    found: dict[int, dict[str, Any]] = {}
    for sql, since in ((_ROLLED, now - DAY_NS), (_RAW, now - HOUR_NS)):
        for row in reader.query(sql, [since, now]).to_pylist():
            known = {key: value for key, value in row.items() if value is not None}
            found.setdefault(row["thing_id"], {}).update(known)
    return found
