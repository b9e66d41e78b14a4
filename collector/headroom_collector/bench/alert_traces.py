"""
Rules on recorded load: which overloads they find, how soon, and how often they page in vain.

Hosts are made by packing real virtual machines so that the first half of the recording just fits
under the ceiling; the rules are judged on the second half. An overload is 30 minutes or more of
5-minute means over the ceiling; one that begins while the host's alert still fires was found after
0 minutes. A page that is not the first of an overload was in vain. Each 5-minute mean stands for five
samples, one a minute.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from headroom_collector.alerts.evaluate import SECOND
from headroom_collector.alerts.replay import Episode, replay
from headroom_collector.bench.report import Figure
from headroom_core.ceiling import DEFAULT_RATIO
from headroom_core.rules import Rule

GRID = 300
MINUTE = 60
LONG = 6
"""Means of 5 minutes that make an overload: half an hour."""
WEEK = 7 * 86_400
BITBRAINS_MHZ = 24 * 2500.0
PLANETLAB_PERCENT = 1600.0
DAYS = ("20110303", "20110306", "20110309", "20110322", "20110325", "20110403")

PLAIN = Rule("plain", hold_seconds=0.0, clear_factor=1.0, clear_hold_seconds=0.0)
RULES = (
    Rule("default"),
    PLAIN,
    Rule("hold 5 min", hold_seconds=300.0),
    Rule("hold 15 min", hold_seconds=900.0),
    Rule("clear at 0.95", clear_factor=0.95),
    Rule("clear after 30 min", clear_hold_seconds=1800.0),
    Rule(
        "hold 15 min, clear at 0.8 after 60 min",
        hold_seconds=900.0,
        clear_factor=0.8,
        clear_hold_seconds=3600.0,
    ),
    Rule("mean of 15 min", window_seconds=900.0, hold_seconds=300.0),
    Rule("median of 15 min", window_seconds=900.0, aggregate="p50", hold_seconds=0.0),
)


def data_folder() -> Path:
    """Return where recordings lie: HEADROOM_BENCH_DATA, else beside the checkout."""
    named = os.environ.get("HEADROOM_BENCH_DATA")
    return Path(named) if named else Path(__file__).resolve().parents[4] / "shared" / "data"


Hosts = list[NDArray[np.float64]]
"""Utilisation of each host, 0..1, a value every 5 minutes; NaN where nothing was recorded."""


def pack(demand: NDArray[np.float64], capacity: float) -> Hosts:
    """
    Return the second half of hosts that hold these machines.

    ``demand``: (machine, time) in the unit of ``capacity``. Largest first, each onto the first host
    whose 99th percentile of the first half stays below the ceiling.
    """
    half = demand.shape[1] // 2
    first = np.nan_to_num(demand[:, :half])
    limit = DEFAULT_RATIO * capacity
    sums: list[NDArray[np.float64]] = []
    held: list[list[int]] = []
    for machine in np.argsort(-first.mean(axis=1), kind="stable"):
        for at, load in enumerate(sums):
            if np.percentile(load + first[machine], 99) <= limit:
                sums[at] = load + first[machine]
                held[at].append(int(machine))
                break
        else:
            sums.append(first[machine].copy())
            held.append([int(machine)])
    return [np.nansum(demand[machines, half:], axis=0) / capacity for machines in held]


def bitbrains(month: str) -> Hosts:
    """Return hosts of one month of Bitbrains."""
    table = pq.read_table(data_folder() / "bitbrains" / f"{month}.parquet")
    vm, time, mhz = (table[name].to_numpy() for name in ("vm", "timestamp", "cpu_mhz"))
    machines, row = np.unique(vm, return_inverse=True)
    column = ((time - time.min()) // GRID).astype(np.int64)
    demand = np.full((len(machines), int(column.max()) + 1), np.nan)
    demand[row, column] = mhz
    return pack(demand, BITBRAINS_MHZ)


def planetlab(day: str) -> Hosts:
    """Return hosts of one day of PlanetLab; a machine's per cent is of one core."""
    table = pq.read_table(data_folder() / "planetlab" / f"{day}.parquet")
    vm, sample, percent = (table[name].to_numpy() for name in ("vm", "sample", "cpu_percent"))
    machines, row = np.unique(vm, return_inverse=True)
    demand = np.full((len(machines), int(sample.max()) + 1), np.nan)
    demand[row, sample] = percent
    return pack(demand, PLANETLAB_PERCENT)


