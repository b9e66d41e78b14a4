import math

from hypothesis import given
from hypothesis import strategies as st

from headroom_collector.alerts.window import SECOND, Ring, wanted

START = 1_790_000_000 * SECOND


def filled(samples, keep=300.0):
    ring = Ring(keep)
    for seconds, ratio in samples:
        ring.add(START + round(seconds * SECOND), ratio)
    return ring


def test_a_full_window_gives_the_mean_of_its_samples():
    ring = filled([(15 * n, 0.2 if n < 10 else 0.6) for n in range(20)])
    assert math.isclose(ring.aggregate("mean", 300, 0.8, 15), 0.4)


def test_the_window_reaches_back_from_the_newest_sample_and_leaves_its_own_start_out():
    ring = filled([(0, 1.0), (100, 0.2), (200, 0.2), (300, 0.2)])
    assert math.isclose(ring.aggregate("mean", 300, 0.8, 100), 0.2)


def test_a_window_with_too_few_samples_has_no_verdict():
    ring = filled([(15 * n, 0.9) for n in range(15)])
    assert ring.aggregate("mean", 300, 0.8, 15) is None
    ring.add(START + 15 * 15 * SECOND, 0.9)
    assert ring.aggregate("mean", 300, 0.8, 15) is not None


def test_without_a_known_interval_the_samples_own_distance_stands_for_it():
    assert filled([(15 * n, 0.9) for n in range(6)]).aggregate("mean", 300, 0.8, None) is None
    assert filled([(15 * n, 0.9) for n in range(20)]).aggregate("mean", 300, 0.8, None) is not None


def test_one_sample_of_unknown_interval_is_no_verdict():
    assert filled([(0, 0.9)]).aggregate("mean", 300, 0.8, None) is None


def test_an_empty_ring_has_neither_newest_nor_mean():
    ring = Ring(300)
    assert ring.newest is None
    assert ring.aggregate("mean", 300, 0.8, 15) is None


def test_a_window_shorter_than_the_interval_needs_one_sample():
    assert wanted(10, 0.8, 15) == 1
    assert filled([(0, 0.7)]).aggregate("mean", 10, 0.8, 15) == 0.7


def test_a_late_sample_counts_in_the_mean_but_is_not_the_newest():
    ring = filled([(0, 0.2), (30, 0.2)])
    assert not ring.add(START + 15 * SECOND, 0.8)
    assert ring.newest == START + 30 * SECOND
    assert math.isclose(ring.aggregate("mean", 45, 0.8, 15), 0.4)


def test_a_second_sample_of_the_same_instant_replaces_the_first():
    ring = filled([(0, 0.2), (15, 0.2)])
    assert not ring.add(START + 15 * SECOND, 0.6)
    assert math.isclose(ring.aggregate("mean", 30, 0.8, 15), 0.4)


@given(
    st.lists(st.tuples(st.integers(0, 900), st.floats(0, 1)), min_size=1, max_size=80),
    st.integers(1, 300),
)
def test_any_order_of_arrival_gives_the_mean_of_what_lies_in_the_window(samples, window):
    ring = filled(samples, keep=300)
    newest = max(seconds for seconds, _ in samples)
    inside = [ratio for s, ratio in dict(samples).items() if newest - window < s]
    mean = ring.aggregate("mean", window, 0.0001, 1.0)
    assert mean is not None
    assert math.isclose(mean, math.fsum(inside) / len(inside), abs_tol=1e-12)
    assert list(ring.times) == sorted(set(ring.times))
