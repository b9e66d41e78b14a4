"""Agents that fall silent, through the whole evaluator on a real store."""

import asyncio

import pytest

from headroom_collector.alert_settings import Alerts, Groups, Webhook
from headroom_collector.alerts.evaluator import Evaluator
from headroom_collector.alerts.state import read_alerts
from headroom_collector.bench.alert_replay import quick_rule
from headroom_core.ceiling import Ceiling
from headroom_core.estate import Status
from headroom_core.rules import AGENT_SILENT, MANY_SILENT

RULE = quick_rule(window_seconds=30)
CONFIG = Alerts(rule=RULE, webhook=Webhook("http://127.0.0.1:1/"), groups=Groups(wait_seconds=0.0))


class Night:
    """Hosts that report every 15 s, except those that are ``silent``; seconds pass by ``until``."""

    def __init__(self, store, feed, clock, estate):
        self.store, self.feed, self.clock, self.estate = store, feed, clock, estate
        self.second = 0
        self.ratio = 0.1
        self.evaluator = self.restart()

    def restart(self):
        self.evaluator = Evaluator(self.store, self.estate, Ceiling(), CONFIG, self.clock)
        return self.evaluator

    def until(self, second, *hosts):
        async def look():
            while await self.evaluator.look():
                pass

        while self.second < second:
            self.second = min(second, self.second + 15)
            self.clock.set(self.second)
            if hosts:
                sample = [(self.second, self.ratio)]
                for future in [self.feed.begin(host, sample) for host in hosts]:
                    future.result(20)
            asyncio.run(look())

    def phases(self, rule=AGENT_SILENT):
        return {
            host: alert.state.phase.value
            for (name, host), alert in read_alerts(self.store).items()
            if name == rule
        }

    def told(self):
        return {key for key, alert in read_alerts(self.store).items() if alert.told is not None}

    def goodbye(self, host):
        self.store.change(
            lambda cursor, _: cursor.execute(
                "UPDATE hosts SET goodbye = received WHERE name = ?", [host]
            )
        ).result(20)


@pytest.fixture
def night(store, feed, clock, estate):
    return Night(store, feed, clock, estate)


def test_a_silent_agent_is_seen_within_60_s_and_paged_for_after_5_minutes(night):
    night.until(60, *"ab")
    night.until(120, "b")
    assert night.phases() == {"a": "pending"}
    assert night.told() == set()
    night.until(345, "b")
    assert night.told() == set()
    night.until(390, "b")
    assert night.told() == {(AGENT_SILENT, "a")}
    night.until(480, *"ab")
    assert night.phases() == {}


@pytest.mark.parametrize("status", [Status.RETIRED, Status.MAINTENANCE])
def test_nobody_waits_for_a_host_that_is_retired_or_in_maintenance(night, estate, status):
    night.until(60, *"ab")
    estate.put("a", status)
    night.until(500, "b")
    assert night.phases() == {}


def test_nobody_waits_for_an_agent_that_said_goodbye(night):
    night.until(60, *"ab")
    night.goodbye("a")
    night.until(500, "b")
    assert night.phases() == {}


def test_a_silent_host_keeps_its_alert_and_gets_no_further_one(night):
    night.ratio = 0.8
    night.until(150, *"ab")
    assert (RULE.name, "a") in night.told()
    night.until(600, "b")
    assert {(RULE.name, "a"), (AGENT_SILENT, "a")} <= night.told()


def test_more_than_a_fifth_silent_at_once_is_one_alert(night):
    night.until(60, *"abcdefghij")
    night.until(600, *"defghij")
    assert set(night.phases()) == {"a", "b", "c"}
    assert night.told() == {(MANY_SILENT, "_collector")}
    night.until(900, *"cdefghij")  # one came back: the other two are two again
    assert night.told() == {(AGENT_SILENT, "a"), (AGENT_SILENT, "b")}


def test_two_silent_hosts_of_three_are_two_and_no_collectors_fault(night):
    night.until(60, *"abc")
    night.until(420, "a")
    assert night.told() == {(AGENT_SILENT, "b"), (AGENT_SILENT, "c")}


def test_after_a_restart_agents_have_time_to_come_back_and_alerts_stay(night):
    night.until(60, *"ab")
    night.until(400, "b")
    night.restart()
    night.until(405)
    assert night.told() == {(AGENT_SILENT, "a")}
    night.until(480, *"ab")
    assert night.told() == set()


def test_an_agent_that_reports_old_samples_is_not_silent(night, feed):
    night.until(60, *"ab")
    for second in range(60, 500, 20):
        feed("a", [(second / 100, 0.1)])
        night.until(second, "b")
    assert night.phases() == {}


def test_a_step_of_the_collectors_clock_makes_nobody_silent(night, clock, monkeypatch):
    night.until(60, *"ab")
    ticks = clock.monotonic
    clock.now = lambda: round(ticks() * 10**9) + 7200 * 10**9
    night.until(120, *"ab")
    assert night.phases() == {}
