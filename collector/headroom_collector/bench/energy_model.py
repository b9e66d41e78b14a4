"""How well power is modelled: fitted on results up to 2019, tested on newer ones."""

import csv
import math
import os
import statistics
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from headroom_collector.bench.report import Figure
from headroom_core import energy_generations
from headroom_core.energy import Estimate, PowerModel, generic_model, own_model
from headroom_core.energy_generations import Generation

FILE = "specpower-2026-03.csv"
LAST_YEAR = 2019
LEAST_ALIKE = 3
"""Fewer servers with as many sockets say nothing of their own."""
NO_LOADS = "the file has idle and full load only, and the model goes through its own two points"


@dataclass(frozen=True, slots=True)
class Result:
    """One published server: watts at its input, idle and at full load."""

    cpu: str
    year: int
    sockets: int
    cores: int
    threads: int
    idle: float
    full: float


def data() -> Path:
    """Return the folder of the benchmarks' data: HEADROOM_BENCH_DATA, else beside the checkout."""
    beside = Path(__file__).resolve().parents[4] / "shared" / "data"
    return Path(os.environ.get("HEADROOM_BENCH_DATA", beside))


def read(file: Path) -> list[Result]:
    """Read the servers of one and two sockets; a line that lacks a figure is left out."""
    found = []
    with file.open(newline="", encoding="utf-8") as lines:
        for line in csv.DictReader(lines):
            try:
                chips, threads = int(line["Chips"]), int(line["Total Threads"])
                idle = float(line["avg. watts @ active idle"])
                full = float(line["avg. watts @ 100%"])
                year, cores = int(line["Published"][-4:]), int(line["# Cores"])
            except ValueError:
                continue
            if chips <= 2 and threads > 0 and 0 < idle < full:
                found.append(
                    Result(line["CPU Description"], year, chips, cores, threads, idle, full)
                )
    return found


