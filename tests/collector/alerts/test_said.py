"""Silences, acknowledgements and trying rules out, over the admin routes on a real store."""

import asyncio
import json

import httpx
import pytest
from fastapi import FastAPI
from typer.testing import CliRunner

from headroom_collector.alert_settings import Alerts, Groups, Webhook
from headroom_collector.alerts.evaluator import Evaluator
from headroom_collector.alerts.mute import silence
from headroom_collector.alerts.outbox import read_waiting, sent
from headroom_collector.alerts.state import read_alerts
from headroom_collector.api import alert_admin, alerts
from headroom_collector.api.errors import add_errors
from headroom_collector.api.services import Services
from headroom_collector.api.times import moment
from headroom_collector.bench.alert_replay import quick_rule
from headroom_collector.cli.alerts import app as command
from headroom_collector.cli.client import CliError
from headroom_collector.config import CollectorConfig
from headroom_core.ceiling import Ceiling
from headroom_core.rules import SHIPPED, Override

SECOND = 1_000_000_000
CONFIG = Alerts(
    rule=quick_rule(window_seconds=30),
    webhook=Webhook("http://127.0.0.1:1/"),
    groups=Groups(wait_seconds=0.0, interval_seconds=0.001),
    rules={rule.name: Override(enabled=False) for rule in SHIPPED},
)


@pytest.fixture
def ask(store, estate, clock):
    """Send a request to the routes; returns the answer."""
    app = FastAPI()
    add_errors(app)
    app.include_router(alert_admin.router)
    app.include_router(alerts.router)
    app.state.services = Services(
        store=store, book=estate, config=CollectorConfig(alerts=CONFIG), clock=clock, version="0"
    )

    def ask(method, path, body=None):
        async def go():
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
                return await http.request(method, path, json=body)

        return asyncio.run(go())

    return ask


@pytest.fixture
def evaluator(store, estate, clock):
    return Evaluator(store, estate, Ceiling(), CONFIG, clock)


@pytest.fixture
def run(store, feed, clock, evaluator):
    """Feed a host from second to second, look, and let the receiver accept."""

    def run(host, start, end, ratio=0.8):
        async def look():
            while await evaluator.look():
                pass

        feed(host, [(second, ratio) for second in range(start, end, 15)])
        clock.set(end)
        asyncio.run(look())
        letters = read_waiting(store)
        for letter in letters:
            store.change(sent(letter.id, clock.time)).result(20)
            evaluator.settled(letter.id, True)
        return [letter.kind.value for letter in letters]

    return run


def wish(clock, until, **match):
    return {
        "match": match or {"host": "a"},
        "ends": moment(clock.time + until * SECOND),
        "author": "ann",
        "reason": "kernel upgrade",
    }


def test_what_is_silenced_is_told_of_when_the_silence_ends(ask, run, clock):
    made = ask("POST", "/silences", wish(clock, 300)).json()
    assert made["active"]
    assert run("a", 0, 285) == []
    assert run("a", 285, 299) == []
    assert run("a", 300, 315) == ["firing"]


def test_a_silence_is_for_those_whose_labels_fit(ask, run, clock):
    ask("POST", "/silences", wish(clock, 900, host="b*", site="dc1"))
    assert run("a", 0, 285) == ["firing"]
    assert run("bee", 0, 285) == []


def test_a_page_that_is_open_is_closed_in_a_silence_too(ask, run, clock):
    assert run("a", 0, 285) == ["firing"]
    ask("POST", "/silences", wish(clock, 900))
    assert run("a", 285, 600, 0.1) == ["resolved"]


def test_a_silence_can_be_ended(ask, run, clock):
    made = ask("POST", "/silences", wish(clock, 900)).json()
    assert run("a", 0, 285) == []
    assert [one["id"] for one in ask("GET", "/silences").json()] == [made["id"]]
    assert ask("POST", f"/silences/{made['id']}/end").status_code == 200
    assert ask("GET", "/silences").json() == []
    assert run("a", 285, 300) == ["firing"]
    assert ask("POST", f"/silences/{made['id']}/end").status_code == 404


