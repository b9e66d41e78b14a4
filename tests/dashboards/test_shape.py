"""Shape of the dashboard: what Grafana needs, and nothing it lost years ago."""

import json
import re

import pytest

from headroom_core.ceiling import Ceiling
from headroom_core.rules import Rule
from headroom_dashboards.catalogue import pages
from headroom_dashboards.consolidation import consolidation
from headroom_dashboards.frame import Band, layout, to_json
from headroom_dashboards.influxql.flavour import Influxql
from headroom_dashboards.panels import Panel, Stat
from headroom_dashboards.promql import Promql


@pytest.fixture(params=list(pages(Ceiling(), Rule())))
def any_dashboard(request, dashboards):
    return dashboards[request.param]


@pytest.fixture
def any_panels(any_dashboard):
    return [panel for panel in any_dashboard["panels"] if panel["type"] != "row"]


@pytest.fixture
def panels(dashboard):
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def nulls(value, path=""):
    if value is None:
        yield path
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from nulls(item, f"{path}.{key}")
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from nulls(item, f"{path}.{number}")


def test_it_is_a_classic_dashboard_with_a_stable_uid(dashboard):
    assert dashboard["uid"] == "headroom-consolidation"
    assert 39 <= dashboard["schemaVersion"] <= 41
    dead = {"id", "rows", "sharedCrosshair", "style", "hideControls", "gnetId", "__inputs"}
    assert not dead & set(dashboard)


def test_the_only_nulls_are_where_thresholds_begin(any_dashboard):
    assert list(nulls(any_dashboard))
    assert all(path.endswith(".thresholds.steps.0.value") for path in nulls(any_dashboard))


def test_every_panel_says_what_it_shows_in_which_unit(any_panels):
    for panel in any_panels:
        assert panel["title"]
        assert panel["description"].endswith("."), panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
        assert panel["options"], panel["title"]
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}


def test_thresholds_are_ascending_lists_of_steps(any_panels):
    for panel in any_panels:
        first, *steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
        values = [step["value"] for step in steps]
        assert first["value"] is None
        assert values == sorted(values)


def test_targets_carry_their_data_source_and_no_dead_keys(any_panels):
    for panel in any_panels:
        targets = panel["targets"]
        assert [target["refId"] for target in targets] == list("ABCDEFGHI")[: len(targets)]
        for target in targets:
            assert target["datasource"] == panel["datasource"]
            assert target["range"] != target["instant"]
            assert not {"target", "metric", "step", "intervalFactor", "query"} & set(target)


def test_panels_have_numbers_of_their_own_and_do_not_overlap(any_dashboard):
    numbers = [panel["id"] for panel in any_dashboard["panels"]]
    assert len(set(numbers)) == len(numbers)
    taken: set[tuple[int, int]] = set()
    for panel in any_dashboard["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert place["x"] + place["w"] <= 24
        assert not cells & taken, panel["title"]
        taken |= cells


def test_legends_are_labels_in_double_braces(any_panels):
    for panel in any_panels:
        for target in panel["targets"]:
            rest = re.sub(r"\{\{\w+\}\}", "", target["legendFormat"])
            assert not set("{}<>") & set(rest), target["legendFormat"]


def test_the_titles_are_unique(any_panels):
    titles = [panel["title"] for panel in any_panels]
    assert len(set(titles)) == len(titles)


def test_variables_are_data_source_site_and_cluster_with_all(dashboard):
    source, site, cluster, ceiling, _carbon = dashboard["templating"]["list"]
    assert (ceiling["name"], ceiling["current"]["value"]) == ("ceiling", "0.40")
    assert (source["type"], source["query"]) == ("datasource", "prometheus")
    for variable in (site, cluster):
        assert (variable["multi"], variable["includeAll"], variable["refresh"]) == (True, True, 2)
        assert variable["current"]["value"] == ["$__all"]
    assert '{site=~"$site"}' in cluster["definition"]


def test_every_dashboard_has_a_uid_of_its_own_and_leads_to_the_others(dashboards):
    uids = [dashboard["uid"] for dashboard in dashboards.values()]
    assert len(set(uids)) == len(uids) == 7
    for dashboard in dashboards.values():
        (link,) = dashboard["links"]
        assert (link["type"], link["keepTime"], link["includeVars"]) == ("dashboards", True, True)
        assert link["tags"] == dashboard["tags"] == ["headroom"]


def test_a_host_in_a_table_leads_to_the_dashboard_about_it(dashboards):
    uids = {dashboard["uid"] for dashboard in dashboards.values()}
    found = [
        link["url"]
        for dashboard in dashboards.values()
        for panel in dashboard["panels"]
        for override in panel.get("fieldConfig", {}).get("overrides", [])
        for setting in override["properties"]
        if setting["id"] == "links"
        for link in setting["value"]
    ]
    assert len(found) > 4
    for url in found:
        assert url.split("/d/")[1].split("?")[0] in uids
        assert "${__url_time_range}" in url


def test_a_table_shows_its_columns_and_not_the_time(panels):
    (table,) = [panel for panel in panels if panel["title"] == "Headroom by cluster"]
    organize = table["transformations"][-1]["options"]
    assert organize["excludeByName"] == {"Time": True}
    assert len(organize["indexByName"]) == 2 + len(table["targets"])


@pytest.mark.parametrize("ratio", [0.4, 0.55])
def test_the_threshold_line_is_at_the_ceiling(ratio):
    dashboard = json.loads(to_json(consolidation(Ceiling(ratio), Rule(clear_factor=0.9))))
    lined = [
        panel
        for panel in dashboard["panels"]
        if panel["type"] == "timeseries"
        and panel["fieldConfig"]["defaults"]["custom"]["thresholdsStyle"]["mode"] == "line"
    ]
    assert len(lined) == 2
    for panel in lined:
        steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
        assert steps[-1] == {"color": "red", "value": pytest.approx(ratio)}
        assert steps[-1]["value"] > ratio
        assert steps[-2] == {"color": "orange", "value": pytest.approx(ratio * 0.9)}


def test_a_band_that_is_too_wide_is_refused():
    panel = Stat(Panel("a", "b", [], "short"))
    with pytest.raises(ValueError, match="wider than 24"):
        layout([Band(4, [(13, panel), (12, panel)])], Promql())


def test_a_move_is_marked_where_the_language_can_see_one_and_nowhere_else(dashboard):
    def names(made):
        return [mark["name"] for mark in made["annotations"]["list"]]

    other = json.loads(to_json(consolidation(Ceiling(), Rule()), Influxql()))
    assert names(dashboard) == ["Alerts", "Plan runs", "Migrations"]
    assert names(other) == ["Alerts", "Plan runs"]


def test_watts_are_summed_of_one_series_a_reading(dashboards):
    sums = [
        (panel["title"], target["expr"])
        for made in dashboards.values()
        for panel in made["panels"]
        for target in panel.get("targets", [])
        if re.search(r"sum.*headroom_(vm_)?energy_(power|joules|idle_floor_w)", target["expr"])
    ]
    assert len(sums) >= 8
    for title, expr in sums:
        assert re.match(r"(topk\(20, )?sum(?: by \([\w, ]+\) )?\(max by \(", expr), title
    sure = [expr for title, expr in sums if title == "Power and how sure it is"]
    assert len(sure) == 3
    assert all(expr.startswith("sum(max by (host) (") for expr in sure)
