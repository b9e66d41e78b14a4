"""The flavour PromQL: the collector itself, Prometheus, VictoriaMetrics, Mimir, Thanos."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from grafanalib.core import Target

from headroom_dashboards.flavour import Asked, Choice, Json, Mark
from headroom_dashboards.query import Query, metric


@dataclass(frozen=True, slots=True)
class Promql:
    """Everything as it is defined."""

    name: str = "promql"
    plugin: str = "prometheus"
    suffix: str = ""

    @property
    def datasource(self) -> Mapping[str, str]:
        """Reference to the data source that the dashboard's variable names."""
        return {"type": self.plugin, "uid": "${datasource}"}

    def asked(self, queries: Sequence[Query]) -> Asked:
        """Return the queries as targets A, B, C, ..."""
        return Asked([self._target(number, query) for number, query in enumerate(queries)])

    def _target(self, number: int, query: Query) -> Json:
        target = Target(
            expr=query.expr,
            legendFormat=query.legend or "__auto",
            refId=chr(ord("A") + number),
            instant=query.instant,
            format="table" if query.table else "time_series",
            datasource=self.datasource,
        )
        data: Json = target.to_json_data()
        return data | {"editorMode": "code", "range": not query.instant}

    def choice(self, choice: Choice) -> Json:
        """Return the query for a label's values."""
        text = f"label_values({metric(choice.metric, *choice.matchers)}, {choice.name})"
        return {
            "definition": text,
            "query": {"qryType": 1, "query": text, "refId": "PrometheusVariableQueryEditor"},
        }

    def mark(self, mark: Mark) -> Json:
        """Return the annotation's query."""
        selector = metric(mark.metric, *mark.matchers)
        return {
            "expr": mark.expr or f"{selector} {mark.condition}",
            "step": "60s",
            "titleFormat": ": ".join(f"{{{{{label}}}}}" for label in mark.labels),
        }
