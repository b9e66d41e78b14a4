"""Rules about waste, forecast and energy, over a real store; runbooks and links of every rule."""

import asyncio
import re
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi import FastAPI
from rigs.asgi import Client
from rigs.samples import EPOCH, values
from typer.main import get_command

from headroom_collector.alert_metrics import rolled_metrics
from headroom_collector.alert_settings import Alerts, Groups, Webhook
from headroom_collector.alerts import long_windows, subjects
from headroom_collector.alerts.evaluator import Evaluator
from headroom_collector.alerts.outbox import read_waiting
from headroom_collector.alerts.own_samples import disk_statistics
from headroom_collector.alerts.replay import replay_windows
from headroom_collector.alerts.state import read_alerts
from headroom_collector.api.runbooks import router, runbooks
from headroom_collector.cli.__main__ import make
from headroom_collector.store.api import Rows, StoreBatch, Thing
from headroom_core.budget import EnergyBudget
from headroom_core.ceiling import Ceiling
from headroom_core.estate import Status
from headroom_core.rules import ALL_SHIPPED, SHIPPED, Override, Rule

SECOND = 1_000_000_000
BUCKET = 300 * SECOND
DAY = 86_400
START = (1_790_000_000 // 3600 + 1) * 3600 * SECOND
"""A full hour; the clock of the tests starts a little before it."""


def only(*names, **changes):
    """Settings with these shipped rules alone, each with changes."""
    rules = {r.name: Override(enabled=False) for r in SHIPPED if r.name not in names}
    rules |= {name: Override(**changes) for name in names if changes}
    return rules


def evaluator_of(store, estate, clock, names, budget=EnergyBudget(), **changes):  # noqa: B008  # frozen
    config = Alerts(
        webhook=Webhook("http://127.0.0.1:1/"),
        rules=only(*names, **changes),
        energy_budget=budget,
        groups=Groups(wait_seconds=0.0),
    )
    return Evaluator(store, estate, Ceiling(), config, clock)


def feed(store, kind, host, rows, seq=1):
    """Store rows (seconds after START, thing, values by field) of a kind."""
    batch = StoreBatch(
        host=host,
        epoch=EPOCH,
        seq=seq,
        crc32=0,
        received=START,
        rows=[
            Rows(
                kind,
                [
                    (START + round(at * SECOND), thing, list(values(kind, **known)))
                    for at, thing, known in rows
                ],
            )
        ],
        interval_seconds=60.0,
    )
    store.append(batch).result(30)


def rolled(store, table, subject, column, levels, end, field="host_id"):
    """Write 5-minute roll-ups straight into their table: days of samples would take minutes."""

    def write(cursor, commit_id):  # the seam's
        for n, level in enumerate(levels):
            cursor.execute(
                f"INSERT INTO {table} (time, host_id, thing_id, samples, {column}) VALUES (?, ?, ?, 5, ?)",  # own names
                [end - (len(levels) - n) * BUCKET, subject[0], subject[1], level],
            )

    store.change(write).result(60)


def ids(store, host):
    (row,) = store.query(
        "SELECT h.id AS host, t.id AS thing FROM hosts h JOIN things t ON t.host_id = h.id"
        " WHERE h.name = ?",
        [host],
    ).to_pylist()
    return row["host"], row["thing"]


def cluster(site, name):
    return Thing(f"{site}\x1f{name}", {"site": site, "cluster": name})


def look(evaluator, clock, second):
    clock.time = START + round(second * SECOND)

    async def run():
        while await evaluator.look():
            pass

    asyncio.run(run())


def open_alerts(store):
    return {key: alert.state.firing for key, alert in read_alerts(store).items()}


IDLE_WINDOW = 4 * 3600


@pytest.fixture
def idle(store, estate, clock):
    """A host whose 5-minute means of the last hours stay at a level, and its evaluator."""

    def make_(levels, **changes):
        feed(store, "host", "a", [(0, Thing(), {"cpu_utilisation_ratio": levels[-1]})])
        rolled(store, "host_5m", ids(store, "a"), "cpu_utilisation_ratio_mean", levels, START)
        return evaluator_of(
            store, estate, clock, ["HostIdle"], window_seconds=float(IDLE_WINDOW), **changes
        )

    return make_


def test_a_host_that_did_nothing_for_the_whole_window_is_waste(idle, store, clock):
    look(idle([0.02] * 48), clock, 150)
    assert open_alerts(store) == {("HostIdle", "a"): True}
    (letter,) = read_waiting(store)
    assert "a does nothing: CPU at most 2.0 % in 4 h" in letter.payload
    assert "/runbooks/HostIdle" in letter.payload


def test_five_minutes_of_work_are_enough_not_to_be_waste(idle, store, clock):
    look(idle([0.02] * 20 + [0.3] + [0.02] * 27), clock, 150)
    assert open_alerts(store) == {}


def test_a_host_that_is_not_known_for_long_enough_is_not_judged(idle, store, clock):
    look(idle([0.02] * 30), clock, 150)
    assert open_alerts(store) == {}


def test_nobody_is_told_of_an_idle_host_that_is_retired_or_in_maintenance(
    idle, store, clock, estate
):
    estate.put("a", Status.MAINTENANCE)
    engine = idle([0.02] * 48)
    look(engine, clock, 150)
    assert read_waiting(store) == []
    estate.put("a", Status.RETIRED)
    look(engine, clock, 160)
    assert open_alerts(store) == {}


def test_a_percentile_of_a_long_window_forgives_a_nightly_job(idle, store, clock):
    look(idle([0.02] * 47 + [0.9], aggregate="p95"), clock, 150)
    assert open_alerts(store) == {("HostIdle", "a"): True}


def test_a_window_is_judged_once_and_not_before_it_is_rolled_up(idle, store, clock):
    engine = idle([0.02] * 48)
    look(engine, clock, 60)
    assert open_alerts(store) == {}
    look(engine, clock, 150)
    before = read_alerts(store)
    look(engine, clock, 170)
    assert read_alerts(store) == before


def energy(store, watts):
    """Clusters of two sites that draw so much over the last day."""
    rows = [(0, cluster(*name.split("/")), {"power_watts": 1.0}) for name in watts]
    feed(store, "headroom", "collector", rows)
    things = store.query("SELECT id, host_id, CAST(labels AS VARCHAR) AS labels FROM things")
    for thing in things.to_pylist():
        for name, level in watts.items():
            site, _, short = name.partition("/")
            if f'"{short}"' in thing["labels"] and f'"{site}"' in thing["labels"]:
                subject = (thing["host_id"], thing["id"])
                rolled(store, "headroom_5m", subject, "power_watts_mean", [level] * 288, START)


def test_a_cluster_a_site_and_the_estate_have_budgets_of_their_own(store, estate, clock):
    energy(store, {"fra1/web": 900.0, "fra1/db": 500.0, "par1/web": 300.0})
    budget = EnergyBudget(
        watts=1650.0, sites={"fra1": 1500.0, "par1": 250.0}, clusters={"fra1/db": 450.0}
    )
    engine = evaluator_of(store, estate, clock, ["EnergyAboveBudget"], budget)
    look(engine, clock, 150)
    assert set(open_alerts(store)) == {
        ("EnergyAboveBudget", subject) for subject in ("estate:", "site:par1", "cluster:fra1/db")
    }
    told = " ".join(letter.payload for letter in read_waiting(store))
    assert "fra1/db draws more power than its budget: 500 W, budget 450 W" in told
    assert '"host"' not in told


def test_without_a_budget_nobody_is_told_of_energy(store, estate, clock):
    energy(store, {"fra1/web": 1e6})
    look(evaluator_of(store, estate, clock, ["EnergyAboveBudget"]), clock, 150)
    assert open_alerts(store) == {}


def forecast(store, seconds_ahead, at, seq):
    known = {"level_ratio": 0.3}
    if seconds_ahead is not None:
        known["ceiling_in_seconds"] = seconds_ahead
    rows = [(at + n * 60, cluster("fra1", "web"), known) for n in range(-9, 1)]
    feed(store, "forecast", "collector", rows, seq)
    feed(store, "host", "a", [(at, Thing(), {"cpu_utilisation_ratio": 0.1})], seq)


def test_a_cluster_whose_trend_reaches_the_ceiling_is_told_of_in_time(store, estate, clock):
    quick = {"hold_seconds": 120.0, "clear_hold_seconds": 120.0}
    engine = evaluator_of(store, estate, clock, ["ClusterNearCeiling"], **quick)
    forecast(store, 20.0 * DAY, 600, 1)
    look(engine, clock, 601)
    assert open_alerts(store) == {("ClusterNearCeiling", "cluster:fra1/web"): True}
    (letter,) = read_waiting(store)
    assert "fra1/web reaches its ceiling in 20 d, limit 30 d" in letter.payload
    # A trend that no longer reaches it ends the alert.
    forecast(store, None, 1800, 2)
    look(engine, clock, 1801)
    assert open_alerts(store) == {}


def test_the_collectors_disk_is_looked_at(tmp_path):
    assert 0 < disk_statistics(tmp_path)["disk_free_ratio"] <= 1
    assert disk_statistics(tmp_path / "gone") == {}


def test_subjects_that_are_no_hosts_say_where_they_stand(estate):
    known = subjects.Subjects(estate)
    name = subjects.of_cluster("fra1", "web")
    assert (known.member(name).host, known.member(name).placement.cluster) == ("", "web")
    assert known.member("a").host == "a"
    assert [subjects.spoken(n) for n in (name, subjects.of_site("fra1"), "a")] == [
        "fra1/web",
        "fra1",
        "a",
    ]
    assert known.member(subjects.of_site("")).placement.site == ""


def test_a_sum_lacks_what_a_cluster_lacks():
    found = long_windows.summed({"cluster:a/x": 1.0, "cluster:a/y": None, "cluster:b/z": 2.0})
    assert found["site:a"] is None
    assert found["site:b"] == 2.0
    assert found["estate:"] is None


@pytest.mark.parametrize("aggregate", ["mean", "max", "min", "rate", "p50", "p99"])
def test_every_aggregate_of_a_long_window_is_one_that_the_store_knows(store, aggregate):
    metric = "cpu_user_seconds_total" if aggregate == "rate" else "cpu_utilisation_ratio"
    rule = Rule("Long", metric=metric, aggregate=aggregate, threshold=1.0, window_seconds=7200.0)
    column = metric + ("_delta" if aggregate == "rate" else "_mean")
    feed(store, "host", "a", [(0, Thing(), {"cpu_utilisation_ratio": 0.1})])
    rolled(store, "host_5m", ids(store, "a"), column, [60.0] * 24, START)
    (value,) = long_windows.read_windows(store, rule, START).values()
    assert value == pytest.approx(0.2 if aggregate == "rate" else 60.0)


def test_every_rule_that_ships_has_a_runbook_that_says_what_it_means_and_what_to_do():
    assert set(runbooks()) == {rule.name for rule in ALL_SHIPPED}
    for rule in ALL_SHIPPED:
        assert rule.runbook_url == f"/runbooks/{rule.name}"
        assert "<h2>What it means</h2>" in runbooks()[rule.name]
        assert "<h2>What to do</h2>" in runbooks()[rule.name]


def test_the_commands_in_the_runbooks_exist():
    top = get_command(make())
    folder = Path(__file__).parents[3] / "docs" / "runbooks"
    for page in folder.glob("*.md"):
        for words in re.findall(r"`headroom ([a-z]+)(?: ([a-z]+))?", page.read_text()):
            command = top.commands[words[0]]  # type: ignore[attr-defined]  # it is a group
            if words[1] and hasattr(command, "commands") and words[1] not in command.commands:
                pytest.fail(f"{page.name}: headroom {' '.join(words)}")


def test_a_rule_without_a_runbook_is_refused():
    own = Override(metric="load1", threshold=8.0)
    with pytest.raises(ValueError, match=r"rules\.Busy: runbook_url: expected a link"):
        Alerts(rules={"Busy": own})
    every = Alerts(rules={"Busy": own}, runbook_url="https://wiki.example/all").every_rule()
    assert {rule.runbook_url for rule in every} == {"https://wiki.example/all"}


def test_links_hold_the_place_and_nothing_else():
    with pytest.raises(ValueError, match="expected no other braces"):
        Alerts(dashboard_url="https://g.example/{vm}")
    with pytest.raises(ValueError, match="expected no other braces"):
        Alerts(dashboard_url="https://g.example/{")
    rule = next(r for r in Alerts(external_url="https://h.example/").every_rule())
    assert rule.runbook_url == "https://h.example/runbooks/HostAboveCeiling"
    assert rule.dashboard_url == "https://h.example/"


def test_a_long_window_needs_a_metric_that_is_rolled_up():
    assert "cpu_utilisation_ratio" in rolled_metrics()
    with pytest.raises(ValueError, match="an hour at most, or a metric that is rolled up"):
        Alerts(rules={"HostMemoryFull": Override(window_seconds=7200.0)})


def test_a_clear_level_can_be_said_as_it_is():
    rule = Rule(threshold=0.8, clear_threshold=0.5)
    assert rule.clear(0.49, 0.8)
    assert not rule.clear(0.5, 0.8)
    turned = replace(rule, below=True, clear_threshold=0.9)
    assert turned.clear(0.91, 0.8)
    for threshold, clear in ((0.8, 0.9), (None, 0.5)):
        with pytest.raises(ValueError, match="clear_threshold"):
            Rule(threshold=threshold, clear_threshold=clear)


def test_history_is_replayed_against_a_rule_with_a_long_window(idle, store):
    idle([0.3] * 12 + [0.02] * 84)
    rule = next(rule for rule in SHIPPED if rule.name == "HostIdle")
    rule = replace(rule, window_seconds=float(IDLE_WINDOW))
    windows = long_windows.read_past(store, rule, START - 4 * 3600 * SECOND, START + 3600 * SECOND)
    (page,) = replay_windows(rule, "a", windows["a"], 0.05)
    assert page.fired == START - 3 * 3600 * SECOND
    assert page.resolved is None
    with pytest.raises(ValueError, match="more than 1,000 windows"):
        long_windows.read_past(store, rule, START - 10**7 * SECOND, START)


@pytest.fixture
def runbook_pages():
    app = FastAPI()
    app.include_router(router)
    return Client(app)


def test_a_runbook_is_a_page_of_the_collector(runbook_pages):
    page = runbook_pages.get("/runbooks/HostIdle")
    assert page.status_code == 200
    assert "<h1>HostIdle</h1>" in page.text
    assert "/runbooks/AgentSilent" in runbook_pages.get("/runbooks").text
    missing = runbook_pages.get("/runbooks/%3Cscript%3E")
    assert missing.status_code == 404
    assert missing.headers["content-type"] == "application/json"
