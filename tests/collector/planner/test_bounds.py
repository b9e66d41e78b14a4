"""Lower bounds: exact, certified, and never above a known plan."""

from fractions import Fraction
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom_collector.consolidation.planner.bounds import fewest, lower_bound
from headroom_collector.consolidation.planner.certificate import certified
from headroom_collector.consolidation.planner.model import Options
from headroom_collector.consolidation.planner.task import task_of


def verified(found):
    """Prove a certificate again in Python's integers; returns the bound that it proves."""

    @cache
    def heaviest(left, at):
        if at == len(found.sizes):
            return 0
        size, weight = found.sizes[at], found.weights[at]
        most = left // size
        return max(n * weight + heaviest(left - n * size, at + 1) for n in range(most + 1))

    assert heaviest(found.capacity, 0) <= found.unit
    total = sum(w * n for w, n in zip(found.weights, found.counts, strict=True))
    return -(-Fraction(total, found.unit).__ceil__() // 1)


def test_memory_in_whole_vms_proves_more_than_its_volume():
    sizes = np.repeat([870, 1740, 613], [232, 526, 263])
    found = certified(sizes, 4096, "memory", patterns=True)
    assert found is not None
    assert found.hosts == 321
    assert verified(found) == 321
    assert fewest(int(sizes.sum()), np.full(800, 4096)) == 313


def test_items_above_half_a_host_need_one_each():
    found = certified(np.full(7, 51), 100, "CPU", 0, patterns=False)
    assert found is not None
    assert verified(found) == found.hosts == 7


@given(
    st.lists(st.integers(1, 60), min_size=1, max_size=8),
    st.integers(60, 100),
    st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_every_certificate_is_verified_and_below_first_fit(items, capacity, patterns):
    found = certified(np.array(items), capacity, "memory", patterns=patterns)
    assert found is not None
    bins: list[int] = []
    for item in sorted(items, reverse=True):
        at = next((n for n, load in enumerate(bins) if load + item <= capacity), None)
        if at is None:
            bins.append(item)
        else:
            bins[at] += item
    assert -(-sum(items) // capacity) <= verified(found) + 1
    assert verified(found) == found.hosts <= len(bins)


def test_the_volume_bound_adds_up_each_moment(estate):
    for at in range(10):
        estate.host(f"h{at}")
    for at in range(10):
        estate.vm(f"v{at}", [3000 if at < 5 else 0, 3000 if at >= 5 else 0])
    bound = lower_bound(task_of(estate.problem(), Options(), {}))
    assert bound.hosts == 5
    assert bound.certificate is not None


def test_late_samples_lower_the_bound_but_only_to_the_hard_cap(estate):
    for at in range(10):
        estate.host(f"h{at}")
    for at in range(10):
        estate.vm(f"v{at}", [2000] + [100] * 19)
    assert lower_bound(task_of(estate.problem(), Options(), {})).hosts == 5
    relaxed = Options(quantile=0.95)
    assert lower_bound(task_of(estate.problem(), relaxed, {})).hosts == 2
    capped = Options(quantile=0.95, hard_cap=0.5)
    assert lower_bound(task_of(estate.problem(), capped, {})).hosts == 4


@pytest.mark.parametrize("quantile", [1.0, 0.8, 0.5])
def test_no_bound_is_above_a_plan(make_estate, checker, quantile):
    for seed in range(8):
        estate = make_estate(np.random.default_rng(seed), 8, 20, samples=10)
        plan = estate.plan(quantile=quantile, time_limit=0.1)
        assert checker.faults(estate.facts, plan, quantile=quantile) == []


def test_hosts_of_vms_that_cannot_move_are_in_the_bound(estate):
    for at in range(4):
        estate.host(f"h{at}").vm(f"v{at}", [9000], host=f"h{at}")
    plan = estate.plan()
    assert plan["lower_bound"] == 4
    assert len(plan["hosts_kept"]) == 4
