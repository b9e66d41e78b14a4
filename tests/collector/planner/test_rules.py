"""Rules beside the ceiling, one test each; the independent checker agrees every time."""

import pytest


def consistent(checker, estate, plan, **rule):
    assert checker.faults(estate.facts, plan, **rule) == []
    return plan


def test_memory_is_never_overcommitted(estate, checker):
    estate.host("a").host("b")
    estate.vm("one", [1], memory_mib=6000).vm("two", [1], memory_mib=6000)
    assert len(consistent(checker, estate, estate.plan())["hosts_kept"]) == 2


def test_a_vm_needs_a_host_with_as_many_cores(estate, checker):
    estate.host("small", cores=4).host("large", cores=16)
    estate.vm("wide", [10], vcpus=8, host="small")
    plan = consistent(checker, estate, estate.plan())
    assert plan["placement"] == {"wide": "large"}


@pytest.mark.parametrize("column", ["site", "cluster"])
def test_sites_and_clusters_are_borders(estate, checker, column):
    estate.host("a", **{column: "north"}).host("b", **{column: "south"})
    estate.vm("one", [1], host="a").vm("two", [1], host="b")
    assert len(consistent(checker, estate, estate.plan())["hosts_kept"]) == 2


def test_a_new_vm_goes_to_the_cluster_that_it_names(estate, checker):
    estate.host("a", cluster="north").host("b", cluster="south")
    estate.vm("one", [1], cluster="south")
    assert consistent(checker, estate, estate.plan())["placement"] == {"one": "b"}


def test_no_vm_moves_to_another_cpu_vendor_or_a_lower_level(estate, checker):
    estate.host("a", cpu_vendor="amd", cpu_level=3).host("b", cpu_vendor="intel", cpu_level=3)
    estate.host("c", cpu_vendor="amd", cpu_level=2)
    for name in "abc":
        estate.vm(f"on-{name}", [1], host=name)
    plan = consistent(checker, estate, estate.plan())
    assert plan["hosts_freed"] == ["c"]
    assert plan["placement"]["on-c"] == "a"


def test_affinity_keeps_a_group_on_one_host(estate, checker):
    estate.host("a").host("b").host("c")
    estate.vm("one", [1500], affinity="pair", host="a").vm(
        "two", [1500], affinity="pair", host="b"
    )
    estate.vm("other", [2000], host="c")
    plan = consistent(checker, estate, estate.plan())
    assert plan["placement"]["one"] == plan["placement"]["two"]
    assert len(plan["hosts_kept"]) == 2


def test_anti_affinity_keeps_a_group_apart(estate, checker):
    for name in "abc":
        estate.host(name).vm(f"on-{name}", [1], anti_affinity="quorum", host=name)
    estate.vm("free", [1], host="c")
    assert len(consistent(checker, estate, estate.plan())["hosts_kept"]) == 3


def test_a_group_that_must_be_together_and_apart_is_listed(estate):
    estate.host("a").host("b")
    for name in ("one", "two"):
        estate.vm(name, [1], affinity="x", anti_affinity="x", host="a")
    plan = estate.plan()
    assert plan["cannot_comply"] == ["one", "two"]


def test_a_pinned_vm_is_on_its_host(estate, checker):
    estate.host("a").host("b", cores=40)
    estate.vm("pinned", [1], pinned="a").vm("free", [1])
    plan = consistent(checker, estate, estate.plan())
    assert plan["placement"] == {"pinned": "a", "free": "a"}


def test_a_local_disk_holds_a_vm_where_it_is(estate, checker):
    estate.host("a").host("b", cores=40)
    estate.vm("local", [1], local=True, host="a").vm("free", [1], host="b")
    plan = consistent(checker, estate, estate.plan())
    assert plan["placement"] == {"local": "a", "free": "a"}


def test_a_licence_pool_binds_its_vms_to_its_hosts(estate, checker):
    estate.host("a").host("b", licence_pools=("oracle",)).host("c", licence_pools=("oracle",))
    estate.vm("db1", [2000], licence_pool="oracle", host="b")
    estate.vm("db2", [2000], licence_pool="oracle", host="c").vm("web", [2000], host="a")
    plan = consistent(checker, estate, estate.plan())
    assert len(plan["hosts_kept"]) == 2
    assert plan["placement"]["db1"] == plan["placement"]["db2"] != "a"


def test_a_host_in_maintenance_is_evacuated(estate, checker):
    estate.host("a", status="maintenance").host("b")
    estate.vm("one", [1], host="a")
    for mode in ("repack", "empty"):
        plan = consistent(checker, estate, estate.plan(mode=mode))
        assert plan["hosts_freed"] == ["a"]


def test_an_excluded_host_is_left_as_it_is(estate):
    estate.host("a", status="excluded").host("b")
    estate.vm("one", [9000], host="a").vm("two", [1], host="b")
    plan = estate.plan()
    assert plan["placement"] == {"one": "a", "two": "b"}
    assert plan["cannot_comply"] == []
    assert plan["lower_bound"] == len(plan["hosts_kept"]) == 2


def test_the_reserve_keeps_hosts_on_that_could_take_over(estate, checker):
    for name in "abc":
        estate.host(name).vm(f"on-{name}", [100], memory_mib=4000, host=name)
    plan = consistent(checker, estate, estate.plan(reserve=1))
    assert len(plan["hosts_kept"]) == 3
    assert len(plan["hosts_in_reserve"]) == 1
    assert len(estate.plan()["hosts_kept"]) == 2
    lost_one = sorted(estate.hosts[name]["memory_mib"] for name in plan["hosts_kept"])[:-1]
    assert sum(lost_one) >= 3 * 4000


