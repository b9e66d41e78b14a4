"""
Panels in exactly the shape that Grafana itself writes for schema version 41.

grafanalib's own panel classes emit shapes from before Grafana 7 (units and thresholds that get
lost, thresholds that are no list), so only its frame is used and these stand in it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from grafanalib.core import GridPos

from headroom_dashboards.flavour import Flavour, Json
from headroom_dashboards.query import Query


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Colours: ``base`` from below, then each (value, colour) from its value up, ascending."""

    base: str = "text"
    steps: Sequence[tuple[float, str]] = ()

    def to_json_data(self) -> Json:
        """Return Grafana's form; the first step has no value."""
        steps: list[Json] = [{"color": self.base, "value": None}]
        steps += [{"color": colour, "value": value} for value, colour in self.steps]
        return {"mode": "absolute", "steps": steps}


@dataclass(frozen=True, slots=True)
class Panel:
    """
    What every panel has.

    ``unit`` is one of Grafana's (short, percentunit, watt, s, ...); ``minimum`` and ``maximum`` are
    in it.
    """

    title: str
    description: str
    queries: Sequence[Query]
    unit: str
    thresholds: Thresholds = field(default_factory=Thresholds)
    decimals: int | None = None
    minimum: float | None = None
    maximum: float | None = None


class Body(Protocol):
    """A kind of panel: what it adds to the common part."""

    @property
    def panel(self) -> Panel:
        """The common part."""
        ...

    def parts(self) -> Json:
        """Type, options, custom field settings under ``custom``, overrides and transformations."""
        ...


def _reduce() -> Json:
    return {"calcs": ["lastNotNull"], "fields": "", "values": False}


@dataclass(frozen=True, slots=True)
class Stat:
    """One big figure; coloured by the thresholds, with its course behind it where ``course``."""

    panel: Panel
    course: bool = True

    def parts(self) -> Json:
        """Return what a stat panel adds."""
        return {
            "type": "stat",
            "options": {
                "colorMode": "value",
                "graphMode": "area" if self.course else "none",
                "justifyMode": "auto",
                "orientation": "auto",
                "percentChangeColorMode": "standard",
                "reduceOptions": _reduce(),
                "showPercentChange": False,
                "textMode": "auto",
                "wideLayout": True,
            },
        }


@dataclass(frozen=True, slots=True)
class TimeSeries:
    """
    Lines over time.

    ``line``: draw the thresholds; ``stack``: pile the series up; ``band``: the names of the lower
    and the upper edge of an area that is filled.
    """

    panel: Panel
    line: bool = False
    stack: bool = False
    band: tuple[str, str] | None = None

    def _overrides(self) -> list[Json]:
        if self.band is None:
            return []
        low, high = self.band
        edge = {"id": "custom.lineWidth", "value": 0}
        fill = [
            {"id": "custom.fillBelowTo", "value": low},
            {"id": "custom.fillOpacity", "value": 25},
        ]
        return [
            {"matcher": {"id": "byName", "options": low}, "properties": [edge]},
            {"matcher": {"id": "byName", "options": high}, "properties": [edge, *fill]},
        ]

    def parts(self) -> Json:
        """Return what a time series panel adds."""
        return {
            "type": "timeseries",
            "custom": {
                "axisBorderShow": False,
                "axisCenteredZero": False,
                "axisColorMode": "text",
                "axisLabel": "",
                "axisPlacement": "auto",
                "barAlignment": 0,
                "drawStyle": "line",
                "fillOpacity": 25 if self.stack else 5,
                "gradientMode": "none",
                "hideFrom": {"legend": False, "tooltip": False, "viz": False},
                "insertNulls": False,
                "lineInterpolation": "linear",
                "lineWidth": 1,
                "pointSize": 5,
                "scaleDistribution": {"type": "linear"},
                "showPoints": "auto",
                "spanNulls": False,
                "stacking": {"group": "A", "mode": "normal" if self.stack else "none"},
                "thresholdsStyle": {"mode": "line" if self.line else "off"},
            },
            "overrides": self._overrides(),
            "options": {
                "legend": {
                    "calcs": ["lastNotNull", "max"],
                    "displayMode": "table",
                    "placement": "bottom",
                    "showLegend": True,
                },
                "tooltip": {"hideZeros": False, "mode": "multi", "sort": "desc"},
            },
        }


@dataclass(frozen=True, slots=True)
class StateTimeline:
    """A strip a series over time, coloured by the thresholds."""

    panel: Panel

    def parts(self) -> Json:
        """Return what a state timeline adds."""
        return {
            "type": "state-timeline",
            "custom": {
                "axisPlacement": "auto",
                "fillOpacity": 75,
                "hideFrom": {"legend": False, "tooltip": False, "viz": False},
                "insertNulls": False,
                "lineWidth": 0,
                "spanNulls": False,
            },
            "options": {
                "alignValue": "left",
                "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
                "mergeValues": True,
                "rowHeight": 0.9,
                "showValue": "never",
                "tooltip": {"hideZeros": False, "mode": "single", "sort": "none"},
            },
        }


