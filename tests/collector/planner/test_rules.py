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
