"""Lower bound, held against brute force on small cases."""

from itertools import product

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from headroom_collector.consolidation.bound import fewest, lower_bound

NOTHING = np.zeros((2, 0))


def grids(hosts, samples=3, top=50):
    return arrays.arrays(np.float64, (hosts, samples), elements=st.integers(0, top).map(float))


def fewest_by_brute_force(items, memory, limits, memory_limits):
    """Try every placement of the items; None where none fits."""
    best = None
    for placement in product(range(len(limits)), repeat=len(items)):
        placed = np.array(placement)
        fits = all(
            (items[placed == host].sum(axis=0) <= limits[host] + 1e-9).all()
            and memory[placed == host].sum() <= memory_limits[host] + 1e-9
            for host in set(placement)
        )
        if fits and (best is None or len(set(placement)) < best):
            best = len(set(placement))
    return best


class TestFewest:
    def test_takes_the_largest_hosts_first(self):
        assert fewest(10.0, np.array([2.0, 4.0, 8.0])) == 2

    def test_counts_a_host_that_is_full_to_the_brim_as_enough(self):
        assert fewest(0.1 + 0.2, np.array([0.3, 0.3])) == 1

    def test_needs_none_for_nothing(self):
        assert fewest(0.0, np.array([4.0])) == 0

    def test_counts_further_hosts_like_the_largest_beyond_what_is_there(self):
        assert fewest(13.0, np.array([4.0, 2.0])) == 2 + 2

    def test_never_uses_a_host_without_capacity(self):
        assert fewest(5.0, np.array([0.0, 4.0, 4.0])) == 2

    def test_refuses_hosts_that_can_carry_nothing(self):
        with pytest.raises(ValueError, match="no host has a limit above 0"):
            fewest(1.0, np.array([0.0, 0.0]))


class TestLowerBound:
    @settings(deadline=None)
    @given(
        items=grids(5, top=20),
        memory=arrays.arrays(np.float64, 5, elements=st.integers(0, 10).map(float)),
        limits=arrays.arrays(np.float64, 3, elements=st.integers(15, 60).map(float)),
        memory_limits=arrays.arrays(np.float64, 3, elements=st.integers(10, 30).map(float)),
    )
    def test_is_never_above_what_a_packing_needs(self, items, memory, limits, memory_limits):
        packed = fewest_by_brute_force(items, memory, limits, memory_limits)
        assume(packed is not None)
        needed = lower_bound(items, limits, memory[:, None], memory_limits)
        assert needed is not None
        assert needed.hosts <= packed

    @settings(deadline=None)
    @given(items=grids(4), low=st.floats(0.05, 1.0), high=st.floats(0.05, 1.0))
    def test_never_falls_when_the_ceiling_falls(self, items, low, high):
        low, high = sorted((low, high))
        capacity = np.array([64.0, 32.0, 32.0, 16.0])
        strict = lower_bound(items, low * capacity, NOTHING, capacity)
        loose = lower_bound(items, high * capacity, NOTHING, capacity)
        assert strict is not None
        assert loose is not None
        assert strict.hosts >= loose.hosts

    @settings(deadline=None)
    @given(hosts=st.integers(1, 40), cores=st.integers(1, 128), ceiling=st.floats(0.05, 1.0))
    def test_is_every_host_when_all_are_at_the_ceiling(self, hosts, cores, ceiling):
        limits = np.full(hosts, ceiling * cores)
        found = lower_bound(np.repeat(limits[:, None], 3, axis=1), limits, NOTHING, limits)
        assert found is not None
        assert (found.hosts, found.beyond) == (hosts, False)

    def test_adds_up_what_is_needed_at_the_same_moment_and_no_peaks(self):
        taking_turns = np.array([[8.0, 0.0], [0.0, 8.0]])
        found = lower_bound(taking_turns, np.array([8.0, 8.0]), NOTHING, np.array([1.0, 1.0]))
        assert found is not None
        assert found.hosts == 1

    def test_says_which_resource_binds(self):
        found = lower_bound(
            np.array([[1.0], [1.0]]),
            np.array([8.0, 8.0]),
            np.array([[9.0], [9.0]]),
            np.array([9.0, 9.0]),
        )
        assert found is not None
        assert (found.hosts, found.cpu, found.memory, found.binding) == (2, 1, 2, "memory")

    def test_says_when_the_hosts_do_not_suffice(self):
        found = lower_bound(np.array([[9.0], [9.0]]), np.array([4.0, 4.0]), NOTHING, np.ones(2))
        assert found is not None
        assert (found.hosts, found.beyond) == (5, True)

    def test_needs_one_host_for_any_demand_at_all(self):
        found = lower_bound(np.array([[1e-6]]), np.array([4.0]), np.zeros((1, 0)), np.ones(1))
        assert found is not None
        assert found.hosts == 1

    def test_says_nothing_where_nothing_is_known(self):
        assert lower_bound(NOTHING, np.ones(2), NOTHING, np.ones(2)) is None
