"""
``headroom bench query``: how long the panels' queries take, beside Prometheus and VictoriaMetrics.

All three hold the same samples, one every five minutes, and are asked over HTTP on loopback.
"""

import asyncio
import shutil
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from headroom_collector.api.app import make_app
from headroom_collector.api.services import Services
from headroom_collector.bench.query_data import Estate, written
from headroom_collector.bench.query_peers import Peer, peers
from headroom_collector.bench.report import Figure
from headroom_collector.config import CollectorConfig, StoreSettings
from headroom_collector.http import HttpServer, listen_tcp
from headroom_collector.inventory.book import MIGRATIONS, Book
from headroom_collector.promql.workers import Children
from headroom_collector.store.engine import open_store
from headroom_core.clock import SystemClock

ROUNDS = 3
POINTS = 720
"""Steps of a panel as wide as half a screen."""
STEP = 300
SHORT = (100, 7)
CASES = {"30d-1000-hosts": (1000, 30), "90d-1000-hosts": (1000, 90)}
HERE = 'site=~".*",cluster=~".*"'
BUSY = f"headroom_host_cpu_utilisation_ratio{{{HERE}}}"
MEAN = f"avg_over_time({BUSY}[5m])"
DAY = f"avg_over_time({BUSY}[1d])"
RUNNING = f'headroom_host_domains{{{HERE},state="running"}}'
CEILING = f"max by (site, cluster) (headroom_cluster_ceiling_ratio{{{HERE}}})"
OVER_TIME = (
    f"topk(20, {MEAN})",
    f"quantile by (site, cluster) (0.5, {MEAN})",
    f"quantile by (site, cluster) (0.95, {MEAN})",
    f"sum({MEAN} > bool on (site, cluster) group_left () {CEILING})",
    f"count({BUSY})",
    f"sum({RUNNING})",
    f"sum(sum by (site, cluster, host) ({RUNNING}) < bool 8)",
    f"sum({DAY} < bool 0.05)",
    f"sum by (site, cluster) ({DAY} < bool 0.05)",
    f"sum(headroom_cluster_hosts_present{{{HERE}}})",
)
NOW = (
    f"avg by (site, cluster) ({MEAN} > bool on (site, cluster) group_left () {CEILING})",
    f"count({DAY} >= 0.05 < 0.1) or vector(0)",
    f"avg by (site, cluster, host) ({DAY}) < 0.05",
    f"sum by (site, cluster, host) ({RUNNING}) > 0",
)
"""Queries of the panels (a test holds them to the dashboards), as Grafana sends them."""


class CallError(Exception):
    """An engine did not answer a query: there is nothing to measure."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One query: its path and its parameters."""

    path: str
    parameters: Mapping[str, Any]


