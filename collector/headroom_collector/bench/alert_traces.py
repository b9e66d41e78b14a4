"""
Rules on recorded load: which overloads they find, how soon, and how often they page in vain.

Hosts are made by packing real virtual machines so that the first half of the recording just fits
under the ceiling; the rules are judged on the second half. Each 5-minute mean stands for five
samples, one a minute.

The judge, fixed before any rule was chosen:

- An overload is 30 minutes or more of 5-minute means over the ceiling.
- It was found if an alert fires between its first and its last minute, or stands when it begins.
- The delay is from its start to the firing, 0 where the alert stands already. It is told for all
  overloads that were found, and for those alone that a new page told of.
- A page is in vain unless it is the first by which an overload was found. More strictly, ``woken``
  counts pages that fired outside of any overload, or a second time in one.
- No clear hold may be longer than repeat_interval (4 h): what stands longer is told again anyway. The
  hours that alerts stand are told, for they are the price of a long one.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from headroom_collector.alerts.evaluate import SECOND
from headroom_collector.alerts.replay import Episode, replay
from headroom_collector.bench.alert_families import FAMILIES, grid_spans
from headroom_collector.bench.report import Figure
from headroom_core.ceiling import DEFAULT_RATIO
from headroom_core.rules import CeilingRule, Rule

GRID = 300
MINUTE = 60
LONG = 6
"""Means of 5 minutes that make an overload: half an hour."""
WEEK = 7 * 86_400
BITBRAINS_MHZ = 24 * 2500.0
PLANETLAB_PERCENT = 1600.0
DAYS = ("20110303", "20110306", "20110309", "20110322", "20110325", "20110403")

PLAIN = Rule("plain", hold_seconds=0.0, clear_factor=1.0, clear_hold_seconds=0.0)
DEFAULT = CeilingRule("default")
RULES = (
    DEFAULT,
    PLAIN,
    replace(DEFAULT, name="three means in a row", hold_seconds=600.0),
    replace(DEFAULT, name="five means in a row", hold_seconds=1200.0),
    replace(DEFAULT, name="also while it falls", falling_factor=0.0),
    replace(DEFAULT, name="clear after 1 h", clear_hold_seconds=3600.0),
    replace(DEFAULT, name="clear after 15 min", clear_hold_seconds=900.0),
    replace(DEFAULT, name="clear at 0.9 after 1 h", clear_factor=0.9, clear_hold_seconds=3600.0),
    replace(DEFAULT, name="sliding means", step_seconds=0.0),
    Rule("sliding, hold 10 min, clear at 0.9 after 15 min"),
    Rule("mean of 15 min, hold 5 min", window_seconds=900.0, hold_seconds=300.0),
    Rule(
        "90 % of 20 min above",
        window_seconds=1200.0,
        aggregate="p10",
        hold_seconds=0.0,
        clear_factor=0.7,
        clear_hold_seconds=14_400.0,
    ),
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


Span = tuple[float, float]
"""When an alert fired and when it resolved, in seconds."""


@dataclass(slots=True)
class Score:
    """What a rule did: overloads there were and found, delays in seconds, pages, host-seconds."""

    there: int = 0
    found: int = 0
    pages: int = 0
    extra: int = 0
    woken: int = 0
    seconds: float = 0.0
    standing: float = 0.0
    delays: list[float] = field(default_factory=list)

    def take(self, load: NDArray[np.float64], spans: Sequence[Span]) -> None:
        """Count one host."""
        true = overloads(load)
        useful = set()
        for start, stop in true:
            hits = [n for n, (a, b) in enumerate(spans) if a <= stop and b > start]
            if hits:
                self.found += 1
                useful.add(hits[0])
                self.delays.append(max(0.0, spans[hits[0]][0] - start))
        inside = [first(true, fired) for fired, _ in spans]
        self.there += len(true)
        self.pages += len(spans)
        self.extra += len(spans) - len(useful)
        self.woken += len(spans) - len(set(inside) - {None})
        self.standing += sum(b - a for a, b in spans)
        self.seconds += len(load) * GRID


def first(true: Sequence[tuple[int, int]], fired: float) -> int | None:
    """Return which overload was going on at that moment; None where none was."""
    return next((n for n, (start, stop) in enumerate(true) if start < fired <= stop), None)


def spans_of(episodes: Sequence[Episode], end: float) -> list[Span]:
    """Return episodes as spans; one that still fires lasts to the end."""
    return [
        (e.fired / SECOND, end if e.resolved is None else e.resolved / SECOND) for e in episodes
    ]


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
    hosts = load(short=short)
    yield Figure("alerts", "traces", "hosts", len(hosts), "count")
    for rule in RULES[:2] if short else RULES:
        score = Score()
        for n, host in enumerate(hosts):
            found = replay(rule, str(n), minutes(host), DEFAULT_RATIO, MINUTE)
            score.take(host, spans_of(found, len(host) * GRID))
        yield from told(rule.name, score)
    if not short:
        for name, fires in FAMILIES.items():
            score = Score()
            for host in hosts:
                score.take(host, grid_spans(host, fires(host, DEFAULT_RATIO), DEFAULT_RATIO))
            yield from told(name, score)


def load(*, short: bool) -> Hosts:
    """Return the hosts of all recordings, or of few."""
    months = ("2013-8",) if short else ("2013-7", "2013-8")
    hosts = [host for month in months for host in bitbrains(month)]
    return hosts + [host for day in DAYS[: 2 if short else None] for host in planetlab(day)]


def told(name: str, score: Score) -> Iterator[Figure]:
    """Return the figures of one rule."""
    weeks = score.seconds / WEEK
    delays = np.array(score.delays or [np.nan]) / 60
    fresh = delays[delays > 0] if (delays > 0).any() else np.array([np.nan])
    for metric, value, unit in (
        ("overloads", score.there, "count"),
        ("found_ratio", score.found / max(score.there, 1), "ratio"),
        ("delay_p50", float(np.percentile(delays, 50)), "min"),
        ("delay_p95", float(np.percentile(delays, 95)), "min"),
        ("new_pages", int((delays > 0).sum()), "count"),
        ("delay_of_new_pages_p50", float(np.percentile(fresh, 50)), "min"),
        ("delay_of_new_pages_p95", float(np.percentile(fresh, 95)), "min"),
        ("pages_per_host_week", score.pages / weeks, "count"),
        ("pages_in_vain_per_host_week", score.extra / weeks, "count"),
        ("woken_in_vain_per_host_week", score.woken / weeks, "count"),
        ("standing_hours_per_host_week", score.standing / 3600 / weeks, "h"),
    ):
        yield Figure("alerts", "traces", f"{name}: {metric}", value, unit)
