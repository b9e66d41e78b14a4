"""How many more virtual machines of the median kind fit under the ceiling now."""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from headroom_collector.store.api import Reader

Row = NDArray[np.float64]
DAY_NS = 86_400 * 1_000_000_000
VM_DAYS = 14
TINY = 1e-9

_VMS = """
    SELECT host_id, avg(cpu_utilisation_ratio_mean)::DOUBLE AS mean,
           max(cpu_utilisation_ratio_mean)::DOUBLE AS peak, max(vcpus_max)::DOUBLE AS vcpus,
           max(memory_bytes_max)::DOUBLE AS memory
    FROM vm_5m WHERE time >= ? AND time < ? AND cpu_utilisation_ratio_mean IS NOT NULL
    GROUP BY host_id, thing_id"""


@dataclass(frozen=True, slots=True)
class MedianVm:
    """
    The median of some virtual machines, each figure by itself.

    ``mean`` and ``peak`` (greatest 5-minute mean): logical CPUs; ``memory`` in bytes.
    """

    count: int
    vcpus: float
    mean: float
    peak: float
    memory: float


@dataclass(frozen=True, slots=True)
class Fit:
    """
    How many more fit.

    ``at_least``: without moving anything, all peaks falling together. ``at_most``: no placement has
    room for more than that, peaks never falling together.
    """

    at_least: int
    at_most: int


@dataclass(frozen=True, slots=True)
class Room:
    """
    What hosts have under their ceiling; arrays of (hosts,).

    ``cpu_limit``: logical CPUs times ceiling; ``cpu_peak``: greatest use of each host, logical CPUs;
    ``cpu_together``: greatest use of all at one moment. Memory in bytes likewise.
    """

    cpu_limit: Row
    cpu_peak: Row
    cpu_together: float
    memory_limit: Row
    memory_peak: Row
    memory_together: float


class VmUse(NamedTuple):
    """Mean and greatest 5-minute mean, shares of its vCPUs; their number; memory in bytes."""

    mean: float
    peak: float
    vcpus: float
    memory: float


def median_vm(values: Sequence[VmUse]) -> MedianVm | None:
    """Return the median; None without any."""
    if not values:
        return None
    table = np.array(values, float)
    used = table[:, :2] * table[:, 2:3]
    return MedianVm(
        count=len(values),
        vcpus=float(np.median(table[:, 2])),
        mean=float(np.median(used[:, 0])),
        peak=float(np.median(used[:, 1])),
        memory=float(np.median(table[:, 3])),
    )


def read_vms(reader: Reader, now: int) -> dict[int, list[VmUse]]:
    """Return what each that ran lately used, by the host's id; raises StoreError."""
    found: dict[int, list[VmUse]] = defaultdict(list)
    for row in reader.query(_VMS, [now - VM_DAYS * DAY_NS, now]).to_pylist():
        use = VmUse(row["mean"], row["peak"], row["vcpus"], row["memory"])
        if None not in use:
            found[row["host_id"]].append(use)
    return found


def _whole(room: float, each: float) -> float:
    if room <= 0:
        return 0.0
    return math.floor(room / each + TINY) if each > 0 else math.inf


def fit(room: Room, vm: MedianVm) -> Fit | None:
    """Return how many more fit; None where a machine of that kind needs nothing that is known."""
    if vm.mean <= 0 and vm.memory <= 0:
        return None
    hosts = (
        min(_whole(cpu, vm.peak), _whole(memory, vm.memory))
        for cpu, memory in zip(
            room.cpu_limit - room.cpu_peak, room.memory_limit - room.memory_peak, strict=True
        )
    )
    most = min(
        _whole(float(room.cpu_limit.sum()) - room.cpu_together, vm.mean),
        _whole(float(room.memory_limit.sum()) - room.memory_together, vm.memory),
    )
    least = sum(hosts)
    return None if math.isinf(most) else Fit(int(min(least, most)), int(most))
