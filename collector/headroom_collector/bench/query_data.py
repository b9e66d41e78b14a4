"""An estate for the benchmark of queries: the same samples for the store and for its peers."""

from collections.abc import Iterator
from dataclasses import dataclass

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from headroom_collector.store.api import Rows, Store, StoreBatch, Thing, Value
from headroom_collector.store.producer import OwnProducer
from headroom_core.clock import SystemClock
from headroom_proto.catalogue import Kind, catalogue

SECOND = 1_000_000_000
STEP = 300
CLUSTERS = 10
SITES = 2
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Estate:
    """``hosts`` with a sample every five minutes for ``days`` up to ``end`` (UTC seconds)."""

    hosts: int
    days: int
    end: int

    @property
    def steps(self) -> int:
        """Samples of a host."""
        return self.days * 86_400 // STEP

    def times(self) -> Ints:
        """Return the samples' moments in seconds: the ends of five minutes each."""
        return self.end - STEP * np.arange(self.steps - 1, -1, -1, dtype=np.int64)

    def name(self, host: int) -> str:
        """Return a host's name."""
        return f"h{host:05d}"

    def place(self, host: int) -> tuple[str, str]:
        """Return a host's site and cluster."""
        cluster = host % CLUSTERS
        return f"s{cluster % SITES}", f"c{cluster}"

    def inventory(self) -> str:
        """Return the inventory as CSV."""
        lines = [f"{self.name(n)},{','.join(self.place(n))}" for n in range(self.hosts)]
        return "host,site,cluster\n" + "\n".join(lines) + "\n"

    def utilisation(self, host: int) -> Floats:
        """Return a host's CPU utilisation: a daily wave with noise of its own."""
        dice = np.random.default_rng(host)
        base = dice.uniform(0.01, 0.5)
        wave = 0.4 * base * np.sin(2 * np.pi * (self.times() % 86_400) / 86_400 + host)
        noise = dice.normal(0, 0.03, self.steps)
        found: Floats = np.clip(base + wave + noise, 0.0, 1.0).round(4)
        return found

    def running(self, host: int) -> Floats:
        """Return how many virtual machines run on a host."""
        dice = np.random.default_rng(host + 1_000_000)
        return dice.integers(1, 16, self.steps).astype(np.float64)


def _sample(kind: Kind, **known: Value) -> tuple[Value, ...]:
    return tuple(known.get(column.field) for column in kind.columns)


def written(estate: Estate, store: Store) -> None:
    """
    Put the estate into the store: each host's two newest samples, and the past as roll-ups.

    One moment is answered from samples: Prometheus' range of five minutes holds both its ends.
    """
    host = catalogue().kind("host")
    futures = []
    for number in range(estate.hosts):
        newest = [
            (
                at * SECOND,
                Thing(),
                _sample(host, cpu_utilisation_ratio=used, domains_running=int(vms)),
            )
            for at, used, vms in zip(
                estate.times()[-2:].tolist(),
                estate.utilisation(number)[-2:].tolist(),
                estate.running(number)[-2:].tolist(),
                strict=True,
            )
        ]
        rows = [Rows("host", newest)]
        name = estate.name(number)
        futures.append(
            store.append(
                StoreBatch(
                    name, name.encode(), 1, 0, estate.end * SECOND, rows, {}, interval_seconds=60.0
                )
            )
        )
    for future in futures:
        future.result(120)
    _clusters(estate, store)
    for first in range(0, estate.hosts, 100):
        _past(estate, store, range(first, min(first + 100, estate.hosts)))


def _clusters(estate: Estate, store: Store) -> None:
    kind = catalogue().kind("headroom")
    rows = []
    for number in range(min(CLUSTERS, estate.hosts)):
        site, cluster = estate.place(number)
        thing = Thing(f"{site}\x1f{cluster}", {"site": site, "cluster": cluster})
        values = _sample(kind, ceiling_ratio=0.4, hosts_present=estate.hosts // CLUSTERS)
        rows.append(Rows("headroom", [((estate.end - 1) * SECOND, thing, values)]))
    OwnProducer(store, SystemClock(), bytes).append(rows).result(120)
    _insert(store, _steady(estate), "headroom", "ceiling_ratio, hosts_present")


def _steady(estate: Estate) -> Iterator[tuple[str, pa.Table]]:
    times = (estate.times() - STEP) * SECOND
    for number in range(min(CLUSTERS, estate.hosts)):
        site, cluster = estate.place(number)
        columns = {
            "time": times,
            "a": np.full(len(times), 0.4),
            "b": np.full(len(times), float(estate.hosts // CLUSTERS)),
        }
        yield f"{site}\x1f{cluster}", pa.table(columns)


def _past(estate: Estate, store: Store, hosts: range) -> None:
    times = (estate.times() - STEP) * SECOND
    parts = (
        (
            estate.name(number),
            pa.table(
                {"time": times, "a": estate.utilisation(number), "b": estate.running(number)}
            ),
        )
        for number in hosts
    )
    _insert(store, parts, "host", "cpu_utilisation_ratio, domains_running")


def _insert(store: Store, parts: Iterator[tuple[str, pa.Table]], kind: str, columns: str) -> None:
    """Insert five-minute values of things, by host or by key, mean and maximum alike."""
    first, second = columns.split(", ")
    by = "h.name" if kind == "host" else "t.key"

    def write(cursor: duckdb.DuckDBPyConnection, _commit: int) -> None:
        for name, table in parts:
            cursor.register("bench_part", table)
            cursor.execute(
                f"INSERT INTO {kind}_5m (time, host_id, thing_id, samples, {first}_mean, {first}_max,"  # noqa: S608  # names of ours
                f" {second}_mean, {second}_max) SELECT p.time, t.host_id, t.id, 5, p.a, p.a, p.b, p.b"
                f" FROM bench_part p, things t JOIN hosts h ON h.id = t.host_id"
                f" WHERE {by} = ? AND t.kind = ? ORDER BY p.time",
                [name, kind],
            )
            cursor.unregister("bench_part")
        cursor.execute("UPDATE things SET first_seen = 0")
        cursor.execute("UPDATE hosts SET first_seen = 0")
        cursor.execute("DELETE FROM dirty")

    store.change(write).result(300)
