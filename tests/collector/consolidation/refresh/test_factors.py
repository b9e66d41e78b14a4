"""The three factors: what each takes off, and that they multiply to the answer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headroom_collector.consolidation.refresh.factors import Counts, Factors, count


def test_each_factor_changes_the_count_in_turn():
    assert count(1000, Factors(5.0, 4.0, 1.5)) == Counts(
        same_use=200, filled=50, packed=75, kept=375
    )


def test_rounding_never_adds_a_host():
    assert count(1000, Factors(1 / 0.3, 1.0, 1.0)).same_use == 300


@given(
    st.integers(1, 100_000),
    st.floats(0.5, 100),
    st.floats(1, 40),
    st.floats(1, 5),
)
def test_the_loss_only_adds_hosts_and_nothing_is_kept_that_was_not_there(old, ratio, gain, loss):
    found = count(old, Factors(ratio, gain, loss))
    assert found.filled <= found.packed
    assert found.filled <= found.same_use
    assert 1 <= found.kept <= old


@pytest.mark.parametrize("wrong", [(0, 1, 1), (1, 0, 1), (1, 1, 0.9)])
def test_factors_that_cannot_be_are_refused(wrong):
    with pytest.raises(ValueError, match="expected"):
        Factors(*wrong)
