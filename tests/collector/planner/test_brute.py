"""Small estates agree with brute force, and no bound is above what brute force finds."""

import numpy as np
import pytest


@pytest.mark.parametrize("seed", range(12))
def test_a_small_estate_gets_the_fewest_hosts_there_are(make_estate, checker, load, seed):
    rng = np.random.default_rng(100 + seed)
    hosts, vms = int(rng.integers(3, 9)), int(rng.integers(4, 12))
    estate = make_estate(rng, hosts, vms)
    plan = estate.plan(time_limit=0.4)
    assert checker.faults(estate.facts, plan) == []
    placed = [name for name in estate.vms if name not in plan["cannot_comply"]]
    sizes = [(h["cores"] * h["core_mhz"], h["memory_mib"]) for h in estate.hosts.values()]
    best = load("brute").fewest(
        sizes, [(estate.demand[name], estate.vms[name]["memory_mib"]) for name in placed]
    )
    assert len(plan["hosts_kept"]) == best
    assert plan["lower_bound"] <= best


def test_sixteen_vms_on_eight_hosts(make_estate, load):
    estate = make_estate(np.random.default_rng(4), 8, 16)
    plan = estate.plan(time_limit=0.5)
    placed = [name for name in estate.vms if name not in plan["cannot_comply"]]
    sizes = [(h["cores"] * h["core_mhz"], h["memory_mib"]) for h in estate.hosts.values()]
    vms = [(estate.demand[name], estate.vms[name]["memory_mib"]) for name in placed]
    assert len(plan["hosts_kept"]) == load("brute").fewest(sizes, vms)