@pytest.mark.parametrize(
    ("match", "ends", "fault"),
    [({"host": "*"}, 10, "match"), ({"host": "a"}, -10, "end: expected a moment")],
)
def test_a_silence_of_everything_or_of_the_past_is_refused(match, ends, fault):
    with pytest.raises(ValueError, match=fault):
        silence(match, 0, ends * SECOND, "ann", "why", 5 * SECOND)


def test_what_somebody_took_on_is_not_repeated_but_still_resolved(ask, run, clock):
    assert run("a", 0, 285) == ["firing"]
    clock.set(15_000)
    who = {"rule": "HostAboveCeiling", "host": "a", "author": "ann"}
    assert ask("POST", "/alerts/acknowledge", who).status_code == 200
    (alert,) = ask("GET", "/api/v1/alerts").json()["items"]
    assert alert["acknowledged"] == "ann"
    assert run("a", 14_900, 15_000) == []
    assert run("a", 15_000, 15_300, 0.1) == ["resolved"]
    assert ask("POST", "/alerts/acknowledge", who).status_code == 404


def test_without_that_it_is_repeated(run):
    assert run("a", 0, 285) == ["firing"]
    assert run("a", 14_900, 15_000) == ["firing"]


def test_a_rule_is_tried_out_on_what_is_stored(ask, run, clock, store):
    run("a", 0, 285)
    run("a", 285, 600, 0.1)
    tried = {"rule": "HostAboveCeiling", "since": "2026-09-21T14:00:00Z"}
    (page,) = ask("POST", "/alerts/test", tried).json()
    assert (page["host"], page["peak"]) == ("a", 0.8)
    assert page["fired"] == "2026-09-21T14:14:35.000Z"
    patient = tried | {"changes": {"hold_seconds": 600.0}}
    assert ask("POST", "/alerts/test", patient).json() == []
    wrong = ask("POST", "/alerts/test", tried | {"changes": {"hold_second": 1}})
    assert wrong.status_code == 400
    assert "did you mean 'hold_seconds'" in wrong.json()["detail"]
    assert read_alerts(store) == {}


def tried(tmp_path, *arguments):
    path = tmp_path / "series.csv"
    if not path.exists():
        rows = [
            f"{second},web-1,{0.5 if second < 3600 else 0.1}" for second in range(0, 20_000, 60)
        ]
        path.write_text("time,host,value\n" + "\n".join(rows) + "\n")
    result = CliRunner().invoke(command, ["test", "--file", str(path), *arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.stdout


def test_a_rule_is_tried_out_on_a_file(tmp_path):
    (page,) = json.loads(tried(tmp_path, "--json"))
    assert page["host"] == "web-1"
    assert page["fired"] == "1970-01-01T00:20:00Z"
    assert page["resolved"] == "1970-01-01T05:05:00Z"
    assert "would have paged 1 times" in tried(tmp_path)
    assert "would not have paged" in tried(tmp_path, "--set", "hold_seconds=7000")


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (["Nonsense"], "no rule 'Nonsense' ships"),
        (["--set", "hold"], "expected KEY=VALUE"),
        (["--set", "hold_second=1"], "did you mean 'hold_seconds'"),
        (["--set", "hold_seconds=-1"], "expected 0 or more"),
    ],
)
def test_what_cannot_be_tried_is_one_clear_line(tmp_path, arguments, fault):
    with pytest.raises(CliError, match=fault):
        tried(tmp_path, *arguments)


def test_a_file_with_other_columns_is_refused_with_its_line(tmp_path):
    (tmp_path / "series.csv").write_text("when,what\n1,2\n")
    with pytest.raises(CliError, match="line 2: expected the columns"):
        tried(tmp_path)
