"""Emptying in place: few moves, each of them safe, and a curve of hosts freed by moves."""

import numpy as np
import pytest


def test_hosts_with_few_vms_are_emptied_first(estate, checker):
    for name in "abc":
        estate.host(name)
    estate.vm("only", [100], host="a")
    for at in range(4):
        estate.vm(f"b{at}", [900], host="b").vm(f"c{at}", [900], host="c")
    plan = estate.plan(mode="empty")
    assert plan["hosts_freed"] == ["a"]
    assert len(plan["moves"]) == 1
    assert plan["freed_after_moves"] == [[1, 1]]
    assert checker.faults(estate.facts, plan) == []


@pytest.mark.parametrize("seed", range(4))
def test_emptying_moves_no_more_vms_than_it_must(make_estate, checker, seed):
    estate = make_estate(np.random.default_rng(seed), 12, 30, placed=True)
    plan = estate.plan(mode="empty")
    repacked = estate.plan(mode="repack", time_limit=0.2)
    assert checker.faults(estate.facts, plan) == []
    assert len(plan["moves"]) <= len(repacked["moves"])
    freed = [point[0] for point in plan["freed_after_moves"]]
    assert freed == list(range(1, len(freed) + 1))


def test_a_host_above_the_ceiling_is_relieved(estate, checker):
    estate.host("hot").host("cool")
    for at in range(5):
        estate.vm(f"v{at}", [1000], host="hot")
    plan = estate.plan(mode="empty")
    assert checker.faults(estate.facts, plan) == []
    assert plan["cannot_comply"] == []
    assert len(plan["moves"]) == 1


def test_what_is_too_much_for_all_hosts_is_listed(estate, checker):
    estate.host("hot").host("full")
    for at in range(6):
        estate.vm(f"v{at}", [1500], host="hot")
    estate.vm("other", [4000], host="full")
    for mode in ("empty", "repack"):
        plan = estate.plan(mode=mode)
        assert plan["cannot_comply"]
        assert checker.faults(estate.facts, plan) == []
