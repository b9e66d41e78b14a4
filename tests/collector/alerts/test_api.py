"""Alerts over HTTP, on what the engine left in a real store."""

import asyncio
from dataclasses import dataclass

import httpx
import pytest
from fastapi import FastAPI

from headroom_collector.alert_settings import Groups
from headroom_collector.alerts.evaluator import Evaluator
from headroom_collector.alerts.outbox import failed, read_waiting, sent
from headroom_collector.api.alerts import router
from headroom_collector.api.services import Services
from headroom_collector.bench.alert_replay import quick_rule
from headroom_collector.config import Alerts, CollectorConfig, Webhook
from headroom_core.ceiling import Ceiling
from headroom_core.estate import Member, Placement
from headroom_core.rules import SHIPPED, Override

CONFIG = Alerts(
    rule=quick_rule(window_seconds=30),
    webhook=Webhook("http://127.0.0.1:1/"),
    rules={rule.name: Override(enabled=False) for rule in SHIPPED},
    groups=Groups(by=("host",), wait_seconds=0.0, interval_seconds=0.001),
)


@dataclass
class Api:
    """The routes, asked without a network."""

    app: FastAPI

    def get(self, path, params=None):
        async def go():
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
                return await client.get(path, params=params)

        return asyncio.run(go())


@pytest.fixture
def evaluated(store, feed, clock, estate):
    """Feed each host its (from, to, ratio) spans, and evaluate."""

    def run(**hosts):
        evaluator = Evaluator(store, estate, Ceiling(), CONFIG, clock)

        async def catch_up():
            while await evaluator.look():
                pass

        for host, spans in hosts.items():
            samples = [(s, ratio) for start, end, ratio in spans for s in range(start, end, 15)]
            feed(host, samples, simulated=host.startswith("sim"))
        clock.set(max(end for spans in hosts.values() for _, end, _ in spans))
        asyncio.run(catch_up())

    return run


@pytest.fixture
def api(store, estate, clock):
    app = FastAPI()
    app.include_router(router)
    config = CollectorConfig(alerts=CONFIG)
    app.state.services = Services(
        store=store, book=estate, config=config, clock=clock, version="0"
    )
    return Api(app)


def test_without_alerts_the_lists_are_empty(api):
    empty = {"items": [], "total": 0, "next_cursor": None}
    assert api.get("/api/v1/alerts").json() == empty
    assert api.get("/api/v1/alerts/history").json() == empty


def test_an_open_alert_says_what_where_since_when_and_that_nobody_knows_yet(api, evaluated):
    evaluated(a=[(0, 300, 0.8)])
    (alert,) = api.get("/api/v1/alerts").json()["items"]
    assert alert == {
        "rule": "HostAboveCeiling",
        "host": "a",
        "site": "dc1",
        "cluster": "c1",
        "class": "web",
        "simulated": False,
        "state": "firing",
        "severity": "warning",
        "since": "2026-09-21T14:14:35.000Z",
        "started": "2026-09-21T14:13:35.000Z",
        "value_ratio": 0.8,
        "ceiling_ratio": 0.4,
        "value": 0.8,
        "level": 0.4,
        "unit": "ratio",
        "acknowledged": "",
        "updated": "2026-09-21T14:18:05.000Z",
        "notified": None,
        "problem": "",
    }


def test_it_says_when_on_call_was_told_or_why_not(api, evaluated, store, clock):
    evaluated(a=[(0, 300, 0.8)], b=[(0, 300, 0.8)])
    one, two = read_waiting(store)
    store.change(sent(one.id, clock.time)).result(20)
    store.change(failed(two.id, clock.time, "answered HTTP 404")).result(20)
    alerts = api.get("/api/v1/alerts").json()["items"]
    assert {(alert["notified"], alert["problem"]) for alert in alerts} == {
        ("2026-09-21T14:18:20.000Z", ""),
        (None, "answered HTTP 404"),
    }


def test_alerts_are_filtered_and_firing_ones_come_first(api, evaluated):
    evaluated(
        a=[(0, 240, 0.1), (240, 300, 0.8)],
        b=[(0, 300, 0.8)],
        sim_c=[(0, 240, 0.8), (240, 300, 0.1)],
    )
    alerts = api.get("/api/v1/alerts").json()["items"]
    assert [(alert["host"], alert["state"]) for alert in alerts] == [
        ("b", "firing"),
        ("sim_c", "clearing"),
        ("a", "pending"),
    ]
    assert [alert["simulated"] for alert in alerts] == [False, True, False]
    firing = api.get("/api/v1/alerts", params={"state": "firing"}).json()
    assert [alert["host"] for alert in firing["items"]] == ["b"]
    of_a = api.get("/api/v1/alerts", params={"host": "a"}).json()
    assert [alert["host"] for alert in of_a["items"]] == ["a"]


def pages(api, path, **params):
    items, cursor = [], None
    for _ in range(20):
        more: dict[str, str] = {"cursor": cursor} if cursor else {}
        page = api.get(path, params={"limit": 1, **params, **more}).json()
        items += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return items, page["total"]
    raise AssertionError("the pages do not end")


def test_pages_follow_each_other_without_gap_or_repetition(api, evaluated):
    hosts = {f"h{n}": [(0, 300, 0.8), (300, 600, 0.1)] for n in range(3)}
    evaluated(**hosts, x=[(0, 600, 0.8)], y=[(0, 600, 0.8)])
    open_now, total = pages(api, "/api/v1/alerts")
    assert ([alert["host"] for alert in open_now], total) == (["x", "y"], 2)
    past, total = pages(api, "/api/v1/alerts/history")
    assert len({(line["host"], line["event"]) for line in past}) == len(past) == total == 8
    assert past == api.get("/api/v1/alerts/history").json()["items"]
    of_one, total = pages(api, "/api/v1/alerts/history", host="h1")
    assert ([line["event"] for line in of_one], total) == (["resolved", "fired"], 2)


def test_a_host_that_was_renamed_is_found_under_its_present_name(api, evaluated, estate):
    evaluated(old=[(0, 300, 0.8)])
    estate.members["old"] = Member("new", Placement())
    for path in ("/api/v1/alerts", "/api/v1/alerts/history"):
        (item,) = api.get(path, params={"host": "new"}).json()["items"]
        assert item["host"] == "new"
        assert api.get(path, params={"host": "old"}).json()["items"] == []


@pytest.mark.parametrize("cursor", ["nonsense", "WzFd", "WyJhIiwgImIiXQ", "Wy0xLCAwXQ"])
def test_a_cursor_that_is_none_is_refused(cursor, api):
    answer = api.get("/api/v1/alerts/history", params={"cursor": cursor})
    assert answer.status_code == 400
    assert answer.json()["detail"].startswith("cursor: ")


def test_an_unknown_state_is_refused(api):
    assert api.get("/api/v1/alerts", params={"state": "on fire"}).status_code == 422
