"""Families of metrics under the catalogue's names, for prometheus-client to write."""

from collections.abc import Iterable, Mapping

from prometheus_client.core import Metric

from headroom_collector.api.latest_rows import Latest, metric_columns
from headroom_proto.catalogue import Column, Kind


class Families:
    """Metrics under way: one family a name, its samples added in any order."""

    def __init__(self) -> None:
        self._families: dict[str, Metric] = {}
        self.series = 0

    def add(self, column: Column, labels: Mapping[str, str], value: float) -> None:
        """Add one value of a column of the catalogue, already scaled to its unit."""
        name = column.metric or ""
        family = self._families.get(name)
        if family is None:
            base = name.removesuffix("_total") if column.type == "counter" else name
            family = self._families[name] = Metric(base, column.help, column.type)
        family.add_sample(name, {**labels, **dict(column.labels)}, value)
        self.series += 1

    def gauge(self, name: str, text: str, labels: Mapping[str, str], value: float) -> None:
        """Add one value of a gauge that is not in the catalogue."""
        family = self._families.get(name)
        if family is None:
            family = self._families[name] = Metric(name, text, "gauge")
        family.add_sample(name, dict(labels), value)
        self.series += 1

    def sample(self, kind: Kind, latest: Latest, labels: Mapping[str, str]) -> None:
        """Add every value of a sample that is known."""
        own = kind.series(latest.labels)
        for found in latest.values(metric_columns(kind)):
            self.add(found.column, {**labels, **own}, found.value)

    def collect(self) -> Iterable[Metric]:
        """Return the families by name."""
        return [family for _, family in sorted(self._families.items())]
