"""Dashboards in the form that grafana.com takes: the data source is asked for when one is imported."""

from headroom_dashboards.catalogue import flavours
from headroom_dashboards.provision.parts import Json, Wanted, dashboards

INPUT = "DS_HEADROOM"
LEAST = "11.6.0"
NAMES = {
    "bargauge": "Bar gauge",
    "state-timeline": "State timeline",
    "stat": "Stat",
    "table": "Table",
    "timeseries": "Time series",
}
SOURCES = {"prometheus": "Prometheus", "influxdb": "InfluxDB"}


def shared(wanted: Wanted) -> dict[str, Json]:
    """Return every dashboard with ``__inputs`` and ``__requires``, by the name of its file."""
    plugin = flavours()[wanted.flavour].plugin
    return {name: _shared(body, plugin) for name, body in dashboards(wanted).items()}


def _shared(body: Json, plugin: str) -> Json:
    name = SOURCES[plugin]
    for variable in body["templating"]["list"]:
        if variable["type"] == "datasource":
            variable["current"] = {"text": name, "value": f"${{{INPUT}}}"}
    kinds = sorted({panel["type"] for panel in body["panels"]} - {"row"})
    required = [
        {"type": "grafana", "id": "grafana", "name": "Grafana", "version": LEAST},
        {"type": "datasource", "id": plugin, "name": name, "version": "1.0.0"},
        *({"type": "panel", "id": kind, "name": NAMES[kind], "version": ""} for kind in kinds),
    ]
    asked = {
        "name": INPUT,
        "label": "Headroom",
        "description": "",
        "type": "datasource",
        "pluginId": plugin,
        "pluginName": name,
    }
    return {"__inputs": [asked], "__elements": {}, "__requires": required, "id": None, **body}