def _law(points: Sequence[tuple[int, float]]) -> Callable[[int], Estimate]:
    """Fit watts = a * threads^b, with the 5th and 95th percentile of the points around it."""
    logs = [(math.log(threads), math.log(watts)) for threads, watts in points]
    slope, offset = statistics.linear_regression(*zip(*logs, strict=True))
    rest = sorted(y - slope * x - offset for x, y in logs)
    low, high = rest[len(rest) // 20], rest[-1 - len(rest) // 20]

    def estimate(threads: int) -> Estimate:
        value = offset + slope * math.log(threads)
        return Estimate(math.exp(value), math.exp(value + low), math.exp(value + high))

    return estimate


def fit(results: Sequence[Result]) -> Callable[[int], PowerModel]:
    """Fit a model that knows a server's threads only."""
    idle = _law([(one.threads, one.idle) for one in results])
    full = _law([(one.threads, one.full) for one in results])
    return lambda threads: PowerModel(idle(threads), full(threads))


def skipped(case: str) -> Figure:
    """Return the line of a case whose data are not there."""
    why = f"{data() / FILE} is not there: set HEADROOM_BENCH_DATA to its folder"
    return Figure("energy", case, "skipped", 1, "1", skipped={"data": why})


def threads(*, short: bool) -> Iterator[Figure]:
    """Measure the model that ships, and the same one fitted on the past and tested on what came."""
    del short
    if not (data() / FILE).is_file():
        yield skipped("model-threads")
        return
    results = read(data() / FILE)
    past = [one for one in results if 2012 <= one.year <= LAST_YEAR]
    newer = [one for one in results if one.year > LAST_YEAR]
    for name, model, tested in (
        ("", fit(past), newer),
        ("shipped_", generic_model, [one for one in results if one.year >= 2012]),
    ):
        error, coverage = off((model(one.threads), one) for one in tested)
        yield Figure("energy", "model-threads", f"{name}mape", error, "ratio")
        yield Figure("energy", "model-threads", f"{name}interval_coverage", coverage, "ratio")
        yield Figure("energy", "model-threads", f"{name}servers", float(len(tested)), "1")


def medians(one: Generation, results: Sequence[Result]) -> Generation:
    """Return a generation anew, from these servers."""
    idle = [result.idle / result.sockets for result in results]
    alike = {
        sockets: [result.idle / sockets for result in results if result.sockets == sockets]
        for sockets in (1, 2)
    }
    return replace(
        one,
        results=len(results),
        idle_one=statistics.median(alike[1] if len(alike[1]) >= LEAST_ALIKE else idle),
        idle_two=statistics.median(alike[2] if len(alike[2]) >= LEAST_ALIKE else idle),
        full_socket=statistics.median(result.full / result.sockets for result in results),
        full_core=statistics.median(result.full / result.cores for result in results),
    )


def generations(*, short: bool) -> Iterator[Figure]:
    """Measure the medians of each generation, every server left out of its own."""
    del short
    if not (data() / FILE).is_file():
        yield skipped("model-generation")
        return
    groups: dict[Generation, list[Result]] = {}
    for result in read(data() / FILE):
        one = energy_generations.find(result.cpu)
        if one is not None:
            groups.setdefault(one, []).append(result)
    off_by: tuple[list[float], list[float]] = ([], [])
    inside = []
    for one, results in groups.items():
        for at, left_out in enumerate(results):
            rest = results[:at] + results[at + 1 :]
            if not rest:
                continue
            power = energy_generations.model(medians(one, rest), left_out.sockets, left_out.cores)
            for place, true in enumerate((left_out.idle, left_out.full)):
                found = power.watts(float(place))
                off_by[place].append(abs(found.value / true - 1))
                inside.append(found.low <= true <= found.high)
    for name, value in (
        ("mape", statistics.mean([*off_by[0], *off_by[1]])),
        ("idle_mape", statistics.mean(off_by[0])),
        ("full_mape", statistics.mean(off_by[1])),
        ("interval_coverage", statistics.mean(inside)),
    ):
        yield Figure("energy", "model-generation", name, value, "ratio")
    yield Figure("energy", "model-generation", "servers", float(len(off_by[0])), "1")


def _alike(results: Sequence[Result]) -> Iterator[tuple[Result, list[Result]]]:
    """Yield each server with the others of the same CPUs, where there are any."""
    groups: dict[tuple[str, int], list[Result]] = {}
    for one in results:
        groups.setdefault((one.cpu, one.sockets), []).append(one)
    for group in groups.values():
        for place, one in enumerate(group):
            rest = group[:place] + group[place + 1 :]
            if rest:
                yield one, rest


def two_point(*, short: bool) -> Iterator[Figure]:
    """
    Measure the model with a server's own idle and full watts, at the loads that the file has.

    The model goes through both, so what is left to measure is how far the two points of one server
    are those of another with the same CPUs: ``sister_``.
    """
    del short
    if not (data() / FILE).is_file():
        yield skipped("model-two-point")
        return
    results = read(data() / FILE)
    own = [own_model(one.idle, one.full) for one in results]
    error = off(zip(own, results, strict=True))[0]
    yield Figure(
        "energy", "model-two-point", "mape", error, "ratio", skipped={"loads_between": NO_LOADS}
    )
    sisters = [
        (
            own_model(
                *(
                    statistics.median(v)
                    for v in zip(*((s.idle, s.full) for s in rest), strict=True)
                )
            ),
            one,
        )
        for one, rest in _alike(results)
    ]
    error, inside = off(sisters)
    yield Figure("energy", "model-two-point", "sister_mape", error, "ratio")
    yield Figure("energy", "model-two-point", "sister_interval_coverage", inside, "ratio")
    yield Figure("energy", "model-two-point", "sisters", float(len(sisters)), "1")


def off(pairs: Iterable[tuple[PowerModel, Result]]) -> tuple[float, float]:
    """Return the mean absolute error at idle and full load, and how often the interval held it."""
    off, inside = [], []
    for power, one in pairs:
        for load, true in ((0.0, one.idle), (1.0, one.full)):
            found = power.watts(load)
            off.append(abs(found.value / true - 1))
            inside.append(found.low <= true <= found.high)
    return statistics.mean(off), statistics.mean(inside)
