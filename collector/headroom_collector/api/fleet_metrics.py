"""The hosts' latest values as metrics."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from headroom_collector.api.estate import SILENT_SECONDS, Standing, standings
from headroom_collector.api.exposition import Families
from headroom_collector.api.latest_rows import Latest, metric_columns
from headroom_collector.api.services import Services
from headroom_collector.api.times import SECOND
from headroom_collector.api.values import agent_kinds, read_values
from headroom_core.estate import Status
from headroom_proto.catalogue import Kind

SERIES = 50_000
"""Most series of an answer, where the scraper does not say."""
FACTS = (
    "architecture",
    "cpu_model",
    "cpu_vendor",
    "hypervisor",
    "kernel",
    "model",
    "os",
    "vendor",
)
"""Facts that are few enough, and tame enough, to be labels."""

Samples = list[tuple[Kind, Latest]]


@dataclass(frozen=True, slots=True)
class Choice:
    """Which hosts are wanted, None for any, and how many series at most."""

    site: str | None = None
    cluster: str | None = None
    series: int = SERIES

    def wants(self, host: Standing, now: int) -> bool:
        """Whether a host is in the choice: it counts, and its values are those of now."""
        place = host.member.placement
        return (
            self.site in {None, place.site}
            and self.cluster in {None, place.cluster}
            and host.member.status is not Status.RETIRED
            and now - host.row.last_seen <= SILENT_SECONDS * SECOND
        )


def labels_of(host: Standing) -> dict[str, str]:
    """Return the labels that all of a host's series carry."""
    labels = {"host": host.name, **host.member.placement.labels()}
    return {**labels, "simulated": "true"} if host.row.simulated else labels


def info_of(host: Standing) -> Mapping[str, str]:
    """Return the labels of ``headroom_host_info``."""
    facts = {name: str(host.row.facts[name]) for name in FACTS if host.row.facts.get(name)}
    return {**labels_of(host), **facts, "agent_version": host.row.agent_version}


def size(samples: Samples) -> int:
    """Return the series that a host takes, with the two of its own."""
    return 2 + sum(
        latest.row[column.field] is not None
        for kind, latest in samples
        for column in metric_columns(kind)
    )


class FleetCollector(Collector):
    """Collects the hosts' values for one scrape; whole hosts are left out beyond the limit."""

    def __init__(self, services: Services, choice: Choice) -> None:
        self._services = services
        self._choice = choice

    def describe(self) -> Iterable[Metric]:
        """Return nothing: what there is depends on the hosts."""
        return []

    def collect(self) -> Iterable[Metric]:
        """Return the families; raises StoreError."""
        now = self._services.clock.now()
        hosts = [
            host for host in standings(self._services).values() if self._choice.wants(host, now)
        ]
        return self._families(hosts).collect()

    def _families(self, hosts: Sequence[Standing]) -> Families:
        found: dict[str, Samples] = {host.name: [] for host in hosts}
        for host, kind, latest in read_values(self._services, hosts, agent_kinds()):
            found[host.name].append((kind, latest))
        families = Families()
        omitted = 0
        for host in hosts:
            samples = found[host.name]
            if omitted or families.series + size(samples) > self._choice.series:
                omitted += 1
            else:
                add_host(families, host, samples)
        families.gauge(
            "headroom_fleet_hosts",
            "Hosts that fit the choice and whose values are those of now",
            {},
            len(hosts),
        )
        families.gauge(
            "headroom_fleet_hosts_omitted",
            "Hosts left out because the answer reached its limit of series: choose a site or cluster",
            {},
            omitted,
        )
        return families


def add_host(families: Families, host: Standing, samples: Samples) -> None:
    """Add every series of one host."""
    labels = labels_of(host)
    families.gauge("headroom_host_info", "What a host is; always 1", info_of(host), 1)
    families.gauge(
        "headroom_host_last_sample_timestamp_seconds",
        "Time of the host's newest sample, seconds since 1970",
        labels,
        host.row.last_seen / SECOND,
    )
    for kind, latest in samples:
        families.sample(kind, latest, labels)
