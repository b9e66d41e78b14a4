"""How many values a core takes in: a collector beside Prometheus and VictoriaMetrics."""

import statistics
import time
from collections.abc import Iterator, Mapping

from headroom_collector.bench import hosts, peers
from headroom_collector.bench.load import Job, cycle
from headroom_collector.bench.report import Figure
from headroom_collector.ingest.decode import rows
from headroom_collector.sinks.remote_write import encoded_field, encoded_labels, encoded_sample
from headroom_collector.sinks.sender import chunks
from headroom_collector.sinks.target import Part
from headroom_proto.catalogue import catalogue

HOSTS = 1_000
VMS = 8
SECOND = 1_000_000_000
CASE = "capacity"


class Series:
    """The series of the load's hosts, encoded once; each cycle adds a sample to each."""

    def __init__(self) -> None:
        made = cycle(Job("", "", [], 0, 0, VMS))
        self._series: list[tuple[bytes, float]] = []
        for one in rows(made):
            kind = catalogue().kind(one.kind)
            for _, thing, known in one.rows:
                for place, column in enumerate(kind.columns):
                    value = known[place]
                    if column.metric and value is not None:
                        self._add(
                            kind.series(thing.labels) | dict(column.labels), column.metric, value
                        )

    def _add(self, labels: Mapping[str, str], metric: str, value: float) -> None:
        for host in range(HOSTS):
            own = {**labels, "__name__": metric, "host": f"load-{host:05d}", "site": "s1"}
            self._series.append((encoded_labels(own), value))

    def requests(self, when: int) -> list[list[Part]]:
        """Return remote-write requests with a sample of every series at ``when``, UTC nanoseconds."""
        samples: dict[float, bytes] = {}
        parts = []
        for labels, value in self._series:
            sample = samples.setdefault(value, encoded_sample(when, value))
            parts.append(Part(encoded_field(1, labels + sample), 1))
        return list(chunks(parts))


def peer_rate(peer: peers.Peer, series: Series, cycles: int) -> float:
    """
    Return the values that a peer takes in for a second of its CPU time.

    It knows the series already: making them costs it more than many samples do.
    """
    base = time.time_ns() // SECOND * SECOND - (cycles + 1) * 10 * SECOND
    count = 0
    with peers.running(peer) as engine:
        engine.feed(series.requests(base))
        engine.flush()
        before = engine.cpu_seconds()
        for turn in range(1, cycles + 1):
            bodies = series.requests(base + turn * 10 * SECOND)
            count += sum(len(body) for body in bodies)
            engine.feed(bodies)
        engine.flush()
        return count / (engine.cpu_seconds() - before)


def figures(*, short: bool) -> Iterator[Figure]:
    """Measure ours and theirs in turn, and give the median of each."""
    load = hosts.Load(CASE, 10_000, VMS, 0, 300, 8.0 if short else 20.0)
    turns, cycles = (1, 6) if short else (3, 15)
    ours: list[float] = []
    theirs: dict[str, list[float]] = {}
    missing, series = peers.skipped(), Series()
    for _ in range(turns):
        found, each = hosts.measure(load)
        ours.append(found.answer["acked"] * each / found.cpu_seconds)
        for peer in peers.PEERS:
            if peer.name not in missing:
                theirs.setdefault(peer.name, []).append(peer_rate(peer, series, cycles))
    medians = {name: statistics.median(rates) for name, rates in theirs.items()}
    yield Figure(
        "ingest", CASE, "values_per_core_second", statistics.median(ours), "1/s", medians, missing
    )
