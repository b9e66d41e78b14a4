"""When the cycles come, and how long a failing connection is waited for."""

from itertools import pairwise

import pytest

from headroom_agent.agent import Ticks
from headroom_agent.backoff import Backoff
from headroom_agent.logs import quote


def test_the_second_cycle_comes_early_and_the_rest_on_a_grid() -> None:
    ticks = Ticks(start=100.0, interval=10.0)
    assert ticks.after(100.0) == 101.0
    assert ticks.after(101.0) == 110.0
    assert ticks.after(110.0) == 120.0


def test_cycles_that_were_missed_are_left_out() -> None:
    assert Ticks(start=100.0, interval=10.0).after(147.2) == 150.0


@pytest.mark.parametrize("interval", [0.1, 0.2, 0.3, 7.7])
def test_a_grid_never_stands_still(interval: float) -> None:
    ticks, now = Ticks(100.0, interval), 100.0
    times = [now := ticks.after(now) for _ in range(500)]
    steps = [after - before for before, after in pairwise(times[1:])]
    assert min(steps) > interval / 2
    assert max(steps) < 1.5 * interval


def test_waits_double_up_to_a_bound_and_are_spread() -> None:
    longest = Backoff(first=1, most=8, chance=lambda: 1.0)
    assert [longest.next() for _ in range(6)] == [1, 2, 4, 8, 8, 8]
    shortest = Backoff(first=1, most=8, chance=lambda: 0.0)
    assert [shortest.next() for _ in range(4)] == [0.5, 1, 2, 4]
    shortest.reset()
    assert shortest.next() == 0.5


def test_a_line_of_the_log_stays_one_line() -> None:
    assert quote('a "b"\nc\\') == '"a \\"b\\"\\nc\\\\"'
