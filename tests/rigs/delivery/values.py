"""Cycles whose every value is a function of (host, serial, place): what the oracle compares."""

import zlib
from collections.abc import Sequence
from functools import cache
from typing import Any

from headroom_proto.catalogue import Kind, catalogue
from headroom_proto.v1.telemetry_pb2 import Cycle

MILLISECOND = 1_000_000
VMS = 2
"""Virtual machines in each cycle."""


@cache
def kind(name: str) -> Kind:
    """Return a kind of the catalogue."""
    return catalogue().kind(name)


def value(host: str, serial: int, thing: int, place: int, column: Any) -> float:
    """Return what a cycle holds: ratios below 1, whole numbers elsewhere."""
    seed = zlib.crc32(host.encode()) % 997
    if column.metric is not None and column.metric.endswith("_ratio"):
        return (seed + serial * 31 + thing * 17 + place * 7) % 997 / 997
    return float(seed + serial * 100 + thing * 50 + place)


def values(host: str, serial: int, name: str, thing: int) -> tuple[float, ...]:
    """Return the values of one thing in the kind's order of columns."""
    columns = kind(name).columns
    return tuple(value(host, serial, thing, at, column) for at, column in enumerate(columns))


def _fill(message: Any, name: str, found: Sequence[float]) -> None:
    for column, known in zip(kind(name).columns, found, strict=True):
        setattr(message, column.field, int(known) if column.integer else known)


def cycle(host: str, serial: int, base: int) -> Cycle:
    """Return the cycle of that serial; its time is ``base`` (UTC ns) and serial milliseconds."""
    made = Cycle(time_unix_nano=base + serial * MILLISECOND, boottime_nano=serial * MILLISECOND)
    _fill(made.host, "host", values(host, serial, "host", 0))
    for number in range(VMS):
        vm = made.vms.add(uuid=f"vm-{number}", name=f"vm {number}")
        _fill(vm, "vm", values(host, serial, "vm", number))
    return made
