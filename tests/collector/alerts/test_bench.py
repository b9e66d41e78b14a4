"""The benchmark's short forms: what must never happen does not happen there either."""

from dataclasses import replace

import numpy as np
import pytest

from headroom_collector.alerts.replay import replay
from headroom_collector.bench import (
    alert_families,
    alert_kills,
    alert_lost,
    alert_reference,
    alert_replay,
    alert_traces,
)


def measured(case):
    return {figure.metric: figure.value for figure in case.figures(short=True)}


def test_replayed_episodes_page_nobody_and_one_that_lasts_pages_once():
    found = measured(alert_replay)
    assert found["stale_pages"] == found["other_pages"] == 0
    assert found["pages_with_true_start"] == found["open_episodes"] > 0
    assert found["episodes"] == 5000


def test_an_agent_that_lives_is_never_taken_for_lost():
    found = measured(alert_lost)
    assert found["false_silences"] == 0
    assert found["seen_after_last_batch_at_most"] <= 60


def test_a_pause_that_is_long_enough_is_taken_for_silence():
    assert alert_lost.believed([49.0, 51.0, 600.0]) == 2


def test_random_rules_agree_with_a_plain_interpreter():
    found = measured(alert_reference)
    assert found["disagreements"] == 0
    assert found["pages"] > 500


@pytest.mark.timeout(600)  # forty processes, on a machine that may be busy
def test_kills_at_any_step_repeat_no_page_and_lose_none():
    found = measured(alert_kills)
    assert found["kills"] == 20
    assert found["repeated_pages"] == found["lost_fires"] == found["lost_resolves"] == 0


def test_without_recordings_the_traces_say_where_they_were_looked_for(tmp_path, monkeypatch):
    monkeypatch.setenv("HEADROOM_BENCH_DATA", str(tmp_path))
    (figure,) = alert_traces.figures(short=True)
    assert str(tmp_path) in figure.skipped["recordings"]


def test_a_page_that_no_overload_asked_for_was_in_vain():
    load = np.array([0.2] * 10 + [0.8] * 8 + [0.2] * 80 + [0.8] * 5 + [0.2] * 80)
    assert alert_traces.overloads(load) == [(3000, 5400)]
    score = alert_traces.Score()
    found = replay(alert_traces.DEFAULT, "h", alert_traces.minutes(load), 0.4, 60)
    score.take(load, alert_traces.spans_of(found, len(load) * 300))
    assert (score.there, score.found, score.pages, score.extra, score.woken) == (1, 1, 2, 1, 1)
    assert score.delays == [1200.0]


@pytest.mark.parametrize("name", ["4 means in a row"])
def test_families_on_the_grid_say_what_the_engine_says(name):
    random = np.random.default_rng(7)
    day = np.sin(np.arange(3000) * 2 * np.pi / 288)
    load = np.clip(0.3 + 0.2 * day + random.normal(0, 0.02, 3000), 0, 1)
    rule = replace(alert_traces.DEFAULT, falling_factor=0.0)
    engine = replay(rule, "h", alert_traces.minutes(load), 0.4, 60)
    fires = alert_families.FAMILIES[name](load, 0.4)
    grid = alert_families.grid_spans(load, fires, 0.4)
    assert grid == alert_traces.spans_of(engine, len(load) * 300)
    assert len(grid) >= 10
