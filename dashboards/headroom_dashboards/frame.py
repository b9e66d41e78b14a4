"""Frame around the panels: their places, the variables, and clean JSON out of grafanalib's."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from grafanalib._gen import DashboardEncoder
from grafanalib.core import Annotations, Dashboard, GridPos, Templating, Time, TimePicker

from headroom_dashboards.flavour import Choice, Flavour, Json, Mark
from headroom_dashboards.panels import Body, Heading, Placed
from headroom_dashboards.promql import Promql
from headroom_dashboards.texts import ENGLISH, Texts

SCHEMA_VERSION = 41
"""That of Grafana 11.6 to 12; later ones migrate it, older ones down to 9 read it."""
WIDTH = 24
TAG = "headroom"
PROMQL = Promql()
OTHERS: Json = {
    "asDropdown": True,
    "icon": "external link",
    "includeVars": True,
    "keepTime": True,
    "targetBlank": False,
    "title": "Headroom",
    "tooltip": "",
    "type": "dashboards",
    "url": "",
}
"""Link to the other dashboards, taking time and variables along."""

CEILING = "<ceiling>"
"""Stands in texts for the ceiling, so that they are the same whatever it is."""
DETAIL = re.compile(r"(/d/headroom-[a-z]+)\?")

# What grafanalib writes and Grafana has not read for years.
DEAD = frozenset({"__inputs", "gnetId", "hideControls", "id", "rows", "sharedCrosshair", "style"})
DEAD_IN_TARGETS = frozenset({"intervalFactor", "metric", "query", "step", "target", "interval"})


@dataclass(frozen=True, slots=True)
class Band:
    """A strip of panels of equal height, in grid units; (width, panel), at most 24 wide together."""

    height: int
    panels: Sequence[tuple[int, Body]]
    heading: str = ""


def layout(bands: Sequence[Band], flavour: Flavour) -> list[Placed | Heading]:
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
            place = GridPos(band.height, width, left, top)
            placed.append(Placed(body, len(placed) + 1, place, flavour))
            left += width
        top += band.height
    return placed


@dataclass(frozen=True, slots=True)
class Custom:
    """A variable over fixed values: (value, text) each; ``value`` is chosen at first."""

    name: str
    title: str
    value: str
    options: Sequence[tuple[str, str]]


def datasource_variable(flavour: Flavour) -> Json:
    """Return the variable that chooses among the data sources of the flavour."""
    return {
        "name": "datasource",
        "label": "Data source",
        "type": "datasource",
        "query": flavour.plugin,
        "refresh": 1,
        "regex": "",
        "current": {},
        "hide": 0,
        "includeAll": False,
        "multi": False,
        "options": [],
    }


def label_variable(choice: Choice, flavour: Flavour) -> Json:
    """Return a variable over a label's values; All also covers hosts without the label."""
    return {
        "name": choice.name,
        "label": choice.title,
        "type": "query",
        "datasource": flavour.datasource,
        **flavour.choice(choice),
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


def custom_variable(custom: Custom) -> Json:
    """Return a variable over fixed values."""
    options = [
        {"selected": value == custom.value, "text": text, "value": value}
        for value, text in custom.options
    ]
    chosen = next(option for option in options if option["selected"])
    return {
        "name": custom.name,
        "label": custom.title,
        "type": "custom",
        "query": ", ".join(f"{text} : {value}" for value, text in custom.options),
        "current": {"text": chosen["text"], "value": chosen["value"]},
        "hide": 0,
        "includeAll": False,
        "multi": False,
        "options": options,
        "skipUrlSync": False,
    }


def event_marks(mark: Mark, flavour: Flavour) -> Iterator[Json]:
    """Yield an annotation, a mark wherever its condition holds; none where it cannot be asked."""
    asked = flavour.mark(mark)
    if asked is None:
        return
    yield {
        "name": mark.name,
        "datasource": flavour.datasource,
        "enable": True,
        "hide": False,
        "iconColor": mark.colour,
        **asked,
    }


@dataclass(frozen=True, slots=True)
class Page:
    """A dashboard: its names, variables, marks and panels. ``uid`` never changes."""

    uid: str
    title: str
    description: str
    variables: Sequence[Choice | Custom]
    marks: Sequence[Mark]
    bands: Sequence[Band]
    ceiling: float | None = None
    """What stands for CEILING in texts, a ratio."""

    def dashboard(self, flavour: Flavour) -> Dashboard:
        """Return it as grafanalib's."""
        tags = [TAG + flavour.suffix]
        variables = [
            label_variable(each, flavour) if isinstance(each, Choice) else custom_variable(each)
            for each in self.variables
        ]
        return Dashboard(
            title=self.title,
            uid=self.uid + flavour.suffix,
            description=self.description,
            tags=tags,
            links=[{**OTHERS, "tags": tags}],
            timezone="browser",
            editable=False,
            graphTooltip=1,
            refresh="1m",
            schemaVersion=SCHEMA_VERSION,
            time=Time("now-24h", "now"),
            timePicker=TimePicker(["10s", "30s", "1m", "5m", "15m", "1h"], []),
            templating=Templating([datasource_variable(flavour), *variables]),
            annotations=Annotations(
                [each for mark in self.marks for each in event_marks(mark, flavour)]
            ),
            panels=layout(self.bands, flavour),
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


def _filled(value: Any, ceiling: str) -> Any:
    if isinstance(value, list):
        return [_filled(item, ceiling) for item in value]
    if isinstance(value, dict):
        return {key: _filled(item, ceiling) for key, item in value.items()}
    return value.replace(CEILING, ceiling) if isinstance(value, str) else value


def to_json(page: Page, flavour: Flavour = PROMQL, texts: Texts = ENGLISH) -> str:
    """
    Return the dashboard as the text of its file; the same for the same page, always.

    Raises ValueError where the flavour cannot say a query, or a text is not translated.
    """
    raw = json.loads(json.dumps(page.dashboard(flavour).to_json_data(), cls=DashboardEncoder))
    kept = {key: value for key, value in raw.items() if key not in DEAD}
    kept["timepicker"] = {"refresh_intervals": raw["timepicker"]["refresh_intervals"]}
    made = texts.spoken(_clean(kept))
    if page.ceiling is not None:
        made = _filled(made, f"{page.ceiling:.0%}")
    text = json.dumps(made, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    return DETAIL.sub(rf"\1{flavour.suffix}?", text)
