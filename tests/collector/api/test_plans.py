"""Plans over HTTP, against a collector's own rooms: begun, followed, shown, compared, refused."""

import time
from dataclasses import replace
from functools import partial

import httpx
import pytest
from rigs.samples import QUICK
from rigs.served import served

from headroom_collector.api.app import make_app
from headroom_collector.consolidation.live.book import MIGRATIONS as PLAN_TABLES
from headroom_collector.consolidation.live.book import PlanBook
from headroom_collector.consolidation.live.room import plan_room
from headroom_collector.consolidation.money.file import load_prices
from headroom_collector.inventory.book import MIGRATIONS as INVENTORY
from headroom_collector.inventory.book import Book
from headroom_collector.store.engine import open_store
from headroom_core.ceiling import Ceiling

RESULT = {
    "placement": {"a": "h1", "b": "h1"},
    "hosts_kept": ["h1"],
    "hosts_freed": ["h2"],
    "lower_bound": 1,
    "gap_ratio": 0.0,
    "moves": [{"vm": "b", "from": "h2", "to": "h1", "night": 1}],
    "cannot_comply": [],
    "savings": {
        "power_watts_before": 300.0,
        "power_watts_after": 200.0,
        "energy_kwh_per_year": 876.6,
        "basis": "given",
    },
    "confidence": {"power_off_recommended": True, "history_days": 30},
    "seconds": 1.5,
}


def keep(services, id_, result, **asked):
    book = PlanBook(services.store)
    now = services.clock.now()
    book.begin(id_, now, {"mode": "repack", **asked}).result(30)
    book.end(id_, now, "finished", result).result(30)


@pytest.fixture
def services(services, tmp_path):
    """The services of a collector that makes plans; its store has their tables."""
    store = open_store(tmp_path / "plans", QUICK, [*INVENTORY, *PLAN_TABLES], services.clock)
    book = Book(store, None, services.clock)
    room = plan_room(store, book, Ceiling(), tmp_path, partial(load_prices, None), services.clock)
    yield replace(services, store=store, book=book, plans=room.runner)
    store.close()


@pytest.fixture
def planning(services):
    """What everybody may ask."""
    with (
        served(make_app(services, admin=False)) as url,
        httpx.Client(base_url=url, timeout=60) as http,
    ):
        yield http


def test_nothing_is_listed_at_first(planning):
    assert planning.get("/api/v1/plans").json() == {"plans": []}


def test_a_plan_is_shown_whole_with_what_happened_since(planning, services):
    keep(services, "one", RESULT)
    found = planning.get("/api/v1/plans/one").json()
    assert found["state"] == "finished"
    assert found["plan"]["moves"] == RESULT["moves"]
    assert found["summary"]["hosts_freed"] == 1
    assert found["outcome"]["hosts_freed_by_now"] == ["h2"]
    assert found["outcome"]["power_watts_forecast"] == 200.0


def test_two_plans_are_compared(planning, services):
    keep(services, "one", RESULT)
    other = RESULT | {"placement": {"a": "h1", "b": "h2"}, "hosts_kept": ["h1", "h2"]}
    keep(services, "two", other | {"hosts_freed": []}, reserve=1)
    found = planning.get("/api/v1/plans/compare?one=one&other=two").json()
    assert found["placed_elsewhere"] == ["b"]
    assert found["freed_only_by_one"] == ["h2"]
    assert found["difference"]["hosts_kept"] == 1
    assert found["asked_differently"] == {"reserve": [None, 1]}


@pytest.mark.parametrize(
    ("path", "status", "detail"),
    [
        ("/api/v1/plans/none", 404, "there is no plan 'none'"),
        ("/api/v1/plans/compare?one=x&other=y", 404, "there is no plan 'x'"),
    ],
)
def test_what_is_not_there_is_said_in_one_line(planning, path, status, detail):
    answer = planning.get(path)
    assert answer.status_code == status
    assert detail in answer.json()["detail"]


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ({"ceiling": 40}, "ceiling"),
        ({"mode": "shrink"}, "mode"),
        ({"objektive": "energy"}, "objektive"),
        ({"time_limit": 0}, "time_limit"),
    ],
)
def test_a_wish_that_means_nothing_is_refused(planning, wish, words):
    answer = planning.request("POST", "/api/v1/plans", json=wish)
    assert answer.status_code == 422
    assert words in answer.json()["detail"]


def test_a_form_of_another_site_cannot_begin_a_plan(planning):
    answer = planning.request(
        "POST", "/api/v1/plans", content=b"{}", headers={"content-type": "text/plain"}
    )
    assert answer.status_code in {415, 422}
    assert planning.get("/api/v1/plans").json() == {"plans": []}


def test_a_plan_of_nothing_fails_in_one_line_and_says_so(planning):
    answer = planning.post("/api/v1/plans", json={"time_limit": 1})
    assert answer.status_code == 202
    id_ = answer.json()["id"]
    end = time.monotonic() + 60
    while (found := planning.get(f"/api/v1/plans/{id_}").json())["state"] == "running":
        assert time.monotonic() < end
        time.sleep(0.05)
    assert found["state"] == "failed"
    assert "no host has reported" in found["summary"]["error"]
    assert found["plan"] is None
    stopped = planning.post(f"/api/v1/plans/{id_}/stop")
    assert (stopped.status_code, "does not run" in stopped.json()["detail"]) == (409, True)