def overloads(load: NDArray[np.float64]) -> list[tuple[int, int]]:
    """Return the overloads of a host as (start, end) in seconds: the means' own bounds."""
    over = np.concatenate([[False], load > DEFAULT_RATIO, [False]])
    edges = np.flatnonzero(over[1:] != over[:-1])
    spans = zip(edges[::2], edges[1::2], strict=True)
    return [(int(a) * GRID, int(b) * GRID) for a, b in spans if b - a >= LONG]


@dataclass(slots=True)
class Score:
    """What a rule did: overloads there were and found, delays in seconds, pages, host-seconds."""

    there: int = 0
    found: int = 0
    pages: int = 0
    extra: int = 0
    seconds: float = 0.0
    delays: list[float] = field(default_factory=list)

    def take(self, load: NDArray[np.float64], episodes: list[Episode]) -> None:
        """Count one host."""
        true = overloads(load)
        end = len(load) * GRID
        spans = [
            (e.fired // SECOND, end if e.resolved is None else e.resolved // SECOND)
            for e in episodes
        ]
        useful = set()
        for start, stop in true:
            hits = [n for n, (a, b) in enumerate(spans) if a <= stop and b > start]
            if hits:
                self.found += 1
                useful.add(hits[0])
                self.delays.append(max(0.0, spans[hits[0]][0] - start))
        self.there += len(true)
        self.pages += len(spans)
        self.extra += len(spans) - len(useful)
        self.seconds += end


def minutes(load: NDArray[np.float64]) -> list[tuple[int, float]]:
    """Return a host's samples, one a minute: (UTC nanoseconds, ratio)."""
    per = GRID // MINUTE
    return [
        ((at * GRID + (n + 1) * MINUTE) * SECOND, float(value))
        for at, value in enumerate(load)
        for n in range(per)
        if not np.isnan(value)
    ]


def figures(*, short: bool) -> Iterator[Figure]:
    """Judge each rule on every host; without recordings there is one figure that says so."""
    if not (data_folder() / "bitbrains").is_dir():
        why = {"recordings": f"not in {data_folder()}; HEADROOM_BENCH_DATA names their folder"}
        yield Figure("alerts", "traces", "hosts", 0, "count", skipped=why)
        return
    months = ("2013-8",) if short else ("2013-7", "2013-8")
    hosts = [load for month in months for load in bitbrains(month)]
    hosts += [load for day in DAYS[: 2 if short else None] for load in planetlab(day)]
    yield Figure("alerts", "traces", "hosts", len(hosts), "count")
    samples = [minutes(load) for load in hosts]
    for rule in RULES[:2] if short else RULES:
        score = Score()
        for n, load in enumerate(hosts):
            score.take(load, replay(rule, str(n), samples[n], DEFAULT_RATIO, MINUTE))
        yield from _told(rule.name, score)


def _told(name: str, score: Score) -> Iterator[Figure]:
    weeks = score.seconds / WEEK
    delays = np.array(score.delays or [np.nan]) / 60
    fresh = delays[delays > 0] if (delays > 0).any() else np.array([np.nan])
    for metric, value, unit in (
        ("overloads", score.there, "count"),
        ("found_ratio", score.found / max(score.there, 1), "ratio"),
        ("delay_p50", float(np.percentile(delays, 50)), "min"),
        ("delay_p95", float(np.percentile(delays, 95)), "min"),
        ("delay_of_new_pages_p50", float(np.percentile(fresh, 50)), "min"),
        ("delay_of_new_pages_p95", float(np.percentile(fresh, 95)), "min"),
        ("pages_per_host_week", score.pages / weeks, "count"),
        ("pages_in_vain_per_host_week", score.extra / weeks, "count"),
    ):
        yield Figure("alerts", "traces", f"{name}: {metric}", value, unit)
