"""Queries: they parse, and ask for nothing that nobody makes."""

import re

import promql_parser
import pytest

from headroom_dashboards.query import UnknownMetricError, here, metric
from headroom_proto.catalogue import catalogue


def names_in(expression):
    """Every metric name in a parsed query."""
    found = set()
    stack = [expression]
    while stack:
        node = stack.pop()
        if isinstance(node, promql_parser.VectorSelector):
            found.add(node.name)
        for part in ("expr", "lhs", "rhs", "vector_selector", "param"):
            below = getattr(node, part, None)
            if below is not None:
                stack.append(below)
        stack.extend(getattr(node, "args", None) or [])
    return found


def test_every_query_parses_and_asks_for_metrics_of_the_catalogue(every_query):
    known = catalogue().names()
    for query in every_query:
        names = names_in(promql_parser.parse(query.substituted()))
        assert names == set(re.findall(r"headroom_\w+", query.expr)), query
        assert names
        assert names <= known, query


def test_every_query_obeys_the_variables(every_query):
    """The collector's own health stands at no site, so no choice of one hides it."""
    for query in every_query:
        parts = re.findall(r"(headroom_\w+)(\S*)", query.expr)
        assert all(
            part.startswith('{site=~"$site",cluster=~"$cluster"')
            for name, part in parts
            if not name.startswith("headroom_collector_")
        ), query


def test_the_variables_ask_for_metrics_of_the_catalogue(dashboards):
    asked = {
        variable["definition"]
        for dashboard in dashboards.values()
        for variable in dashboard["templating"]["list"]
        if variable["type"] == "query"
    }
    found = [re.fullmatch(r"label_values\((\w+)(\{.*\})?, \w+\)", text) for text in asked]
    names = [match[1] for match in found if match]
    assert len(names) == len(asked) == 4
    assert set(names) <= catalogue().names()


def test_counters_are_asked_for_their_rate_only(every_query):
    counters = {column.metric for _, column in catalogue().metrics() if column.type == "counter"}
    for query in every_query:
        for name in counters & names_in(promql_parser.parse(query.substituted())):
            assert re.search(rf"(rate|increase)\({name}", query.expr), query


def test_a_metric_that_nobody_makes_is_refused_with_the_nearest_name():
    with pytest.raises(UnknownMetricError, match="did you mean headroom_host_load1"):
        metric("headroom_host_load_1")
    with pytest.raises(UnknownMetricError, match="is not in the catalogue"):
        here("up")
