"""The benchmark of queries: its queries are the panels' own, and its short form measures."""

import pytest
from rigs.need import engine

from headroom_collector.bench import query
from headroom_collector.bench.query_data import Estate
from headroom_collector.bench.query_peers import encoded
from headroom_collector.sinks.remote_write import varint
from headroom_core.ceiling import Ceiling
from headroom_core.rules import Rule
from headroom_dashboards.catalogue import pages


def test_its_queries_are_those_of_panels():
    panels = {
        asked.expr.replace("$site", ".*").replace("$cluster", ".*")
        for page in pages(Ceiling(), Rule()).values()
        for band in page.bands
        for _, body in band.panels
        for asked in body.panel.queries
    }
    assert set(query.OVER_TIME) | set(query.NOW) <= panels


def test_samples_are_encoded_as_remote_write_has_them():
    estate = Estate(1, 1, 1_795_521_600)
    made = encoded(estate.times(), estate.utilisation(0))
    assert len(made) == 18 * 288
    first = int(estate.times()[0]) * 1000
    assert made[:3] == b"\x12\x10\x09"
    assert made[11:18] == b"\x10" + varint(first)


def answer(**values):
    return [{"metric": {"host": name}, "values": [[60, value]]} for name, value in values.items()]


def test_equal_series_may_stand_for_each_other_at_the_end_of_a_topk():
    assert not query.unlike(answer(a="3", b="1"), answer(a="3", c="1"), top=True)
    assert query.unlike(answer(a="3", b="1"), answer(a="3", c="1"))
    assert query.unlike(answer(a="3", b="1"), answer(a="3", c="2"), top=True)
    assert query.unlike(answer(a="3", b="1"), answer(c="3", b="1"), top=True)
    assert query.unlike(answer(a="3"), answer(a="3", c="3"), top=True)
    assert query.unlike(answer(a="3"), answer(a="2"), top=True)


@pytest.mark.engine("prometheus")
def test_the_short_form_measures_beside_both_peers(monkeypatch):
    for name in ("prometheus", "victoria-metrics"):
        engine(name)
    monkeypatch.setattr(query, "SHORT", (20, 1))
    monkeypatch.setattr(query, "ROUNDS", 1)
    found = {one.metric: one for one in query.figures(short=True)}
    assert set(found) == {"p50_seconds", "p95_seconds", "mismatches", "queries"}
    assert set(found["p95_seconds"].peers) == {"prometheus", "victoria-metrics"}
    assert found["mismatches"].value == 0
    assert found["queries"].value == len(query.OVER_TIME) + len(query.NOW)
