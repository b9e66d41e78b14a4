"""The same samples for a real Prometheus and for our evaluator."""

import math
import random
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from headroom_collector.promql.matching import Matcher, passing
from headroom_collector.promql.model import Labels, Samples
from headroom_collector.promql.source import Hints
from rigs.need import engine
from rigs.ports import free_port
from rigs.prometheus import wait_ready

Series = Mapping[Labels, Sequence[tuple[int, float]]]
"""Samples as (milliseconds, value) by sorted labels, the name under ``__name__``."""


def lookup(labels: Labels) -> Callable[[str], str]:
    known = dict(labels)
    return lambda name: known.get(name, "")


@dataclass(frozen=True, slots=True)
class Kept:
    """A source that keeps all its samples in memory."""

    series: Series

    def select(self, matchers: Sequence[Matcher], hints: Hints) -> Samples:
        del hints
        test = passing(
            matchers,
            lambda name: [dict(labels).get(name, "") for labels in self.series],
        )
        rows = [labels for labels in self.series if test(lookup(labels))]
        sizes = [len(self.series[labels]) for labels in rows]
        starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        flat = [sample for labels in rows for sample in self.series[labels]]
        times = np.array([time for time, _ in flat], dtype=np.int64)
        return Samples(rows, starts, times, np.array([value for _, value in flat], dtype=float))


def number(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    return repr(value) if math.isfinite(value) else ("+Inf" if value > 0 else "-Inf")


def open_metrics(series: Series) -> Iterator[str]:
    """Yield the lines of an OpenMetrics text with these samples."""
    for labels in sorted(series, key=lambda labels: dict(labels)["__name__"]):
        name = dict(labels)["__name__"]
        shown = ",".join(f'{key}="{text}"' for key, text in labels if key != "__name__")
        for time, value in series[labels]:
            yield f"{name}{{{shown}}} {number(value)} {time // 1000}.{time % 1000:03d}\n"
    yield "# EOF\n"


@dataclass(frozen=True, slots=True)
class Loaded:
    """A Prometheus that has the samples."""

    client: httpx.Client

    def ask(self, path: str, **query: Any) -> dict[str, Any]:
        """Return the answer, an error's as well."""
        found: dict[str, Any] = self.client.post(f"/api/v1/{path}", data=query).json()
        return found


@contextmanager
def loaded(series: Series, folder: Path) -> Iterator[Loaded]:
    """Run a Prometheus over blocks made of these samples; stopped by its pid."""
    text, blocks = folder / "samples.om", folder / "data"
    with text.open("w") as file:
        file.writelines(open_metrics(series))
    command = [engine("promtool"), "tsdb", "create-blocks-from", "openmetrics", text, blocks]
    subprocess.run([str(part) for part in command], check=True, capture_output=True, timeout=120)
    url = f"http://127.0.0.1:{free_port()}"
    settings, log = folder / "prometheus.yml", folder / "prometheus.log"
    settings.write_text("global: {evaluation_interval: 1m}\n")
    arguments = [
        str(engine("prometheus")),
        f"--config.file={settings}",
        f"--storage.tsdb.path={blocks}",
        "--storage.tsdb.retention.time=100y",
        f"--web.listen-address={url.removeprefix('http://')}",
    ]
    with log.open("wb") as output:
        process = subprocess.Popen(arguments, stdout=output, stderr=output)
        try:
            wait_ready(url, process, log)
            with httpx.Client(base_url=url, timeout=30) as client:
                yield Loaded(client)
        finally:
            process.terminate()
            process.wait(20)


def fleet(seed: int, start: int, minutes: int = 60) -> Series:
    """
    Return a few hosts' gauges and counters with what real ones have.

    Jitter, gaps, a reset, a series that ends, one that begins late, equal values, an odd NaN.
    """
    dice = random.Random(seed)
    series: dict[Labels, list[tuple[int, float]]] = {}
    for number_ in range(7):
        site, cluster = ("paris", "web") if number_ % 3 else ("lyon", "db")
        host = [("host", f"h{number_}"), ("site", site), ("cluster", cluster)]
        if number_ == 6:
            host = [("host", "h6")]
        for name, extra in (
            ("util", []),
            ("load", []),
            ("bytes", []),
            ("cpu_seconds_total", [("state", "user")]),
            ("cpu_seconds_total", [("state", "idle")]),
            ("domains", [("state", "running")]),
            ("domains", [("state", "shutoff")]),
            ("flat", []),
        ):
            labels = tuple(sorted([("__name__", name), *host, *extra]))
            series[labels] = list(_course(dice, name, number_, start, minutes))
    for site, cluster, ceiling in (("paris", "web", 0.4), ("lyon", "db", 0.6)):
        labels = (("__name__", "ceiling"), ("cluster", cluster), ("site", site))
        series[labels] = [(start + 60_000 * n, ceiling) for n in range(minutes)]
    return series


def _course(
    dice: random.Random, name: str, host: int, start: int, minutes: int
) -> Iterator[tuple[int, float]]:
    interval = 10_000 if host % 2 else 30_000
    total, time = dice.uniform(0, 1e6), start + dice.randrange(interval)
    end = start + minutes * 60_000
    if host == 4:
        end -= minutes * 20_000  # it ends early
    if host == 5:
        time += minutes * 15_000  # it begins late
    while time < end:
        total += dice.uniform(0, 30)
        if dice.random() < 0.004:
            total = dice.uniform(0, 5)
        value = {
            "util": dice.random() if host != 3 else round(dice.random(), 1),
            "load": dice.gauss(0, 3),
            "bytes": float(dice.randrange(1 << 36)),
            "cpu_seconds_total": total,
            "domains": float(dice.randrange(12)),
            "flat": 5.0,
        }[name]
        if name == "load" and dice.random() < 0.01:
            value = math.nan
        yield time, value
        time += interval + (dice.randrange(-200, 200) if host in {1, 2} else 0)
        if dice.random() < 0.01:
            time += 240_000 if dice.random() < 0.5 else 420_000
