"""Verdicts on hosts and virtual machines from their days alone."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from headroom_collector.consolidation.machines import Machine, Place
from headroom_collector.consolidation.money.assets import Held
from headroom_collector.consolidation.money.file import prices_of
from headroom_collector.consolidation.money.quantities import Asset
from headroom_collector.consolidation.waste.findings import Thresholds
from headroom_collector.consolidation.waste.hosts import cost_of, host_findings, low_density
from headroom_collector.consolidation.waste.vms import Judge, Vm, vm_findings
from headroom_collector.consolidation.waste.waste import total

GIB = 1 << 30
PRICES = prices_of({}, "test")
FIRST = 20_000
DAY_NS = 86_400 * 1_000_000_000
COST = 200 * 8.766 * 1.5 * 0.13 + 46 * 41 + 143


def held(name, *, age=None, vms=None, cluster="web", purchased=None):
    machine = Machine(
        name=name,
        host_class="",
        ids=(1,),
        simulated=False,
        first_seen=0,
        interval_seconds=60.0,
        cores=16.0,
        cpus=32.0,
        memory_bytes=64.0 * GIB,
    )
    asset = Asset(name, cores=16.0, sockets=2.0, watts=200.0, age_years=age)
    return Held(Place("paris", cluster), machine, asset, vms, purchased, "measured")


def vm(**given):
    days = len(given.get("peak", given.get("state", [])))
    peak = np.array(given.get("peak", [np.nan] * days), float)
    state = np.array(given.get("state", [1.0] * days), float)
    return Vm(
        uuid="u",
        name=given.get("name", "vm1"),
        host=given.get("host", "a"),
        peak=peak,
        state_low=state,
        state_high=state,
        vcpus=given.get("vcpus", 2.0),
        memory=given.get("memory", 16.0 * GIB),
        resident=given.get("resident"),
    )


def hosts(*all_hosts, peaks):
    rows = {name: np.array(row, float) for name, row in peaks.items()}
    return host_findings(all_hosts, rows, FIRST, PRICES, Thresholds())


def judge(*all_hosts, idle=()):
    named = {one.name: one for one in all_hosts}
    return Judge(named, frozenset(idle), FIRST, PRICES, Thresholds())


def test_a_host_that_never_does_anything_is_idle_since_its_last_busy_day():
    (found,) = hosts(held("a", vms=3), peaks={"a": [0.3] + [0.02] * 20})
    assert (found.kind, found.since, found.at_least) == ("idle host", (FIRST + 1) * DAY_NS, False)
    assert found.evidence == (
        "busiest 5 minutes 2.0% CPU in 20 days (100% of them measured), runs 3 VMs"
    )
    assert found.cost_per_year == pytest.approx(COST)


def test_half_a_year_without_work_is_a_coma_and_began_before_the_history():
    (found,) = hosts(held("a"), peaks={"a": [0.01] * 180})
    assert (found.kind, found.at_least) == ("comatose host", True)


@pytest.mark.parametrize(
    "row",
    [
        [0.01] * 13,
        [0.01] * 20 + [0.06],
        [np.nan] * 30,
        [0.01] + [np.nan] * 28 + [0.01],
    ],
    ids=["too short", "busy today", "nothing known", "too little known"],
)
def test_without_evidence_there_is_no_verdict(row):
    assert not hosts(held("a"), peaks={"a": row})


def test_an_unknown_age_is_no_finding_and_a_known_one_says_since_when():
    old = held("b", age=6.2, purchased=date(2020, 9, 1))
    young = held("c", age=3.5, purchased=date(2023, 5, 1))
    found = hosts(held("a"), old, young, held("d", age=1.0, purchased=date(2025, 1, 1)), peaks={})
    assert [(one.name, one.kind) for one in found] == [
        ("b", "past its age"),
        ("c", "out of warranty"),
    ]
    assert found[0].evidence == "bought 2020-09-01, 6.2 years old; limit 5 years"
    assert found[0].since == 1_756_684_800 * 1_000_000_000  # 2025-09-01
    assert [one.cost_per_year for one in found] == [145.0, 145.0]


def test_support_of_an_idle_host_is_not_counted_beside_the_host():
    old = held("a", age=6.0, purchased=date(2020, 9, 1))
    found = hosts(old, peaks={"a": [0.01] * 20})
    assert {one.kind: one.counted for one in found} == {"idle host": True, "past its age": False}
    assert total(found) == pytest.approx(COST + 145)


def test_a_machine_that_is_off_holds_its_memory():
    states = [1.0] + [5.0] * 15
    (found,) = vm_findings([vm(state=states)], judge(held("a")))
    assert (found.kind, found.since) == ("VM switched off", (FIRST + 1) * DAY_NS)
    assert found.evidence.startswith("off for 15 days; 16.0 GiB stay reserved")
    assert found.cost_per_year == pytest.approx(COST / 4)


def test_a_machine_that_migrated_and_left_its_definition_behind_is_not_off():
    moved = replace(vm(peak=[0.5] * 20), state_high=np.full(20, 5.0))
    assert not vm_findings([moved], judge(held("a")))


def test_a_suspended_machine_costs_the_memory_that_it_holds():
    (found,) = vm_findings([vm(state=[3.0] * 20, resident=8.0 * GIB)], judge(held("a")))
    assert found.kind == "VM suspended"
    assert found.cost_per_year == pytest.approx(COST / 8)


def test_a_machine_is_found_once_and_by_the_worst_that_is_true():
    idle = vm(peak=[0.01] * 20, vcpus=8.0, resident=1.0 * GIB)
    (found,) = vm_findings([idle], judge(held("a")))
    assert found.kind == "idle VM"
    assert "busiest 5 minutes 1.0% of its vCPUs in 20 days" in found.evidence


def test_an_oversized_machine_is_told_which_size_is_enough():
    large = vm(peak=[0.2] * 20, vcpus=8.0, resident=3.0 * GIB)
    (found,) = vm_findings([large], judge(held("a")))
    assert found.evidence == (
        "over 20 days: 8 vCPUs, 1.6 used at most: 3 are enough;"
        " 16.0 GiB, 3.0 GiB held at most: 4.0 GiB are enough"
    )
    assert found.cost_per_year == pytest.approx(COST * 12 / 64)


def test_vcpus_alone_free_no_memory_and_so_no_known_money():
    (found,) = vm_findings([vm(peak=[0.2] * 20, vcpus=8.0)], judge(held("a")))
    assert (found.kind, found.cost_per_year) == ("oversized VM", None)


@pytest.mark.parametrize("peak", [[0.4] * 20, [0.2] * 13])
def test_a_machine_that_needs_its_size_or_is_too_young_is_left_alone(peak):
    assert not vm_findings([vm(peak=peak, vcpus=4.0)], judge(held("a")))


def test_a_machine_on_an_idle_host_is_within_the_cost_of_that_host():
    (found,) = vm_findings([vm(peak=[0.01] * 20)], judge(held("a"), idle=["a"]))
    assert not found.counted


def test_a_cluster_of_hosts_with_few_machines_is_an_indication_and_not_counted():
    crowd = [held(f"h{n}", vms=4) for n in range(6)] + [held("full", vms=9, cluster="db")]
    (found,) = low_density([*crowd, held("bare")], PRICES, Thresholds())
    assert found.evidence == "24 VMs on 6 hypervisors, 4.0 each; at 8 each 3 would be free"
    assert found.cost_per_year == pytest.approx(3 * COST)
    assert not found.counted


def test_a_cost_that_is_wholly_unknown_is_unknown():
    assert cost_of(held("a"), prices_of({"currency": "EUR"}, "test")) is None
