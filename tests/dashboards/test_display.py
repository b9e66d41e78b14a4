"""Display: what Grafana's own libraries make of the panels' numbers, in a real browser."""

import os
import re
from pathlib import Path

import pytest
from rigs.asgi import Client
from rigs.display import bundle, draw, frame
from rigs.everything import INVENTORY, SECOND, Estate
from rigs.samples import NOON, QUICK, HandClock

from headroom_collector.alerts.state import MIGRATIONS as ALERT_TABLES
from headroom_collector.api.app import make_app
from headroom_collector.api.services import Services
from headroom_collector.config import CollectorConfig
from headroom_collector.inventory.book import MIGRATIONS, Book
from headroom_collector.store.engine import open_store

PICTURES = os.environ.get("HEADROOM_PICTURES", "")
NUMERIC = {"stat", "bargauge", "timeseries", "table"}
SUFFIXES = {
    "percentunit": r"%$", "watt": r" [µmkM]?W$", "bytes": r" ([KMGT]iB|B)$", "s": r" (m?s|mins?|hours?|days?|weeks?|years?)$",
    "ops": r" (ops|[KMGT]ops)/?s?$| ops/s$", "Bps": r" ([kMGT]?B/s)$", "celsius": r" °C$", "hertz": r" [kMG]?Hz$", "pps": r" [kMG]?p/s$",
    "kwatth": r" (kWh|MWh|GWh|[KMG]? ?kWh)$", "masskg": r" ([kM]?g|t)$", "short": r"^-?[\d.,]+( K| Mil| Bil)?$",
}  # fmt: skip

pytestmark = pytest.mark.engine("chromium")


@pytest.fixture(scope="module")
def ask(tmp_path_factory):
    """Return what a collector's store with an estate answers."""
    bundle()
    folder, clock = tmp_path_factory.mktemp("collector"), HandClock()
    (folder / "inventory.csv").write_text(INVENTORY)
    store = open_store(folder / "store", QUICK, [*MIGRATIONS, *ALERT_TABLES], clock)
    end = NOON // SECOND
    try:
        for batch in Estate(NOON).batches():
            store.append(batch).result(60)
        book = Book(store, folder / "inventory.csv", clock)
        client = Client(
            make_app(Services(store, book, CollectorConfig(), clock, "0"), admin=False)
        )

        def asked(expr, instant):
            for name, value in {"$__rate_interval": "4m", "$ceiling": "0.40", "$carbon": "0.328",
                    "$site": ".*", "$cluster": ".*", "$host": ".*", "$vm": ".*"}.items():  # fmt: skip
                expr = expr.replace(name, value)
            span = {"time": end} if instant else {"start": end - 1800, "end": end, "step": 60}
            path = "query" if instant else "query_range"
            found = client.get(f"/prometheus/api/v1/{path}", query=expr, **span).json()["data"]
            return found["result"]

        yield asked
    finally:
        store.close()


def filled(panel, ask):
    """Return a panel with the frames that its queries have now."""
    frames = []
    for column, target in enumerate(panel["targets"]):
        for series in ask(target["expr"], target["instant"]):
            legend = target["legendFormat"]
            name = legend
            for label in re.findall(r"\{\{(\w+)\}\}", legend):
                name = name.replace(f"{{{{{label}}}}}", series["metric"].get(label, ""))
            shown = panel["title"] if legend == "__auto" else name
            several = panel["type"] == "table" and len(panel["targets"]) > 1
            field = f"Value #{target['refId']}" if several else "Value"
            frames.append(frame(series, shown, column, field))
    made = {key: panel[key] for key in ("title", "type", "fieldConfig", "options")}
    if panel["type"] == "table":
        organize = panel["transformations"][-1]["options"]
        titles = {o["matcher"]["options"]: p["value"] for o in panel["fieldConfig"]["overrides"]
            for p in o["properties"] if p["id"] == "displayName"}  # fmt: skip
        made |= {
            "labels": list(organize["renameByName"]),
            "titles": list(organize["renameByName"].values()),
            "columns": list(titles.values()),
        }
    return made | {"frames": frames}


@pytest.fixture(scope="module")
def drawn(dashboards, ask, tmp_path_factory):
    """What was shown of every numeric panel, by dashboard."""
    found = {}
    for name, dashboard in dashboards.items():
        panels = [filled(panel, ask) for panel in dashboard["panels"] if panel["type"] in NUMERIC]
        picture = Path(PICTURES).absolute() / f"grafana-{name}.png" if PICTURES else None
        folder = tmp_path_factory.mktemp(name)
        found[name] = panels, draw(panels, folder, size=(1280, 1500), picture=picture)
    return found


def colour(panel, value):
    """Return the name of the colour that the thresholds give a value."""
    steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
    return [step["color"] for step in steps if step["value"] is None or value >= step["value"]][-1]


def test_every_numeric_panel_shows_its_numbers_in_its_unit(drawn):
    wrong = []
    for name, (panels, result) in drawn.items():
        assert 'class="failed"' not in result.dom, name
        for panel in panels:
            values = result.shown[panel["title"]]
            unit = panel["fieldConfig"]["defaults"]["unit"]
            assert values, panel["title"]
            for value in values:
                # A table's columns have units of their own, and a series may end before the last step.
                if panel["type"] == "table" or value["text"] in {"No data", ""}:
                    continue
                if not re.search(SUFFIXES[unit], value["text"]) and value["numeric"] != 0:
                    wrong.append(f"{name} / {panel['title']}: {value['text']!r} in {unit}")
    assert not wrong, "\n".join(sorted(set(wrong))[:30])


def test_figures_and_bars_have_the_colour_of_their_thresholds(drawn):
    seen = set()
    for name, (panels, result) in drawn.items():
        for panel in panels:
            if panel["type"] not in {"stat", "bargauge"}:
                continue
            for value in result.shown[panel["title"]]:
                wanted = colour(panel, value["numeric"])
                if wanted in result.colours and value["text"] != "No data":
                    assert value["color"] == result.colours[wanted], (name, panel["title"], value)
                    seen.add(wanted)
    assert {"red", "green", "orange"} <= seen


@pytest.mark.parametrize(
    ("value", "text", "name"),
    [(0.41, "41.0%", "red"), (0.40, "40.0%", "orange"), (0.1, "10.0%", "green")],
)
def test_above_the_ceiling_is_red_and_at_it_is_not(dashboards, tmp_path, value, text, name):
    (panel,) = [p for p in dashboards["host"]["panels"] if p["title"] == "CPU"]
    series = {"metric": {"host": "a"}, "values": [[1, "0.2"], [2, str(value)]]}
    made = {key: panel[key] for key in ("title", "type", "fieldConfig", "options")}
    result = draw([made | {"frames": [frame(series, "a", 0)]}], tmp_path)
    (shown,) = result.shown["CPU"]
    assert (shown["text"], shown["color"]) == (text, result.colours[name])


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_fits_a_phone_in_light_and_dark(dashboards, ask, tmp_path, theme):
    dashboard = dashboards["consolidation-headroom"]
    panels = [filled(panel, ask) for panel in dashboard["panels"] if panel["type"] == "stat"]
    picture = Path(PICTURES).absolute() / f"grafana-phone-{theme}.png" if PICTURES else None
    result = draw(panels, tmp_path, theme=theme, size=(390, 1400), picture=picture)
    assert set(result.shown) == {panel["title"] for panel in panels}
    assert 'class="failed"' not in result.dom
