"""Data source, folder, dashboards and contact point, as Grafana's files and API name them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from headroom_core.ceiling import Ceiling
from headroom_core.rules import CeilingRule
from headroom_dashboards.catalogue import flavours, pages, texts
from headroom_dashboards.frame import to_json

Json = dict[str, Any]
UID = "headroom"
TITLE = "Headroom"
INTERVAL = "30s"
"""What Grafana takes for the time between two samples: of the agent's default and the slowest kinds."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """
    What is to be there.

    ``url`` is the data source's as Grafana reaches it; ``secret`` the whole Authorization header
    for it, empty for none; ``contact`` a webhook's URL for Grafana's own alerts, empty for none.
    """

    url: str
    flavour: str = "promql"
    language: str = "en"
    ceiling: Ceiling = Ceiling()  # noqa: RUF009  # it is frozen
    database: str = "headroom"
    secret: str = ""
    contact: str = ""

    @property
    def uid(self) -> str:
        """Uid of the data source, another one for each flavour."""
        return UID + flavours()[self.flavour].suffix

    @property
    def title(self) -> str:
        """Name of the data source and the folder."""
        return TITLE if self.flavour == "promql" else f"{TITLE} (InfluxQL)"


def datasource(wanted: Wanted) -> Json:
    """Return the data source; its secret stands in secureJsonData, which Grafana never shows."""
    made: Json = {
        "name": wanted.title,
        "uid": wanted.uid,
        "type": flavours()[wanted.flavour].plugin,
        "access": "proxy",
        "url": wanted.url,
        "jsonData": _settings(wanted),
    }
    if wanted.secret:
        made["jsonData"]["httpHeaderName1"] = "Authorization"
        made["secureJsonData"] = {"httpHeaderValue1": wanted.secret}
    return made


def _settings(wanted: Wanted) -> Json:
    if wanted.flavour == "promql":
        return {"httpMethod": "POST", "prometheusType": "Prometheus", "timeInterval": INTERVAL}
    return {"dbName": wanted.database, "httpMode": "POST", "timeInterval": INTERVAL}


def folder(wanted: Wanted) -> Json:
    """Return the folder of the dashboards."""
    return {"uid": wanted.uid, "title": wanted.title}


def dashboards(wanted: Wanted) -> Mapping[str, Json]:
    """Return the dashboards by the name of their file; the data source is chosen already."""
    flavour, words = flavours()[wanted.flavour], texts(wanted.language)
    made = {
        name: json.loads(to_json(page, flavour, words))
        for name, page in pages(wanted.ceiling, CeilingRule()).items()
    }
    for each in made.values():
        each["editable"] = True  # whoever has it in a Grafana of theirs may change it
        for variable in each["templating"]["list"]:
            if variable["type"] == "datasource":
                variable["current"] = {"text": wanted.title, "value": wanted.uid}
    return {f"{name}.json": dashboard for name, dashboard in made.items()}


def contact_points(wanted: Wanted) -> Sequence[Json]:
    """Return the contact point, where one is wanted."""
    if not wanted.contact:
        return []
    settings = {"url": wanted.contact, "httpMethod": "POST"}
    return [{"uid": UID, "name": TITLE, "type": "webhook", "settings": settings}]
