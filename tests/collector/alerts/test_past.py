"""A host's past that arrives after its present: fresh samples first, then what was kept."""

import pytest

from headroom_collector.alert_metrics import Host, Sample
from headroom_collector.alerts.evaluate import SECOND, Event
from headroom_collector.alerts.judge import Judge
from headroom_collector.alerts.record import NoticeKind
from headroom_collector.bench.alert_replay import quick_rule
from headroom_core.ceiling import Ceiling

START = 1_790_000_000 * SECOND
HIGH, LOW = 0.8, 0.1
HOUR = 3600


@pytest.fixture
def judge(estate):
    hosts = {"a": Host("a", interval_seconds=15.0)}
    return Judge((quick_rule(30),), estate, Ceiling(), 300.0, hosts=hosts)


def take(judge, seconds, ratio, now):
    """Judge samples of those seconds at a moment; returns (notices, lines of history)."""
    samples = [Sample("a", START + second * SECOND, ratio) for second in seconds]
    changes = judge.judge(samples, START + now * SECOND)
    return changes.notices, changes.history


def test_an_episode_of_the_past_is_history_and_nobody_is_told(judge):
    take(judge, range(0, 60, 15), LOW, 60)
    take(judge, range(HOUR, HOUR + 60, 15), LOW, HOUR + 60)
    now = HOUR + 120
    notices, history = take(judge, range(600, 900, 15), HIGH, now)
    assert notices == []
    assert [(line.event, line.historical) for line in history] == [(Event.FIRED, True)]
    notices, history = take(judge, range(900, 1200, 15), LOW, now)
    assert notices == []
    assert [(line.event, line.historical) for line in history] == [(Event.RESOLVED, True)]
    assert judge.alerts == {}


def test_the_past_neither_resolves_nor_repeats_what_fires_now(judge):
    take(judge, range(0, 60, 15), LOW, 60)
    (page,), _ = take(judge, range(HOUR, HOUR + 300, 15), HIGH, HOUR + 300)
    assert page.kind is NoticeKind.FIRING
    for start, ratio in ((600, LOW), (1200, HIGH), (1800, LOW)):
        notices, _ = take(judge, range(start, start + 600, 15), ratio, HOUR + 310)
        assert notices == []
    (alert,) = judge.alerts.values()
    assert alert.state.firing
    assert alert.state.started == page.started


def test_what_an_open_alert_covers_is_no_second_line_of_history(judge):
    take(judge, range(0, 600, 15), HIGH, 600)
    take(judge, range(HOUR, HOUR + 60, 15), HIGH, HOUR + 60)
    notices, history = take(judge, range(600, HOUR, 15), HIGH, HOUR + 60)
    assert (notices, history) == ([], [])


def test_samples_that_are_a_little_late_are_no_past(judge):
    take(judge, range(0, 600, 30), HIGH, 600)
    notices, history = take(judge, range(315, 600, 30), HIGH, 600)
    assert (notices, history) == ([], [])
    assert judge.past.states == {}
