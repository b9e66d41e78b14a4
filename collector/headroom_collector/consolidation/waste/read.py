"""What hosts and virtual machines did day by day, out of the 5-minute roll-ups."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from headroom_collector.consolidation.money.assets import Held
from headroom_collector.consolidation.waste.days import DAY_NS, Row
from headroom_collector.consolidation.waste.vms import Vm
from headroom_collector.store.api import Reader

HOST_DAYS = 400
"""How far back hosts are read: as long as roll-ups are kept."""
VM_DAYS = 45
"""The same of virtual machines, of which there are ten times as many."""

_HOSTS = """
    SELECT host_id, time // ? AS day, max(cpu_utilisation_ratio_mean) AS peak
    FROM host_5m WHERE time >= ? AND time < ? AND cpu_utilisation_ratio_mean IS NOT NULL
    GROUP BY ALL"""
_VMS = """
    SELECT thing_id, time // ? AS day, any_value(host_id) AS host_id,
           max(cpu_utilisation_ratio_mean) AS peak,
           min(state_mean) AS state_low, max(state_max)::DOUBLE AS state_high,
           arg_max(vcpus_max, time)::DOUBLE AS vcpus,
           arg_max(memory_max_bytes_max, time)::DOUBLE AS memory_max,
           arg_max(memory_bytes_max, time)::DOUBLE AS memory,
           max(memory_resident_bytes_max)::DOUBLE AS resident
    FROM vm_5m WHERE time >= ? AND time < ? GROUP BY ALL ORDER BY max(time)"""
_THINGS = """
    SELECT id, key, CAST(labels AS VARCHAR) AS labels FROM things
    WHERE kind = 'vm' AND last_seen >= ?"""


def _steps(first: int, last: int, step: int) -> Iterable[tuple[int, int]]:
    """Cut the days [first, last] into pieces, as nanoseconds."""
    for day in range(first, last + 1, step):
        yield day * DAY_NS, min(day + step, last + 1) * DAY_NS


def read_host_peaks(
    reader: Reader, hosts: Sequence[Held], now: int, history: int = HOST_DAYS
) -> tuple[int, dict[str, Row]]:
    """
    Return the first day, since 1970, and each host's greatest 5-minute mean by day up to today.

    NaN for days of which nothing is known. Raises StoreError.
    """
    last = now // DAY_NS
    first = last - history + 1
    owner = {host_id: held.name for held in hosts for host_id in held.machine.ids}
    peaks = {held.name: np.full(history, np.nan) for held in hosts}
    for since, until in _steps(first, last, 30):
        for row in reader.query(_HOSTS, [DAY_NS, since, until]).to_pylist():
            name = owner.get(row["host_id"])
            if name is not None:
                index = row["day"] - first
                peaks[name][index] = np.fmax(peaks[name][index], row["peak"])
    return first, peaks


@dataclass(slots=True)
class _Growing:
    """A virtual machine while its days are read; of several hosts the newest one has it."""

    uuid: str
    name: str
    host: str
    peak: Row
    low: Row
    high: Row
    sizes: dict[str, float | None] = field(default_factory=dict)

    def add(self, index: int, host: str, row: Mapping[str, Any]) -> None:
        """Put in one day; days come in order, and of a day what was heard of last comes last."""
        nothing = float("nan")
        known = {key: nothing if row[key] is None else row[key] for key in _ROWS}
        self.peak[index] = np.fmax(self.peak[index], known["peak"])
        self.low[index] = np.fmin(self.low[index], known["state_low"])
        self.high[index] = np.fmax(self.high[index], known["state_high"])
        self.host = host
        for key in ("vcpus", "memory", "memory_max"):
            if row[key] is not None:
                self.sizes[key] = row[key]
        held = row["resident"]
        if held is not None:
            self.sizes["resident"] = max(held, self.sizes.get("resident") or 0.0)

    def vm(self) -> Vm:
        """Return it as it is now."""
        # What is off has no balloon: what it gets when it starts is its maximum.
        memory = self.sizes.get("memory") or self.sizes.get("memory_max")
        return Vm(
            uuid=self.uuid,
            name=self.name,
            host=self.host,
            peak=self.peak,
            state_low=self.low,
            state_high=self.high,
            vcpus=self.sizes.get("vcpus"),
            memory=memory,
            resident=self.sizes.get("resident"),
        )


_ROWS = ("peak", "state_low", "state_high")


def read_vms(
    reader: Reader, hosts: Sequence[Held], now: int, history: int = VM_DAYS
) -> tuple[int, list[Vm]]:
    """
    Return the first day, since 1970, and the virtual machines of these hosts heard of within a day.

    Read a day at a time, so that a month of ten thousand never lies in memory. Raises StoreError.
    """
    last = now // DAY_NS
    first = last - history + 1
    owner = {host_id: held.name for held in hosts for host_id in held.machine.ids}
    things = {row["id"]: row for row in reader.query(_THINGS, [now - DAY_NS]).to_pylist()}
    growing: dict[str, _Growing] = {}
    for since, until in _steps(first, last, 1):
        for row in reader.query(_VMS, [DAY_NS, since, until]).to_pylist():
            thing, host = things.get(row["thing_id"]), owner.get(row["host_id"])
            if thing is None or host is None:
                continue
            uuid = thing["key"]
            if uuid not in growing:
                growing[uuid] = _new(uuid, thing["labels"], host, history)
            growing[uuid].add(row["day"] - first, host, row)
    return first, [growing[uuid].vm() for uuid in sorted(growing)]


def _new(uuid: str, labels: str, host: str, history: int) -> _Growing:
    named = json.loads(labels)
    empty = (np.full(history, np.nan) for _ in range(3))
    peak, low, high = empty
    return _Growing(uuid, str(named.get("vm") or named.get("name") or ""), host, peak, low, high)
