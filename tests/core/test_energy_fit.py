"""The line from components to the wall, and the idle floor: learnt, with their limits."""

import random

import pytest

from headroom_core.energy_fit import Fit, Shaper
from headroom_core.energy_floor import IdleFloor


def learnt(noise: float = 5.0, points: int = 400) -> Fit:
    rng, fit = random.Random(1), Fit()
    for _ in range(points):
        component = rng.uniform(60, 260)
        fit.learn(component, 90 + 1.1 * component + rng.gauss(0, noise))
    return fit


def test_a_line_is_learnt_with_the_spread_around_it() -> None:
    fit = learnt()
    found = fit.estimate(200)
    assert found is not None
    assert found.value == pytest.approx(310, abs=1)
    assert fit.slope == pytest.approx(1.1, abs=0.02)
    assert found.high - found.low == pytest.approx(2 * 1.645 * 5, rel=0.15)


def test_there_is_no_line_without_points_enough_or_load_that_changed() -> None:
    assert learnt(points=30).estimate(200) is None
    still = Fit()
    for _ in range(500):
        still.learn(100.0, 200.0)
    assert still.estimate(100) is None
    assert Shaper(still).joules(10, 1000) is None


def test_a_slow_gauge_gets_the_shape_of_the_components() -> None:
    rng = random.Random(2)
    shaper, true, found, gauged = Shaper(Fit()), 0.0, 0.0, 0.0
    for second in range(40_000):
        component = 210.0 if (second % 47) < 9 else 60.0 + rng.uniform(0, 10)
        wall = 90 + 1.1 * component
        if second % 60 == 0:
            shaper.gauge(wall, component)
            gauged = wall
        joules = shaper.joules(1, component)
        if joules is not None:
            true, found = true + wall, found + joules
    assert gauged > 0
    assert found == pytest.approx(true, rel=1e-3)


def test_the_floor_is_the_lower_end_of_what_an_idle_host_drew() -> None:
    floor = IdleFloor()
    for n in range(29):
        floor.learn(0.01, 100.0 + n)
    assert floor.watts() is None
    floor.learn(0.5, 20.0)
    floor.learn(0.02, 129.0)
    assert floor.watts() == 101.0