def asked(days: int, end: int) -> list[Asked]:
    """Return the calls for a dashboard over so many days up to ``end`` (seconds)."""
    step = max(STEP, days * 86_400 // POINTS // STEP * STEP)
    span = {"start": end - days * 86_400, "end": end, "step": step}
    return [Asked("query_range", {"query": text, **span}) for text in OVER_TIME] + [
        Asked("query", {"query": text, "time": end}) for text in NOW
    ]


@contextmanager
def _serving(app: Any) -> Iterator[str]:
    """Serve on loopback in a thread; yields the URL."""
    socket, loop = listen_tcp("127.0.0.1:0"), asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    server = HttpServer(app, socket)
    try:
        asyncio.run_coroutine_threadsafe(server.start(), loop).result(30)
        yield f"http://127.0.0.1:{socket.getsockname()[1]}/prometheus/api/v1"
    finally:
        asyncio.run_coroutine_threadsafe(server.stop(), loop).result(30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@contextmanager
def ours(estate: Estate, folder: Path) -> Iterator[str]:
    """Run the collector's HTTP side over a store with the estate; yields the URL of its API."""
    clock = SystemClock()
    (folder / "inventory.csv").write_text(estate.inventory(), encoding="utf-8")
    settings = StoreSettings(group_window_seconds=0.01)
    store = open_store(folder / "store", settings, MIGRATIONS, clock)
    workers = Children(2, 4 << 30)
    try:
        written(estate, store)
        book = Book(store, folder / "inventory.csv", clock)
        made = Services(store, book, CollectorConfig(), clock, "0", workers=workers)
        with _serving(make_app(made, admin=False)) as url:
            yield url
    finally:
        workers.close()
        store.close()


def _seconds(client: httpx.Client, url: str, call: Asked) -> tuple[float, Any]:
    begun = time.perf_counter()
    answer = client.post(f"{url}/{call.path}", data={**call.parameters, "nocache": "1"})
    taken = time.perf_counter() - begun
    body = answer.json()
    if body["status"] != "success":
        raise CallError(f"{url}: {body['error']}: {call.parameters['query']}")
    return taken, body["data"]["result"]


def _values(result: Any) -> dict[Any, float]:
    return {
        (tuple(sorted(each["metric"].items())), at): float(value)
        for each in result
        for at, value in each.get("values", [each.get("value")])
    }


def _near(a: float, b: float) -> bool:
    return abs(a - b) <= 1e-9 * max(1, abs(b))


def unlike(mine: Any, real: Any, *, top: bool = False) -> bool:
    """
    Return whether two answers differ by more than rounding.

    ``top``: the query is a topk, which says nothing of the order of equal series: any of those that
    are equal to the step's least may stand there.
    """
    a, b = _values(mine), _values(real)
    if any(not _near(a[key], b[key]) for key in set(a) & set(b)):
        return True
    odd = set(a) ^ set(b)
    return bool(odd) and not (top and _tied(a, b, odd))


def _tied(a: Mapping[Any, float], b: Mapping[Any, float], odd: set[Any]) -> bool:
    """Return whether what only one answer has is equal to the least of the other's same step."""
    for at in {at for _, at in odd}:
        here, there = ([found[key] for key in found if key[1] == at] for found in (a, b))
        if len(here) != len(there) or not _near(min(here), min(there)):
            return False
        if any(not _near(a.get(key, b.get(key, 0.0)), min(there)) for key in odd if key[1] == at):
            return False
    return True


def _measured(
    urls: Mapping[str, str], calls: Sequence[Asked], rounds: int
) -> tuple[dict[str, list[float]], int]:
    """Return each engine's median seconds by query, and how many answers differ from Prometheus'."""
    taken: dict[str, list[float]] = {name: [] for name in urls}
    mismatches = 0
    with httpx.Client(timeout=120) as client:
        for call in calls:
            times: dict[str, list[float]] = {name: [] for name in urls}
            results: dict[str, Any] = {}
            for _ in range(rounds):
                for name, url in urls.items():
                    seconds, results[name] = _seconds(client, url, call)
                    times[name].append(seconds)
            for name, found in times.items():
                taken[name].append(statistics.median(found))
            top = call.parameters["query"].startswith("topk")
            mine, real = results["headroom"], results.get("prometheus")
            if real is not None and unlike(mine, real, top=top):
                mismatches += 1
                print(f"differs: {call.parameters['query']}", file=sys.stderr)  # noqa: T201  # progress
    return taken, mismatches


def percentile(values: Sequence[float], share: float) -> float:
    """Return the nearest-rank percentile."""
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, max(0, -(-int(share * 100) * len(ranked) // 100) - 1))]


def _figures(case: str, hosts: int, days: int) -> Iterator[Figure]:
    end = int(time.time()) // STEP * STEP - STEP
    estate = Estate(hosts, days, end)
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="headroom-bench-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        found: list[Peer] = stack.enter_context(peers(folder))
        urls = {"headroom": stack.enter_context(ours(estate, folder))}
        skipped = {peer.name: peer.missing for peer in found if peer.missing}
        for peer in found:
            if not peer.missing:
                peer.load(estate)
                urls[peer.name] = f"{peer.url}/api/v1"
        calls = asked(days, end)
        taken, mismatches = _measured(urls, calls, ROUNDS)
    named: list[tuple[str, Callable[[Sequence[float]], float]]] = [
        ("p50_seconds", lambda values: percentile(values, 0.5)),
        ("p95_seconds", lambda values: percentile(values, 0.95)),
    ]
    for metric, of in named:
        others = {name: of(values) for name, values in taken.items() if name != "headroom"}
        yield Figure("query", case, metric, of(taken["headroom"]), "s", others, skipped)
    yield Figure("query", case, "mismatches", mismatches, "count", skipped=skipped)
    yield Figure("query", case, "queries", len(calls), "count")


def figures(*, short: bool, case: str | None = None) -> Iterator[Figure]:
    """Yield the figures; the short form has 100 hosts and 7 days under the name ``short``."""
    if short:
        yield from _figures("short", *SHORT)
        return
    for name, (hosts, days) in CASES.items():
        if case in {None, name}:
            yield from _figures(name, hosts, days)
