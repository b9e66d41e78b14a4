"""
Headroom of the estate, cluster by cluster: computed on demand, and stored once a minute.

Hosts needed are a lower bound (see ``bound``) for the work that was measured. What hypervisors use
themselves counts as work: a plan that empties hosts with much of it may go below the bound.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future
from dataclasses import asdict, dataclass
from typing import Protocol

from headroom_collector.consolidation.cluster import Basis, ClusterHeadroom, judge
from headroom_collector.consolidation.demand import HISTORY_NS, Demand, demand_of
from headroom_collector.consolidation.grid import read_grid
from headroom_collector.consolidation.latest import Latest, read_latest
from headroom_collector.consolidation.machines import Machine, Place, present
from headroom_collector.consolidation.nested import hypervisors_of
from headroom_collector.store.api import Outcome, Reader, Rows, StoreError, Thing, Value
from headroom_core.ceiling import Ceiling
from headroom_core.clock import Clock
from headroom_core.estate import Estate
from headroom_proto.catalogue import catalogue

__all__ = [
    "Basis",
    "ClusterHeadroom",
    "HeadroomTask",
    "Measured",
    "compute",
    "gather",
    "headroom_rows",
]

LOG = logging.getLogger(__name__)
KIND = "headroom"
FIRST_SECONDS = 5.0
"""The first result comes early, so that a fresh collector soon shows one."""
PERIOD_SECONDS = 60.0
SHARE = 20.0
"""A computation waits this many times as long as it took: it costs at most a 21st of one CPU."""


class Producer(Protocol):
    """Takes samples that the collector makes itself."""

    def append(self, rows: Sequence[Rows]) -> "Future[Outcome]":
        """Queue samples; the future is done once they are durable."""
        ...


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured of one cluster, before any ceiling."""

    place: Place
    machines: Sequence[Machine]
    demand: Demand
    latest: Latest

    def under(self, ceiling: Ceiling) -> ClusterHeadroom:
        """Return the cluster's headroom under that ceiling."""
        return judge(self.place, self.machines, self.demand, self.latest, ceiling)


def gather(reader: Reader, estate: Estate, now: int, history: int = HISTORY_NS) -> list[Measured]:
    """
    Read every cluster that has hosts present at ``now`` (UTC nanoseconds).

    ``history`` in nanoseconds. Raises StoreError.
    """
    latest = read_latest(reader, now)
    rows = reader.hosts()
    clusters = present(rows, estate, now, hypervisors_of(reader, rows, now))
    everyone = [machine for machines in clusters.values() for machine in machines]
    grid = read_grid(reader, everyone, now, history)
    found, row = [], 0
    for place, machines in clusters.items():
        part = grid.of(range(row, row + len(machines)))
        found.append(Measured(place, machines, demand_of(part, machines, now), latest))
        row += len(machines)
    return found


def compute(reader: Reader, estate: Estate, ceiling: Ceiling, now: int) -> list[ClusterHeadroom]:
    """Return the headroom of each cluster, by site and name; raises StoreError."""
    return [measured.under(ceiling) for measured in gather(reader, estate, now)]


def _values(cluster: ClusterHeadroom) -> list[Value]:
    known = asdict(cluster) | {"history_seconds": cluster.history_seconds}
    return [known[column.field] for column in catalogue().kind(KIND).columns]


def headroom_rows(clusters: Sequence[ClusterHeadroom], now: int) -> Rows:
    """Return the clusters as samples of the kind ``headroom``, all at ``now`` (UTC nanoseconds)."""
    return Rows(
        KIND,
        [
            (
                now,
                Thing(
                    key=f"{cluster.site}\x1f{cluster.cluster}",
                    labels={"site": cluster.site, "cluster": cluster.cluster},
                ),
                _values(cluster),
            )
            for cluster in clusters
        ],
    )


class HeadroomTask:
    """Computes the headroom in a thread, again and again, and stores it as the collector's own samples."""

    def __init__(
        self,
        store: Reader,
        producer: Producer,
        estate: Estate,
        ceiling: Ceiling,
        clock: Clock,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._store = store
        self._producer = producer
        self._estate = estate
        self._ceiling = ceiling
        self._clock = clock
        self._sleep = sleep

    async def once(self) -> list[ClusterHeadroom]:
        """Compute and store once; returns when it is durable. Raises StoreError."""
        now = self._clock.now()
        clusters = await asyncio.to_thread(compute, self._store, self._estate, self._ceiling, now)
        if clusters:
            await asyncio.wrap_future(self._producer.append([headroom_rows(clusters, now)]))
        return clusters

    async def run(self) -> None:
        """Go on until cancelled; a store that fails costs one round and is logged in one line."""
        await self._sleep(FIRST_SECONDS)
        while True:
            began = self._clock.monotonic()
            try:
                await self.once()
            except StoreError as error:
                LOG.warning("headroom was not computed, next try in a minute: %s", error)
            took = self._clock.monotonic() - began
            await self._sleep(max(PERIOD_SECONDS - took, SHARE * took))
