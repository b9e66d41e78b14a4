"""The counter: exact over wraps, nothing made up over faults, never less than before."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headroom_core.energy_counter import COUNTS, EnergyCounter, Mark, Scale

SMALL = Scale.of_range(65532610987)


def shown(scale: Scale, counts: int) -> int:
    """Give the microjoules that the kernel shows for so many counts."""
    return scale.to_microjoules(counts % scale.counts)


@pytest.mark.parametrize(
    ("most", "scale"),
    [
        (262143328850, Scale(61035, COUNTS)),  # units of 2^-14 J
        (65532610987, Scale(15258, COUNTS)),  # units of 2^-16 J
        (1000, Scale(1000, 1001)),
    ],
)
def test_the_scale_is_read_off_the_range(most: int, scale: Scale) -> None:
    assert Scale.of_range(most) == scale


@pytest.mark.parametrize("most", [0, -5])
def test_a_range_of_nothing_is_refused(most: int) -> None:
    with pytest.raises(ValueError, match="expected more than 0"):
        Scale.of_range(most)


@given(st.integers(0, COUNTS - 1), st.sampled_from([61035, 15258, 1000]))
def test_counts_come_back_exactly_from_microjoules(counts: int, unit: int) -> None:
    scale = Scale(unit, COUNTS)
    assert scale.to_counts(scale.to_microjoules(counts)) == counts


@given(st.integers(0, COUNTS), st.lists(st.integers(0, 600_000_000), max_size=60))
def test_every_count_is_counted_across_any_number_of_wraps(start: int, steps: list[int]) -> None:
    counter, true, at = EnergyCounter(SMALL, 1000.0), start, 0.0
    counter.read(shown(SMALL, true), at)
    for step in steps:
        true, at = true + step, at + 10
        assert counter.read(shown(SMALL, true), at).microjoules == SMALL.to_microjoules(step)
    assert counter.total == SMALL.to_microjoules(sum(steps))
    assert counter.gap_seconds == counter.resets == 0
    assert counter.wraps == true // COUNTS - start // COUNTS


@given(st.lists(st.tuples(st.integers(0, 2 * 10**11), st.floats(0, 500)), max_size=40))
def test_whatever_is_read_the_total_never_goes_back(readings: list[tuple[int, float]]) -> None:
    counter, at = EnergyCounter(SMALL, 1000.0), 0.0
    for value, seconds in readings:
        before, at = counter.total, at + seconds
        step = counter.read(value, at)
        assert counter.total >= before
        assert step.microjoules is None or step.microjoules <= 1000.0 * step.seconds * 1e6 + 1
    assert counter.total <= 1000.0 * at * 1e6 + len(readings)


def test_garbage_between_two_values_costs_nothing() -> None:
    counter = EnergyCounter(SMALL, 1000.0)
    counter.read(20_000_000_000, 0)
    assert counter.read(7, 10).microjoules is None
    assert counter.read(24_000_000_000, 20).watts() == pytest.approx(200.0)
    assert counter.total == pytest.approx(4e9, abs=16)
    assert (counter.resets, counter.gap_seconds) == (0, 0)


def test_a_reset_is_told_by_the_value_after_and_its_interval_is_a_gap() -> None:
    counter = EnergyCounter(SMALL, 1000.0)
    counter.read(20_000_000_000, 0)
    assert counter.read(1_000_000_000, 10).microjoules is None
    assert counter.read(3_000_000_000, 20).watts() == pytest.approx(200.0)
    assert (counter.resets, counter.gap_seconds) == (1, 10)


def test_an_interval_in_which_it_could_come_round_unseen_is_a_gap() -> None:
    counter = EnergyCounter(SMALL, 1000.0)
    counter.read(0, 0)
    assert counter.read(1_000_000_000, 70).microjoules is None
    assert counter.read(2_000_000_000, 80).watts() == pytest.approx(100.0)
    assert counter.gap_seconds == 70


def test_a_known_reset_says_nothing_of_what_went_before() -> None:
    counter = EnergyCounter(SMALL, 1000.0)
    counter.lose(0)
    assert counter.resets == 0
    counter.read(65_000_000_000, 0)
    counter.lose(10)
    assert counter.read(1_000_000_000, 30).microjoules is None
    assert counter.read(3_000_000_000, 40).watts() == pytest.approx(200.0)
    assert counter.total == pytest.approx(2e9, abs=16)
    assert (counter.resets, counter.gap_seconds) == (1, 30)


def test_a_run_goes_on_where_the_last_one_stopped() -> None:
    counter = EnergyCounter(SMALL, 1000.0)
    counter.resume(5_000_000, Mark(SMALL.to_counts(1_000_000_000), 100.0))
    counter.read(2_000_000_000, 110)
    assert counter.total == pytest.approx(1_005_000_000, abs=16)


def test_two_readings_at_one_time_add_nothing() -> None:
    counter = EnergyCounter(SMALL, 1000.0)
    counter.read(0, 5)
    assert counter.read(1_000_000, 5).watts() is None
    assert counter.read(1_000_000, 6).microjoules == pytest.approx(1_000_000, abs=16)


def test_a_month_with_jitter_and_read_errors_is_exact() -> None:
    rng, counter, true, at = random.Random(4), EnergyCounter(SMALL, 1000.0), 0, 0.0
    counter.read(0, 0)
    while at < 30 * 86400:
        seconds = rng.uniform(5, 15)
        true, at = true + round(600e9 * seconds / SMALL.unit), at + seconds
        if rng.random() > 0.01:
            counter.read(shown(SMALL, true), at)
    counter.read(shown(SMALL, true), at + 0.001)
    assert counter.total == SMALL.to_microjoules(true)
    assert counter.wraps == true // COUNTS
