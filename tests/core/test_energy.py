"""Energy arithmetic: no microjoule lost at a wrap, none made up at a reset."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headroom_core.energy import SHAPE, Estimate, PowerModel, generic_model, grown, modulus, shape

WATTS = 2000.0


@pytest.mark.parametrize(
    ("told", "wrap"),
    [
        (262143328850, 262143328911),  # units of 2^-14 J
        (65532610987, 65532611002),  # units of 2^-16 J
        (1000, 1001),
    ],
)
def test_a_counter_wraps_one_unit_after_its_range(told: int, wrap: int) -> None:
    assert modulus(told) == wrap


@pytest.mark.parametrize("told", [0, -5])
def test_a_range_of_nothing_is_refused(told: int) -> None:
    with pytest.raises(ValueError, match="expected more than 0"):
        modulus(told)


@given(st.integers(0, 10**11), st.lists(st.integers(0, 10**10), max_size=50))
def test_every_microjoule_is_counted_across_any_number_of_wraps(
    start: int, steps: list[int]
) -> None:
    wrap = modulus(65532610987)
    true, counted = start, 0
    for step in steps:
        used = grown(true % wrap, (true + step) % wrap, wrap, 10, WATTS)
        assert used is not None
        true, counted = true + step, counted + used
    assert counted == sum(steps)


def test_a_day_at_600_watts_with_jitter_loses_nothing() -> None:
    rng = random.Random(4)
    wrap, true, counted, now = modulus(65532610987), 0, 0, 0.0
    while now < 86400:
        seconds = rng.uniform(8, 60)
        step = round(600e6 * seconds)
        used = grown(true % wrap, (true + step) % wrap, wrap, seconds, WATTS)
        assert used == step
        now, true, counted = now + seconds, true + step, counted + used
    assert counted == true
    assert true > 700 * wrap


def test_a_reset_is_a_gap_and_no_energy() -> None:
    wrap = modulus(262143328850)
    assert grown(200_000_000_000, 5_000, wrap, 10, WATTS) is None
    assert grown(200_000_000_000, 200_000_000_000, wrap, 10, WATTS) == 0


def test_the_shape_goes_through_its_points_and_never_down() -> None:
    assert [shape(i / 10) for i in range(11)] == pytest.approx(SHAPE)
    assert shape(0.05) == pytest.approx(0.085)
    values = [shape(i / 1000) for i in range(1001)]
    assert values == sorted(values)
    assert (shape(-1), shape(7)) == (0.0, 1.0)


def test_a_model_meets_both_its_points() -> None:
    model = PowerModel(Estimate(100, 90, 120), Estimate(500, 400, 600))
    assert model.watts(0) == Estimate(100, 90, 120)
    assert model.watts(1) == Estimate(500, 400, 600)
    half = model.watts(0.6)
    assert (half.low, half.value, half.high) == pytest.approx((245, 300, 360))


@given(st.integers(1, 2048), st.floats(0, 1))
def test_the_generic_model_states_an_interval_around_its_figure(
    threads: int, ratio: float
) -> None:
    found = generic_model(threads).watts(ratio)
    assert 0 < found.low < found.value < found.high


def test_the_generic_model_is_near_the_published_medians() -> None:
    two_sockets_of_2018 = generic_model(112)
    assert two_sockets_of_2018.idle.low < 51 < two_sockets_of_2018.idle.high
    assert two_sockets_of_2018.full.value == pytest.approx(414, rel=0.15)


def test_no_threads_are_refused() -> None:
    with pytest.raises(ValueError, match="0 threads"):
        generic_model(0)
