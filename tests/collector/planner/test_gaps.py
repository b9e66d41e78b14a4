"""Gaps are unknown, never zero."""

import numpy as np

from headroom_collector.consolidation.planner.gaps import fill

DAY = 288


def test_a_gap_is_filled_with_the_same_hours_percentile():
    demand = np.full((1, 3 * DAY), 10, dtype=np.int16)
    demand[0, [12, DAY + 12]] = 500
    demand[0, 2 * DAY + 12 : 2 * DAY + 24] = -1
    filled, known = fill(demand, start=0)
    assert set(filled[0, 2 * DAY + 12 : 2 * DAY + 24].tolist()) == {500}
    assert known[0] == 1 - 12 / (3 * DAY)


def test_an_hour_that_was_never_seen_gets_the_percentile_of_all():
    demand = np.full((1, DAY), 70, dtype=np.int32)
    demand[0, 24:36] = -1
    filled, _ = fill(demand, start=0)
    assert (filled == 70).all()


def test_a_vm_without_any_sample_is_known_to_no_part():
    filled, known = fill(np.full((2, 10), -1, dtype=np.int16), start=0)
    assert known.tolist() == [0, 0]
    assert (filled == 0).all()


def test_zero_is_a_measured_value():
    demand = np.zeros((1, DAY), dtype=np.int16)
    filled, known = fill(demand, start=0)
    assert (filled == 0).all()
    assert known[0] == 1
