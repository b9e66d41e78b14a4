"""
Lint: the rules of Grafana's dashboard-linter that apply, by their names, without a finding.

Left out: ``template-job-rule``, ``template-instance-rule``, ``target-job-rule`` and
``target-instance-rule`` (a host's series are told apart by ``host``, whoever scraped or wrote them;
``test_queries.py`` holds every query to site and cluster instead), and the two for LogQL.
"""

import re

import promql_parser as ast
import pytest

from headroom_core.ceiling import Ceiling
from headroom_core.rules import Rule
from headroom_dashboards.catalogue import pages
from headroom_proto.catalogue import catalogue

COUNTERS = {column.metric for _, column in catalogue().metrics() if column.type == "counter"}
GROWTH = {"rate", "increase", "irate"}
LONG_ENOUGH = {"1d"}
"""Ranges that are a question of their own, not a rate that follows the zoom."""


@pytest.fixture(params=list(pages(Ceiling(), Rule())))
def dashboard(request, dashboards):
    return dashboards[request.param]


@pytest.fixture
def panels(dashboard):
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


@pytest.fixture
def exprs(panels):
    return [target["expr"] for panel in panels for target in panel["targets"]]


def variables(dashboard, kind):
    return [each for each in dashboard["templating"]["list"] if each["type"] == kind]


def parsed(expr):
    for name, value in {
        "$__rate_interval": "5m", "$ceiling": "0.4", "$carbon": "0.3",
    }.items():  # fmt: skip
        expr = expr.replace(name, value)
    return ast.parse(expr)


def calls(node, above=()):
    """Yield every selector with the names of the calls and aggregations around it."""
    if isinstance(node, ast.VectorSelector):
        yield node, above
        return
    if isinstance(node, ast.Call):
        above = (*above, node.func.name)
    elif isinstance(node, ast.AggregateExpr):
        above = (*above, str(node.op))
    for part in ("expr", "lhs", "rhs", "vector_selector"):
        below = getattr(node, part, None)
        if below is not None:
            yield from calls(below, above)
    for argument in getattr(node, "args", None) or []:
        yield from calls(argument, above)


def test_template_datasource_rule(dashboard):
    (source,) = variables(dashboard, "datasource")
    assert (source["name"], source["label"]) == ("datasource", "Data source")
    assert source["query"] == "prometheus"


def test_template_label_promql_rule(dashboard):
    for variable in variables(dashboard, "query"):
        found = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["definition"])
        assert found, variable["definition"]
        assert isinstance(parsed(found[1]), ast.VectorSelector)


def test_template_on_time_change_reload_rule(dashboard):
    assert all(variable["refresh"] == 2 for variable in variables(dashboard, "query"))


def test_panel_datasource_rule(panels):
    assert all(panel["datasource"]["uid"] == "${datasource}" for panel in panels)


def test_panel_title_description_rule(panels):
    assert all(panel["title"] and panel["description"] for panel in panels)


def test_panel_units_rule(panels):
    assert all(panel["fieldConfig"]["defaults"]["unit"] for panel in panels)


def test_panel_no_targets_rule(panels):
    assert all(panel["targets"] for panel in panels)


def test_target_promql_rule(exprs):
    for expr in exprs:
        assert parsed(expr) is not None


def test_target_rate_interval_rule(exprs):
    for expr in exprs:
        for width in re.findall(r"(?:rate|increase|irate)\([^\[]*\[([^\]]+)\]", expr):
            assert width == "$__rate_interval" or width in LONG_ENOUGH, expr


def test_target_counter_agg_rule(exprs):
    for expr in exprs:
        for selector, above in calls(parsed(expr)):
            if selector.name in COUNTERS:
                assert above[-1] in GROWTH, expr


def test_uneditable_rule(dashboard):
    assert dashboard["editable"] is False


def test_every_metric_is_on_some_dashboard_or_left_out_for_a_reason(every_query):
    shown = {
        selector.name
        for query in every_query
        for selector, _ in calls(parsed(query.substituted()))
    }
    names = catalogue().names()
    assert shown <= names
    assert names - shown == set(UNSHOWN)
    assert all(reason.strip() for reason in UNSHOWN.values())


UNSHOWN = {
    "headroom_cpu_frequency_hertz": "one line a logical CPU: the host's mean is shown",
    "headroom_cpu_steal_seconds_total": "the host's share of steal is shown",
    "headroom_disk_size_bytes": "does not change: it is among the host's facts",
    "headroom_host_context_switches_total": "says nothing about headroom by itself",
    "headroom_host_domains_memory_bytes": "shown as a multiple of the host's memory",
    "headroom_interface_speed_bytes": "does not change: it is among the host's facts",
    "headroom_numa_cpus": "does not change: it is among the host's facts",
    "headroom_numa_memory_total_bytes": "the sum of used and free, which are shown",
    "headroom_vm_energy_joules_total": "its growth is the power that is shown, by share",
    "headroom_vm_memory_max_bytes": "what a machine may grow to; what it has is shown",
}
"""Metrics that no dashboard shows, and why."""
