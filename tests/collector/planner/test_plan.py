"""Plans as a whole: they comply, their moves can be replayed, and small ones are the best there is."""

import numpy as np
import pytest


def test_loads_are_added_at_each_moment_not_by_their_peaks(estate, checker):
    estate.host("a").host("b")
    estate.vm("day", [4000, 0]).vm("night", [0, 4000])
    plan = estate.plan()
    assert len(plan["hosts_kept"]) == 1
    assert plan["lower_bound"] == 1
    assert checker.faults(estate.facts, plan) == []


def test_a_sample_above_the_ceiling_is_not_allowed(estate):
    estate.host("a").host("b")
    estate.vm("one", [2001, 0]).vm("other", [2000, 0])
    assert len(estate.plan()["hosts_kept"]) == 2


def test_the_quantile_allows_a_share_of_samples_above_it(estate, checker):
    estate.host("a").host("b")
    estate.vm("one", [3000] + [100] * 19).vm("other", [3000] + [100] * 19)
    assert len(estate.plan()["hosts_kept"]) == 2
    plan = estate.plan(quantile=0.95)
    assert len(plan["hosts_kept"]) == 1
    assert checker.faults(estate.facts, plan, quantile=0.95) == []
    assert len(estate.plan(quantile=0.95, hard_cap=0.5)["hosts_kept"]) == 2


def test_a_vm_too_large_for_every_host_is_listed_and_left(estate, checker):
    estate.host("a").host("b").host("c")
    estate.vm("burst", [9000, 10], host="a").vm("fat", [1, 1], memory_mib=20_000, host="b")
    estate.vm("small", [10, 10], host="c")
    plan = estate.plan()
    assert plan["cannot_comply"] == ["burst", "fat"]
    assert plan["placement"]["burst"] == "a"
    assert plan["placement"]["fat"] == "b"
    assert plan["hosts_freed"] == ["c"]
    assert checker.faults(estate.facts, plan) == []


def test_a_host_without_capacity_carries_nothing(estate):
    estate.host("none", cores=0, core_mhz=0).host("some")
    estate.vm("one", [10])
    plan = estate.plan()
    assert plan["placement"] == {"one": "some"}


@pytest.mark.parametrize("mode", ["repack", "empty"])
@pytest.mark.parametrize("seed", range(6))
def test_random_estates_are_planned_without_a_fault(make_estate, checker, mode, seed):
    estate = make_estate(np.random.default_rng(seed), 8, 24, placed=True)
    plan = estate.plan(mode=mode, time_limit=0.3)
    assert checker.faults(estate.facts, plan) == []
    assert plan["lower_bound"] <= len(plan["hosts_kept"]) <= 8
