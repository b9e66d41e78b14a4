"""Trends of daily values: those that are there are found, those that are not are not."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom_collector.consolidation.forecast.trend import (
    Crossing,
    Trend,
    crossing,
    rhythm,
    trend,
)

DAYS = np.arange(20_000.0, 20_090.0)


def noise(seed, alike=0.0):
    rng = np.random.default_rng(seed)
    found = rng.normal(0, 1, len(DAYS))
    for day in range(1, len(DAYS)):
        found[day] += alike * found[day - 1]
    return found


def test_a_straight_line_is_found_as_it_is():
    found = trend(DAYS, 10 + 0.5 * (DAYS - DAYS[0]))
    assert found.direction == "rising"
    assert found.slope == pytest.approx(0.5)
    assert found.level == pytest.approx(10 + 0.5 * 89)


def test_a_quarter_of_wild_days_does_not_move_it():
    values = 10 + 0.5 * (DAYS - DAYS[0])
    values[::4] += np.random.default_rng(1).uniform(100, 500, len(values[::4]))
    assert trend(DAYS, values).slope == pytest.approx(0.5, abs=0.2)


def test_the_band_holds_the_true_slope_four_times_in_five():
    inside = 0
    for seed in range(200):
        found = trend(DAYS, 100 + 0.02 * DAYS + noise(seed))
        assert found.low is not None
        assert found.high is not None
        inside += found.low <= 0.02 <= found.high
    assert 0.7 <= inside / 200 <= 0.95


@pytest.mark.parametrize("alike", [0.0, 0.6])
def test_noise_is_seldom_taken_for_a_trend(alike):
    told = [trend(DAYS, 50 + noise(seed, alike=alike)).direction for seed in range(200)]
    assert told.count("steady") / 200 >= 0.65


def test_days_that_resemble_the_day_before_widen_the_band():
    (one, other) = (trend(DAYS, 50 + noise(3, alike=alike)) for alike in (0.0, 0.8))
    widths = [found.high - found.low for found in (one, other) if found.high and found.low]
    assert widths[1] > 1.5 * widths[0]


def test_too_few_days_tell_nothing():
    found = trend(DAYS[:20], np.arange(20.0))
    assert found == Trend("unknown", 20)
    assert crossing(found, 100.0, 20.0) is None


def test_quiet_week_ends_are_no_trend_and_the_level_is_that_of_a_busy_day():
    values = np.where(DAYS % 7 < 5, 50.0, 20.0)
    found = trend(DAYS, values)
    assert found.direction == "steady"
    assert found.level == pytest.approx(50.0)


def test_a_rhythm_needs_four_weeks():
    assert not rhythm(DAYS[:27], DAYS[:27] % 7).any()


def test_days_without_values_are_left_out():
    some = np.delete(DAYS, slice(30, 50))
    found = trend(some, 10 + 0.5 * (some - DAYS[0]))
    assert (found.days, found.direction) == (70, "rising")
    assert found.slope == pytest.approx(0.5)


def test_the_day_of_the_crossing_follows_from_the_line():
    found = Trend("rising", 90, level=30.0, slope=0.5, low=0.25, high=1.0)
    assert crossing(found, 40.0, 90.0) == Crossing(likely=20.0, earliest=10.0, latest=40.0)
    assert crossing(found, 29.0, 90.0) == Crossing(0.0, 0.0, 0.0)
    # 200, 100 and 400 days: a line is carried on over three times its history alone.
    assert crossing(found, 130.0, 90.0) == Crossing(likely=200.0, earliest=100.0, latest=None)


def test_a_falling_line_never_crosses_and_a_steady_one_has_no_likely_day():
    falling = Trend("falling", 90, level=30.0, slope=-0.5, low=-0.6, high=-0.4)
    assert crossing(falling, 40.0, 90.0) == Crossing(None, None, None)
    steady = Trend("steady", 90, level=30.0, slope=0.1, low=-0.1, high=0.5)
    assert crossing(steady, 40.0, 90.0) == Crossing(None, 20.0, None)
    assert crossing(steady, 20.0, 90.0) == Crossing(0.0, 0.0, 0.0)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 1000),
    st.floats(0.1, 50),
    st.floats(-100, 100),
)
def test_scale_and_offset_of_the_values_do_not_change_the_direction(seed, scale, offset):
    values = 0.05 * DAYS + noise(seed)
    one, other = trend(DAYS, values), trend(DAYS, values * scale + offset)
    assert one.direction == other.direction
    assert one.slope is not None
    assert other.slope == pytest.approx(one.slope * scale, rel=1e-6, abs=1e-9)
