"""Stretches of days: how long something holds, and how much of that is known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headroom_collector.consolidation.waste.days import Stretch, below, stretch

GAP = float("nan")


@pytest.mark.parametrize(
    ("holds", "found"),
    [
        ([1, 1, 1], Stretch(0, 3, 3, at_least=True)),
        ([0, 1, 1], Stretch(1, 2, 2, at_least=False)),
        ([0, GAP, 1, GAP], Stretch(2, 2, 1, at_least=False)),
        ([GAP, GAP, 1, 1], Stretch(2, 2, 2, at_least=True)),
        ([1, 1, 0], Stretch(3, 0, 0, at_least=False)),
        ([1, 0, GAP], Stretch(3, 0, 0, at_least=False)),
        ([GAP, GAP], Stretch(2, 0, 0, at_least=False)),
        ([], Stretch(0, 0, 0, at_least=False)),
    ],
)
def test_a_stretch_goes_back_to_the_last_known_exception(holds, found):
    assert stretch(np.array(holds, float)) == found


@given(st.lists(st.sampled_from([0.0, 1.0, GAP]), max_size=30))
def test_a_stretch_has_no_exception_in_it_and_begins_with_a_known_day(holds):
    row = np.array(holds, float)
    found = stretch(row)
    inside = row[found.first :]
    assert not (inside == 0).any()
    assert found.known == int((inside == 1).sum())
    assert found.length == 0 or row[found.first] == 1
    assert 0 <= found.share <= 1


def test_an_unknown_peak_is_neither_below_nor_above():
    assert below(np.array([0.01, GAP, 0.2]), 0.05) == pytest.approx([1, GAP, 0], nan_ok=True)
