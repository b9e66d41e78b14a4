"""The collector's own metrics: its health, the clusters' aggregates, the state of alerts."""

from collections.abc import Iterable, Iterator, Mapping

from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from headroom_collector.api.exposition import Families
from headroom_collector.api.latest_rows import Latest, read_latest
from headroom_collector.api.services import Services
from headroom_collector.api.times import SECOND
from headroom_proto.catalogue import catalogue

HEADROOM_LOOKBACK = 600 * SECOND
ROUND = 90 * SECOND
"""The clusters of one computation lie closer together than this; nanoseconds."""

SINK = {
    "sent_values": "Values that the sink's engine has taken since the collector's start",
    "refused_values": "Values that the sink's engine will never take, since the collector's start",
    "missed_samples": "Samples that went by age before the sink's engine had them, ever",
    "commits_behind": "Commits of the store that the sink's engine does not have yet",
}
"""Help of what each sink counts."""


class HealthCollector(Collector):
    """Collects at the time of a scrape, so nothing is kept in step by hand."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def collect(self) -> Iterable[Metric]:
        """Return the families; raises StoreError."""
        families = Families()
        self._health(families)
        self._clusters(families)
        self._alerts(families)
        return families.collect()

    def describe(self) -> Iterable[Metric]:
        """Return nothing: what there is depends on what is known."""
        return []

    def _health(self, families: Families) -> None:
        services = self._services
        known = {
            **services.store.statistics(),
            "hosts_unassigned": len(services.book.unassigned()),
            **services.statistics(),
        }
        for column in catalogue().kind("collector").columns:
            if column.metric is not None and column.field in known:
                families.add(column, {}, known[column.field] * column.scale)
        families.gauge(
            "headroom_collector_info",
            "The collector's version; always 1",
            {"version": services.version},
            1,
        )

        for sink, counts in services.sinks().items():
            for name, value in counts.items():
                families.gauge(f"headroom_sink_{name}", SINK[name], {"sink": sink}, value)

    def _clusters(self, families: Families) -> None:
        store, now = self._services.store, self._services.clock.now()
        for name in ("headroom", "forecast", "waste"):
            kind = catalogue().kind(name)
            for latest in newest_round(read_latest(store, kind, now, lookback=HEADROOM_LOOKBACK)):
                families.sample(kind, latest, {})

    def _alerts(self, families: Families) -> None:
        """Add the alerts that are shown now, with the place of the host that each is about."""
        kind = catalogue().kind("alert")
        now = self._services.clock.now()
        for latest in read_latest(self._services.store, kind, now):
            families.sample(kind, latest, self._place(latest.labels.get("host", "")))

    def _place(self, host: str) -> Mapping[str, str]:
        return self._services.book.member(host).placement.labels()


def newest_round(found: Iterable[Latest]) -> Iterator[Latest]:
    """Return the samples of the newest computation: a cluster that is no more is left out."""
    rows = list(found)
    newest = max((row.time for row in rows), default=0)
    return (row for row in rows if row.time > newest - ROUND)
