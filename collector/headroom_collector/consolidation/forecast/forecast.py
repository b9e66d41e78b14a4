"""Forecast of each cluster: its trend, the day it passes the ceiling, and what fits until then."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from headroom_collector.consolidation.cluster import RELIABLE_SECONDS
from headroom_collector.consolidation.forecast.daily import DAY_NS, Daily, read_daily
from headroom_collector.consolidation.forecast.fit import (
    Fit,
    MedianVm,
    Room,
    VmUse,
    fit,
    median_vm,
    read_vms,
)
from headroom_collector.consolidation.forecast.trend import (
    HORIZON,
    LEAST_DAYS,
    Crossing,
    Trend,
    crossing,
    trend,
)
from headroom_collector.consolidation.headroom import Measured, gather
from headroom_collector.store.api import Reader
from headroom_core.ceiling import Ceiling
from headroom_core.estate import Estate


@dataclass(frozen=True, slots=True)
class ClusterForecast:
    """
    Forecast of one cluster; None where unknown.

    ``level_ratio``, ``slope_ratio`` and its ends: share of the capacity present now, and share a day.
    The days of ``crossing`` count from ``newest``, start of the newest day known, UTC nanoseconds.
    """

    site: str
    cluster: str
    ceiling_ratio: float
    hosts: int
    trend: Trend
    crossing: Crossing | None
    newest: int | None
    horizon_days: float
    vm: MedianVm | None
    fit: Fit | None
    simulated: int
    notes: tuple[str, ...]


def scaled(found: Trend, size: float) -> Trend:
    """Return the trend in shares of ``size``."""

    def part(value: float | None) -> float | None:
        return None if value is None else value / size

    return Trend(
        found.direction,
        found.days,
        part(found.level),
        part(found.slope),
        part(found.low),
        part(found.high),
    )


def room_of(measured: Measured, ceiling: Ceiling) -> Room | None:
    """Return what a cluster has under its ceiling; None where its use or its memory is unknown."""
    demand, place = measured.demand, measured.place
    if not demand.cpu.size or not demand.memory.size:
        return None
    logical = np.array(
        [
            machine.cpus or size
            for machine, size in zip(measured.machines, demand.cpu_capacity, strict=True)
        ],
        float,
    )
    ratios = np.array(
        [ceiling.of(place.site, place.cluster, one.host_class) for one in measured.machines]
    )
    used = demand.cpu * (logical / demand.cpu_capacity)[:, None]
    return Room(
        cpu_limit=logical * ratios,
        cpu_peak=used.max(axis=1).astype(np.float64),
        cpu_together=float(used.sum(axis=0).max()),
        memory_limit=demand.memory_capacity,
        memory_peak=demand.memory.max(axis=1).astype(np.float64),
        memory_together=float(demand.memory.sum(axis=0, dtype=np.float64).max()),
    )


def _notes(found: Trend, measured: Measured, vm: MedianVm | None) -> tuple[str, ...]:
    notes = []
    if found.direction == "unknown":
        notes.append(
            f"No trend can be told from {found.days} complete days; {LEAST_DAYS} are needed."
        )
    elif found.direction == "steady":
        notes.append("No trend can be told: the 80 % band of the slope has 0 in it.")
    if measured.demand.history_seconds < RELIABLE_SECONDS:
        notes.append("Less than 21 days of history: what fits now rests on few peaks.")
    if vm is None:
        notes.append("No virtual machine is known here: what fits cannot be said.")
    return tuple(notes)


def present_sizes(measured: Measured, daily: Daily) -> list[float]:
    """Return the capacity of each present host, 0 where it is unknown."""
    return [
        max((daily.sizes.get(host_id, 0.0) for host_id in machine.ids), default=0.0)
        for machine in measured.machines
    ]


def judge(
    measured: Measured,
    daily: Daily,
    vms: Sequence[VmUse],
    ceiling: Ceiling,
) -> ClusterForecast:
    """Return the forecast of one cluster of its days and its virtual machines."""
    place, sizes = measured.place, present_sizes(measured, daily)
    size = sum(sizes)
    found = trend(daily.days, daily.values)
    ratios = [ceiling.of(place.site, place.cluster, one.host_class) for one in measured.machines]
    ratio = float(np.average(ratios, weights=sizes)) if size else float(np.mean(ratios))
    span = float(daily.days[-1] - daily.days[0] + 1) if daily.days.size else 0.0
    vm = median_vm(vms)
    room = room_of(measured, ceiling)
    return ClusterForecast(
        site=place.site,
        cluster=place.cluster,
        ceiling_ratio=ratio,
        hosts=len(measured.machines),
        trend=scaled(found, size) if size else Trend("unknown", found.days),
        crossing=crossing(found, ratio * size, span) if size else None,
        newest=int(daily.days[-1]) * DAY_NS if daily.days.size else None,
        horizon_days=HORIZON * span,
        vm=vm,
        fit=None if vm is None or room is None else fit(room, vm),
        simulated=sum(machine.simulated for machine in measured.machines),
        notes=_notes(found, measured, vm),
    )


def forecast(reader: Reader, estate: Estate, ceiling: Ceiling, now: int) -> list[ClusterForecast]:
    """Return the forecast of each cluster at ``now`` (UTC nanoseconds); raises StoreError."""
    daily, vms = read_daily(reader, estate, now), read_vms(reader, now)
    nothing = Daily(np.empty(0), np.empty(0), {})
    found = []
    for measured in gather(reader, estate, now):
        ids = [host_id for machine in measured.machines for host_id in machine.ids]
        own = [use for host_id in ids for use in vms.get(host_id, ())]
        found.append(judge(measured, daily.get(measured.place, nothing), own, ceiling))
    return found
