"""Power modelled from load: through its points, with its interval."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headroom_core.energy import SHAPE, Estimate, PowerModel, generic_model, shape


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