def test_moves_are_divided_into_nights(estate):
    for name in "abcdef":
        estate.host(name).vm(f"on-{name}", [100], host=name)
    moves = estate.plan(moves_a_night=2)["moves"]
    assert [move["night"] for move in moves] == [1, 1, 2, 2, 3]


def test_overhead_of_the_hypervisor_is_counted(estate):
    estate.host("a", overhead_mhz=500).host("b", overhead_mhz=500)
    estate.vm("one", [2000]).vm("two", [2000])
    assert len(estate.plan()["hosts_kept"]) == 2


def survives(estate, plan, lost, cap=0.8):
    """Start the VMs of lost hosts again by trying every way, in plain integers; small estates only."""
    hosts, vms, demand = estate.hosts, estate.vms, estate.demand
    left = [name for name in plan["hosts_kept"] if name not in lost]
    load = {name: [0] * len(next(iter(demand.values()))) for name in left}
    free = {name: hosts[name]["memory_mib"] for name in left}
    for vm, host in plan["placement"].items():
        if host in load:
            load[host] = [a + b for a, b in zip(load[host], demand[vm], strict=True)]
            free[host] -= vms[vm]["memory_mib"]
    out = [vm for vm, host in plan["placement"].items() if host in lost]

    def place(at):
        if at == len(out):
            return True
        vm = out[at]
        for name in left:
            new = [a + b for a, b in zip(load[name], demand[vm], strict=True)]
            limit = cap * hosts[name]["cores"] * hosts[name]["core_mhz"]
            if free[name] < vms[vm]["memory_mib"] or max(new) > limit:
                continue
            old, load[name] = load[name], new
            free[name] -= vms[vm]["memory_mib"]
            if place(at + 1):
                return True
            load[name] = old
            free[name] += vms[vm]["memory_mib"]
        return False

    return place(0)


def test_a_reserve_is_room_for_whole_vms_not_for_their_sum(estate):
    for name in "abcd":
        estate.host(name)
    for name in "abc":
        estate.vm(f"on-{name}", [100], memory_mib=6000, host=name)
    plan = estate.plan(reserve=1)
    assert plan["hosts_in_reserve"] == ["d"]
    assert all(survives(estate, plan, {lost}) for lost in plan["hosts_kept"])


@pytest.mark.parametrize("reserve", [1, 2])
@pytest.mark.parametrize("seed", range(4))
def test_any_hosts_of_the_reserve_may_be_lost(make_estate, checker, seed, reserve):
    import itertools

    import numpy as np

    estate = make_estate(np.random.default_rng(seed), 8, 12, placed=True)
    plan = estate.plan(reserve=reserve)
    assert checker.faults(estate.facts, plan) == []
    if any("too few hosts" in line for line in plan["assumptions"]):
        return
    for lost in itertools.combinations(plan["hosts_kept"], reserve):
        assert survives(estate, plan, set(lost)), lost


def test_moves_are_numbered_by_nights(estate, checker):
    for name in "abcd":
        estate.host(name).vm(f"on-{name}", [10], host=name)
    plan = consistent(checker, estate, estate.plan(moves_a_night=2))
    assert [move["night"] for move in plan["moves"]] == [1, 1, 2]


def test_a_host_without_a_hypervisor_gives_its_work_away_and_takes_none(estate, checker):
    estate.host("bare", status="bare").host("hv")
    estate.vm("work", [10], host="bare", bare=True).vm("vm", [10], host="hv")
    plan = estate.plan()
    assert plan["placement"] == {"work": "hv", "vm": "hv"}
    assert plan["moves"] == [
        {"vm": "work", "from": "bare", "to": "hv", "night": 1, "virtualise": True}
    ]


def test_a_host_keeps_to_its_own_ceiling(estate):
    estate.host("a", ceiling=0.2).host("b", ceiling=0.6)
    estate.vm("one", [1900]).vm("two", [3900]).vm("three", [2100])
    plan = estate.plan()
    assert plan["placement"] == {"one": "a", "two": "b", "three": "b"}
    assert "from 0.2 to 0.6 by host" in plan["assumptions"][0]


def test_least_energy_and_fewest_hosts_are_two_aims(estate, checker):
    estate.host("large", cores=40, memory_mib=40_000, idle_watts=500.0, max_watts=900.0)
    for name in "ab":
        estate.host(name, idle_watts=50.0, max_watts=100.0)
    for number in range(4):
        estate.vm(f"v{number}", [1800])
    fewest = consistent(checker, estate, estate.plan())
    frugal = consistent(checker, estate, estate.plan(objective="energy"))
    assert fewest["hosts_kept"] == ["large"]
    assert frugal["hosts_kept"] == ["a", "b"]
    assert frugal["savings"]["power_watts_after"] < fewest["savings"]["power_watts_after"]


def test_clusters_are_planned_alone_and_their_bounds_add_up(estate, checker):
    for site in ("north", "south"):
        for number in range(3):
            name = f"{site}{number}"
            estate.host(name, site=site).vm(f"vm-{name}", [1500], host=name)
    plan = consistent(checker, estate, estate.plan(mode="empty"))
    assert plan["lower_bound"] == len(plan["hosts_kept"]) == 4
    assert [row["lower_bound"] for row in plan["clusters"]] == [2, 2]
    stages = plan["emptying"]
    assert [stage["moves"] for stage in stages] == [1, 2]
    assert stages[1]["energy_kwh_per_year"] > stages[0]["energy_kwh_per_year"] > 0
