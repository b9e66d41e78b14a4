"""Frame around the panels: their places, the variables, and clean JSON out of grafanalib's."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from grafanalib._gen import DashboardEncoder
from grafanalib.core import Annotations, Dashboard, GridPos, Templating, Time, TimePicker

from headroom_dashboards.panels import Body, Heading, Json, Placed
from headroom_dashboards.query import DATASOURCE

SCHEMA_VERSION = 41
"""That of Grafana 11.6 to 12; later ones migrate it, older ones down to 9 read it."""
WIDTH = 24
TAG = "headroom"
OTHERS: Json = {
    "asDropdown": True,
    "icon": "external link",
    "includeVars": True,
    "keepTime": True,
    "tags": [TAG],
    "targetBlank": False,
    "title": "Headroom",
    "tooltip": "",
    "type": "dashboards",
    "url": "",
}
"""Link to the other dashboards, taking time and variables along."""

# What grafanalib writes and Grafana has not read for years.
DEAD = frozenset({"__inputs", "gnetId", "hideControls", "id", "rows", "sharedCrosshair", "style"})
DEAD_IN_TARGETS = frozenset({"intervalFactor", "metric", "query", "step", "target", "interval"})


@dataclass(frozen=True, slots=True)
class Band:
    """A strip of panels of equal height, in grid units; (width, panel), at most 24 wide together."""

    height: int
    panels: Sequence[tuple[int, Body]]
    heading: str = ""


def layout(bands: Sequence[Band]) -> list[Placed | Heading]:
    """Place the panels, band under band; raises ValueError where one is too wide."""
    placed: list[Placed | Heading] = []
    top = 0
    for band in bands:
        if sum(width for width, _ in band.panels) > WIDTH:
            raise ValueError(f"a band of panels is wider than {WIDTH}: {band.heading}")
        if band.heading:
            placed.append(Heading(band.heading, len(placed) + 1, GridPos(1, WIDTH, 0, top)))
            top += 1
        left = 0
        for width, body in band.panels:
            placed.append(Placed(body, len(placed) + 1, GridPos(band.height, width, left, top)))
            left += width
        top += band.height
    return placed


def datasource_variable() -> Json:
    """Return the variable that chooses among the Prometheus data sources."""
    return {
        "name": "datasource",
        "label": "Data source",
        "type": "datasource",
        "query": "prometheus",
        "refresh": 1,
        "regex": "",
        "current": {},
        "hide": 0,
        "includeAll": False,
        "multi": False,
        "options": [],
    }


def label_variable(name: str, label: str, query: str) -> Json:
    """Return a variable over a label's values; All also covers hosts without the label."""
    return {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": DATASOURCE,
        "definition": query,
        "query": {"qryType": 1, "query": query, "refId": "PrometheusVariableQueryEditor"},
        "allValue": ".*",
        "current": {"text": ["All"], "value": ["$__all"]},
        "hide": 0,
        "includeAll": True,
        "multi": True,
        "options": [],
        "refresh": 2,
        "regex": "",
        "sort": 1,
    }


def event_marks(name: str, expr: str, title: str) -> Json:
    """Return an annotation: a mark wherever ``expr`` has a value."""
    return {
        "name": name,
        "datasource": DATASOURCE,
        "enable": True,
        "hide": False,
        "iconColor": "red",
        "expr": expr,
        "step": "60s",
        "titleFormat": title,
    }


@dataclass(frozen=True, slots=True)
class Page:
    """A dashboard: its names, variables, marks and panels. ``uid`` never changes."""

    uid: str
    title: str
    description: str
    variables: Sequence[Json]
    marks: Sequence[Json]
    bands: Sequence[Band]

    def dashboard(self) -> Dashboard:
        """Return it as grafanalib's."""
        return Dashboard(
            title=self.title,
            uid=self.uid,
            description=self.description,
            tags=[TAG],
            links=[OTHERS],
            timezone="browser",
            editable=True,
            graphTooltip=1,
            refresh="1m",
            schemaVersion=SCHEMA_VERSION,
            time=Time("now-24h", "now"),
            timePicker=TimePicker(["10s", "30s", "1m", "5m", "15m", "1h"], []),
            templating=Templating(list(self.variables)),
            annotations=Annotations(list(self.marks)),
            panels=layout(self.bands),
        )


def _clean(value: Any) -> Any:
    if isinstance(value, list):
        return [_clean(item) for item in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {"color", "value"}:  # a threshold's first step has no value, said by null
        return value
    dead = DEAD_IN_TARGETS if "expr" in value and "refId" in value else frozenset()
    return {
        key: _clean(item) for key, item in value.items() if item is not None and key not in dead
    }


def to_json(page: Page) -> str:
    """Return the dashboard as the text of its file; the same for the same page, always."""
    raw = json.loads(json.dumps(page.dashboard().to_json_data(), cls=DashboardEncoder))
    kept = {key: value for key, value in raw.items() if key not in DEAD}
    kept["timepicker"] = {"refresh_intervals": raw["timepicker"]["refresh_intervals"]}
    return json.dumps(_clean(kept), indent=2, sort_keys=True, ensure_ascii=False) + "\n"
