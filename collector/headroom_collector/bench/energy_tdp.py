"""How well power is modelled from the thermal design power of a server's CPUs."""

import csv
import os
import re
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from headroom_collector.bench import energy_model
from headroom_collector.bench.energy_model import Result
from headroom_collector.bench.report import Figure
from headroom_core import energy_generations
from headroom_core.energy import PowerModel
from headroom_core.energy_generations import Generation

TABLE = "cpu-tdp.csv"
LEAST_ALIKE = 3
CASE = "model-tdp"
WITHOUT = (
    "the file has no TDP, and there is no table of Name,TDP (set HEADROOM_BENCH_TDP to one, such as "
    "cpu_power.csv of the Python package codecarbon): by sockets and cores instead"
)
NOISE = re.compile(
    r"\((R|TM)\)|®|™|,.*|@.*|processor|\bcpu\b|\d+(\.\d+)?\s*ghz|\d+-core|\b(intel|amd)\b",
    re.IGNORECASE,
)
CPU = re.compile(
    r"epyc \w+|xeon (?:platinum|gold|silver|bronze) \w+|xeon 6\w+|xeon \w+-?\w+(?: v\d)?"
)


def plain(cpu: str) -> str:
    """Return a CPU's name without maker, marks and speed."""
    return " ".join(NOISE.sub("", cpu).split()).lower()


def table() -> Mapping[str, float]:
    """Return watts by plain name, empty where there is no table."""
    path = Path(os.environ.get("HEADROOM_BENCH_TDP", energy_model.data() / TABLE))
    if not path.is_file():
        return {}
    found: dict[str, float] = {}
    with path.open(newline="", encoding="utf-8") as lines:
        for line in csv.DictReader(lines):
            try:
                found[plain(line["Name"])] = float(line["TDP"])
            except (KeyError, ValueError):
                continue
    return found


def find(cpu: str, known: Mapping[str, float]) -> float | None:
    """Return the watts of one CPU; None where the table has no such name."""
    name = plain(cpu)
    short = CPU.search(name)
    return known.get(name, known.get(short[0]) if short else None)


def _by_generation(
    pairs: Sequence[tuple[Result, float]],
) -> Iterator[tuple[PowerModel, Result]]:
    """Yield each server with its generation's model, itself left out of the medians."""
    groups: dict[Generation, list[tuple[Result, float]]] = {}
    for result, tdp in pairs:
        one = energy_generations.find(result.cpu)
        if one is not None:
            groups.setdefault(one, []).append((result, tdp))
    for one, members in groups.items():
        for place, (result, tdp) in enumerate(members):
            rest = members[:place] + members[place + 1 :]
            if len(rest) >= LEAST_ALIKE:
                ratio = statistics.median(r.full / (watts * r.sockets) for r, watts in rest)
                anew = energy_model.medians(one, [r for r, _ in rest])
                anew = replace(anew, full_tdp=ratio)
                yield (
                    energy_generations.model(
                        anew, result.sockets, result.cores, tdp * result.sockets
                    ),
                    result,
                )


def tdp(*, short: bool) -> Iterator[Figure]:
    """Measure the model by generation and TDP; without a table of TDPs by sockets and cores."""
    if not (energy_model.data() / energy_model.FILE).is_file():
        yield energy_model.skipped(CASE)
        return
    known = table()
    if not known:
        for figure in energy_model.generations(short=short):
            if figure.metric in {"mape", "interval_coverage", "servers"}:
                yield replace(figure, case=CASE, skipped={"tdp": WITHOUT})
        return
    results = energy_model.read(energy_model.data() / energy_model.FILE)
    pairs = [(one, watts) for one in results if (watts := find(one.cpu, known)) is not None]
    tested = list(_by_generation(pairs))
    error, inside = energy_model.off(tested)
    yield Figure("energy", CASE, "mape", error, "ratio")
    yield Figure("energy", CASE, "interval_coverage", inside, "ratio")
    yield Figure("energy", CASE, "servers", float(len(tested)), "1")
    unknown = [
        (energy_generations.tdp_model(w * r.sockets), r) for r, w in pairs if r.year >= 2012
    ]
    error, inside = energy_model.off(unknown)
    yield Figure("energy", CASE, "unknown_generation_mape", error, "ratio")
    yield Figure("energy", CASE, "unknown_generation_interval_coverage", inside, "ratio")
