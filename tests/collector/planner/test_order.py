"""Order of moves: replayed one by one by the independent checker."""

import numpy as np
import pytest

from headroom_collector.consolidation.planner.model import Options
from headroom_collector.consolidation.planner.order import ordered
from headroom_collector.consolidation.planner.task import task_of


def steps_of(estate, wanted):
    problem = estate.problem()
    names, vms = list(estate.hosts), list(estate.vms)
    target = np.array([names.index(wanted[vm]) for vm in vms])
    found = ordered(task_of(problem, Options(), {}), target)
    steps = [(vms[s.item], names[s.source], names[s.target]) for s in found.steps]
    return steps, [vms[item] for item in found.stayed]


@pytest.fixture
def full(estate):
    """Two hosts that are full, so that their VMs can only change places over a third host."""
    estate.host("a").host("b")
    estate.vm("one", [4000], host="a").vm("two", [4000], host="b")
    return estate


def test_a_circle_goes_by_way_of_a_spare_host(full):
    full.host("spare")
    steps, stayed = steps_of(full, {"one": "b", "two": "a"})
    assert len(steps) == 3
    assert stayed == []
    assert {step[2] for step in steps} == {"a", "b", "spare"}


def test_a_circle_without_a_spare_host_is_not_done(full):
    steps, stayed = steps_of(full, {"one": "b", "two": "a"})
    assert steps == []
    assert stayed == ["one", "two"]


def test_a_move_waits_for_the_room_that_another_leaves(full):
    full.host("c")
    steps, stayed = steps_of(full, {"one": "b", "two": "c"})
    assert steps == [("two", "b", "c"), ("one", "a", "b")]
    assert stayed == []


@pytest.mark.parametrize("seed", range(4))
def test_a_plan_for_a_full_estate_is_replayed_without_a_fault(make_estate, checker, seed):
    estate = make_estate(np.random.default_rng(seed), 12, 60, placed=True)
    plan = estate.plan(time_limit=0.3)
    assert plan["moves"]
    assert checker.replay_faults(estate.facts, plan) == []


def test_groups_stay_where_most_of_them_is(estate):
    for name in "abcd":
        estate.host(name)
    for at in range(4):
        estate.vm(f"heavy{at}", [3000], host="abcd"[at])
        estate.vm(f"light{at}", [1000], host="abcd"[at])
    assert estate.plan()["moves"] == []