@dataclass(frozen=True, slots=True)
class BarGauge:
    """One horizontal bar a series."""

    panel: Panel

    def parts(self) -> Json:
        """Return what a bar gauge adds."""
        return {
            "type": "bargauge",
            "options": {
                "displayMode": "basic",
                "legend": {
                    "calcs": [],
                    "displayMode": "list",
                    "placement": "bottom",
                    "showLegend": False,
                },
                "maxVizHeight": 300,
                "minVizHeight": 16,
                "minVizWidth": 8,
                "namePlacement": "auto",
                "orientation": "horizontal",
                "reduceOptions": _reduce(),
                "showUnfilled": True,
                "sizing": "auto",
                "valueMode": "color",
            },
        }


def _detail(uid: str, variable: str) -> Json:
    """Return a link to a dashboard about the value that is clicked on, with the same time."""
    url = f"/d/{uid}?var-{variable}=${{__value.text:percentencode}}&${{__url_time_range}}"
    return {"title": "Show in detail", "url": f"{url}&var-datasource=${{datasource}}"}


DETAILS: Mapping[str, Json] = {
    "host": _detail("headroom-host", "host"),
    "vm": _detail("headroom-vm", "vm"),
}
"""Where a column of a table leads to, by its label."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: its title and, where it differs from the panel's, its unit."""

    title: str
    unit: str | None = None
    decimals: int | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """
    A table out of instant queries, joined by their labels.

    ``labels``: the columns that are labels, in order, with their titles; ``values``: one column a
    query.
    """

    panel: Panel
    labels: Mapping[str, str]
    values: Sequence[Column]
    ascending: str = ""
    """Column that the rows are sorted by at first."""

    def _names(self) -> list[str]:
        if len(self.values) == 1:
            return ["Value"]
        return [f"Value #{chr(ord('A') + number)}" for number in range(len(self.values))]

    def _overrides(self) -> list[Json]:
        made = []
        for name, column in zip(self._names(), self.values, strict=True):
            wanted = {
                "displayName": column.title,
                "unit": column.unit,
                "decimals": column.decimals,
            }
            properties = [
                {"id": key, "value": value} for key, value in wanted.items() if value is not None
            ]
            made.append({"matcher": {"id": "byName", "options": name}, "properties": properties})
        return made + [
            {
                "matcher": {"id": "byName", "options": title},
                "properties": [{"id": "links", "value": [DETAILS[label]]}],
            }
            for label, title in self.labels.items()
            if label in DETAILS
        ]

    def parts(self) -> Json:
        """Return what a table adds."""
        shown = [*self.labels, *self._names()]
        organize = {
            "excludeByName": {"Time": True},
            "includeByName": {},
            "indexByName": {name: index for index, name in enumerate(shown)},
            "renameByName": dict(self.labels),
        }
        return {
            "type": "table",
            "custom": {"align": "auto", "cellOptions": {"type": "auto"}, "inspect": False},
            "overrides": self._overrides(),
            "options": {
                "cellHeight": "sm",
                "footer": {"countRows": False, "fields": "", "reducer": ["sum"], "show": False},
                "showHeader": True,
                "sortBy": [{"desc": False, "displayName": self.ascending}]
                if self.ascending
                else None,
            },
            "transformations": [
                {"id": "merge", "options": {}},
                {"id": "organize", "options": organize},
            ],
        }


@dataclass(frozen=True, slots=True)
class Placed:
    """A panel at its place, with its number in the dashboard."""

    body: Body
    id: int
    position: GridPos
    flavour: Flavour

    def to_json_data(self) -> Json:
        """Return the whole panel as Grafana keeps it."""
        panel, parts = self.body.panel, self.body.parts()
        asked = self.flavour.asked(panel.queries)
        by_threshold = parts["type"] != "timeseries"
        defaults: Json = {
            "color": {"mode": "thresholds" if by_threshold else "palette-classic"},
            "custom": parts.pop("custom", None),
            "decimals": panel.decimals,
            "mappings": [],
            "max": panel.maximum,
            "min": panel.minimum,
            "noValue": asked.nothing or None,
            "thresholds": panel.thresholds.to_json_data(),
            "unit": panel.unit,
        }
        changes = [*asked.transformations, *parts.pop("transformations", [])]
        return {
            "id": self.id,
            "title": panel.title,
            "description": "\n\n".join([panel.description, *asked.notes]),
            "datasource": self.flavour.datasource,
            "fieldConfig": {"defaults": defaults, "overrides": parts.pop("overrides", [])},
            "gridPos": self.position,
            "interval": asked.interval or None,
            "targets": asked.targets,
            "transformations": changes or None,
            **parts,
        }


@dataclass(frozen=True, slots=True)
class Heading:
    """A line across the dashboard that names the panels below it."""

    title: str
    id: int
    position: GridPos

    def to_json_data(self) -> Json:
        """Return the row as Grafana keeps it."""
        return {
            "id": self.id,
            "type": "row",
            "title": self.title,
            "collapsed": False,
            "gridPos": self.position,
            "panels": [],
        }
