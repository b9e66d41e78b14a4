"""Live plans: the estate out of the real store, planned in a child, kept, compared, stored as samples."""

import asyncio
import csv
from dataclasses import dataclass, field
from functools import partial

import pyarrow.parquet as pq
import pytest
from rigs.past import Past
from rigs.samples import HandClock, values

from headroom_collector.config import StoreSettings
from headroom_collector.consolidation.live.book import MIGRATIONS, PlanBook, mode_of, packing_of
from headroom_collector.consolidation.live.compare import compare, since
from headroom_collector.consolidation.live.runner import (
    BusyError,
    PlanRunner,
    Surroundings,
    Wish,
)
from headroom_collector.consolidation.live.samples import PlanSamples
from headroom_collector.consolidation.live.write import Scope, write_estate
from headroom_collector.consolidation.money.file import load_prices
from headroom_collector.consolidation.planner.folder import Memory, read_folder
from headroom_collector.consolidation.planner.model import Options, PlanError
from headroom_collector.store.api import Rows, StoreBatch, Thing
from headroom_collector.store.engine import open_store
from headroom_collector.store.producer import OwnProducer
from headroom_core.ceiling import Ceiling
from headroom_core.estate import Member, Placement, Status

GIB = 1 << 30
NOW = 1_790_000_000 * 1_000_000_000 // (300 * 10**9) * (300 * 10**9)


@dataclass
class Places:
    """Every host in one cluster, but for those that the test says."""

    status: dict = field(default_factory=dict)

    def member(self, host):
        placement = Placement("paris", "web", assigned=True)
        return Member(host, placement, self.status.get(host, Status.PRESENT))


@pytest.fixture
def past(tmp_path):
    clock = HandClock(NOW)
    settings = StoreSettings(group_window_seconds=0.001)
    store = open_store(tmp_path / "store", settings, MIGRATIONS, clock)
    yield Past(store, clock)
    store.close()


def fill(past, *, days=30, hosts=4, ratio=0.0625):
    """Four hypervisors with two small VMs each, and one bare host; all use little."""
    for number in range(hosts):
        name, uuids = f"hv{number}", [f"u{number}a", f"u{number}b"]
        facts = {"base_hertz": 2e9, "hypervisor": "QEMU", "cpu_vendor": "GenuineIntel"}
        past.host(name, vms=uuids, facts=facts, domains_running=2, cpus=32)
        past.past("host", name, days=days, step=12, cpu_utilisation_ratio_mean=ratio)
        for uuid in uuids:
            sizes = {"vcpus_max": 4, "memory_max_bytes_max": 4 * GIB}
            used = {"cpu_utilisation_ratio_mean": 0.25, "memory_resident_bytes_max": GIB}
            past.past("vm", name, uuid, days=days, step=12, **sizes, **used)
    past.host("bare", facts={"base_hertz": 2e9})
    past.past(
        "host",
        "bare",
        days=days,
        step=12,
        cpu_utilisation_ratio_mean=0.05,
        memory_used_bytes_max=2 * GIB,
    )


def written(past, folder, scope=None, estate=None, data=None):
    ceiling = Ceiling(0.4)
    found = write_estate(
        past.store, estate or Places(), ceiling, data or folder, scope or Scope(), NOW, folder
    )
    return found, read_folder(folder)


def test_the_store_is_written_as_a_folder_that_the_planner_reads(past, tmp_path):
    fill(past, ratio=0.1)
    found, problem = written(past, tmp_path / "estate")
    assert (found.hosts, found.vms) == (5, 8)
    host = next(one for one in problem.hosts if one.name == "hv0")
    assert (host.capacity_mhz, host.memory_mib, host.ceiling) == (32_000, 64 * 1024, 0.4)
    vm = next(one for one in problem.vms if one.name == "vm-u0a")
    assert (vm.vcpus, vm.memory_mib, problem.hosts[vm.host].name) == (4, 4096, "hv0")
    # A quarter of 4 vCPUs is one of 32 logical CPUs: a thirty-second of 16 cores x 2,000 MHz.
    row = problem.demand[[one.name for one in problem.vms].index("vm-u0a")]
    assert set(row.tolist()) == {1000}
    # The host used a tenth of 32,000 MHz, its two VMs 2,000 of that: the rest is its own.
    assert host.overhead_mhz == 1200
    assert any("hypervisors' own use measured on 4 hosts" in note for note in problem.notes)


def test_a_bare_host_is_a_candidate_and_takes_nobody_in(past, tmp_path):
    fill(past)
    _, problem = written(past, tmp_path / "estate")
    bare = next(one for one in problem.hosts if one.name == "bare")
    workload = next(one for one in problem.vms if one.bare)
    assert (bare.status, workload.name, workload.memory_mib) == ("bare", "bare (host)", 2560)
    assert workload.vcpus == 1


def test_memory_as_consumed_is_an_option(past, tmp_path):
    fill(past)
    write_estate(past.store, Places(), Ceiling(0.4), tmp_path, Scope(), NOW, tmp_path / "e")
    problem = read_folder(tmp_path / "e", Memory("consumed", 0.5))
    assert {vm.memory_mib for vm in problem.vms if not vm.bare} == {1536}
    assert "consumed" in problem.memory_basis


def test_the_operators_tables_add_what_no_agent_sees(past, tmp_path):
    fill(past)
    (tmp_path / "plan-vms.csv").write_text(
        "vm,affinity,pinned\nvm-u0*,pair,\nvm-u1a,,hv1\nno,x,\n"
    )
    (tmp_path / "plan-hosts.csv").write_text("host,status,licence_pools\nhv3,excluded,oracle\n")
    found, problem = written(past, tmp_path / "estate", data=tmp_path)
    assert {vm.affinity for vm in problem.vms if vm.name.startswith("vm-u0")} == {"pair"}
    assert next(vm for vm in problem.vms if vm.name == "vm-u1a").pinned == "hv1"
    host = next(one for one in problem.hosts if one.name == "hv3")
    assert (host.status, host.licence_pools) == ("excluded", frozenset({"oracle"}))
    assert found.notes == ("'no' of the operator's tables matches nothing",)


def test_a_misspelt_column_of_the_operators_tables_is_one_line(past, tmp_path):
    fill(past)
    (tmp_path / "plan-vms.csv").write_text("vm,afinity\nx,y\n")
    with pytest.raises(PlanError, match="did you mean affinity"):
        written(past, tmp_path / "estate", data=tmp_path)


def test_maintenance_evacuates_and_a_scope_without_hosts_says_so(past, tmp_path):
    fill(past)
    _, problem = written(
        past, tmp_path / "a", estate=Places({"hv2": Status.MAINTENANCE}), scope=Scope("paris")
    )
    assert next(one for one in problem.hosts if one.name == "hv2").status == "maintenance"
    with pytest.raises(PlanError, match="no host has reported"):
        written(past, tmp_path / "b", scope=Scope("nowhere"))


def test_a_vm_that_migrated_is_one_vm_on_its_newest_host(past, tmp_path):
    fill(past, hosts=2)
    past.clock.time += 60 * 10**9
    past.host("hv9", vms=["u0a"], facts={"base_hertz": 2e9, "hypervisor": "QEMU"}, cpus=32)
    past.past("host", "hv9", days=1, step=12, cpu_utilisation_ratio_mean=0.01)
    ids = [(vm.name, vm.host) for vm in written(past, tmp_path / "e")[1].vms]
    names = [one.name for one in written(past, tmp_path / "e")[1].hosts]
    assert [names[host] for name, host in ids if name == "vm-u0a"] == ["hv9"]


def test_series_go_out_a_few_hours_at_a_time(past, tmp_path):
    fill(past, days=2)
    written(past, tmp_path / "e")
    file = pq.ParquetFile(tmp_path / "e" / "demand.parquet")
    assert file.num_row_groups == 8
    with (tmp_path / "e" / "hosts.csv").open() as lines:
        assert [row["bare"] for row in csv.DictReader(lines)] == ["yes", "no", "no", "no", "no"]


def runner(past, folder, **options):
    around = Surroundings(past.store, Places(), Ceiling(0.4), partial(load_prices, None), folder)
    ids = iter("abcdef")
    return PlanRunner(around, PlanBook(past.store), past.clock, lambda: next(ids), **options)


def wish(**options):
    asked = {"time_limit": 0.5, "holdout": False} | options
    return Wish(Options(**asked), Scope(), Memory(), asked)


def run(past, folder, *wishes, **options):
    """Run plans one after the other and return them as they are kept."""
    made = runner(past, folder, **options)

    async def work():
        for one in wishes:
            await made.start(one)
            await made._task

    asyncio.run(work())
    return [PlanBook(past.store).get(one.id) for one in reversed(PlanBook(past.store).list())]


def test_a_live_plan_gives_moves_a_bound_money_and_confidence(past, tmp_path):
    fill(past)
    (kept,) = run(past, tmp_path, wish(curve=True))
    assert kept.state == "finished"
    plan = kept.result
    assert len(plan["hosts_kept"]) == plan["lower_bound"] == 1
    assert plan["violations"] == []
    assert any(move.get("virtualise") for move in plan["moves"])
    assert plan["confidence"]["power_off_recommended"] is False  # an hour in twelve is known
    assert plan["savings"]["money_per_year_total"] > 0
    assert [one["years"] for one in plan["savings"]["tco"]] == [3, 5, 7]
    assert len(plan["ceiling_curve"]) == 7
    assert kept.summary["hosts_freed"] == 4
    assert not (tmp_path / "plans" / kept.id).exists()


def test_a_short_history_gives_moves_and_no_advice_to_power_off(past, tmp_path):
    fill(past, days=3)
    (kept,) = run(past, tmp_path, wish())
    assert kept.result["moves"]
    sure = kept.result["confidence"]
    assert sure["power_off_recommended"] is False
    assert any("at least 21 are needed" in reason for reason in sure["reasons"])


def test_only_one_plan_runs_and_it_can_be_stopped(past, tmp_path):
    fill(past)
    made = runner(past, tmp_path)

    async def work():
        first = await made.start(wish(time_limit=300))
        with pytest.raises(BusyError, match="is running"):
            await made.start(wish())
        assert made.stop(first)
        assert not made.stop("other")
        await made._task

    asyncio.run(work())
    assert [one.state for one in PlanBook(past.store).list()] == ["finished"]


def test_too_little_memory_fails_in_one_line_and_is_kept(past, tmp_path):
    fill(past, days=2)
    (kept,) = run(past, tmp_path, wish(), memory_bytes=50 << 20)
    assert kept.state == "failed"
    assert "\n" not in kept.summary["error"]


def test_plans_are_compared_with_each_other_and_with_what_happened(past, tmp_path):
    fill(past)
    one, other = run(past, tmp_path, wish(), wish(mode="empty", reserve=1))
    found = compare(one, other)
    assert found.difference["hosts_kept"] == 1
    assert found.asked["mode"] == (None, "empty")
    past.clock.time += 86_400 * 10**9
    later = since(past.store, Places({"hv1": Status.RETIRED}), one, past.clock.time)
    assert later.days == pytest.approx(1, abs=0.01)
    assert later.kwh_measured is None
    assert "no energy of these hosts is known since the plan" in later.notes
    assert "hv1" in later.freed_now or "hv1" in one.result["hosts_kept"]


def test_plans_and_ceilings_are_stored_as_samples(past, tmp_path):
    fill(past)
    run(past, tmp_path, wish(curve=True), wish(mode="empty"))
    store = past.store
    producer = OwnProducer(store, past.clock, lambda count: b"p" * count)
    made = PlanSamples(store, PlanBook(store), producer, Places(), past.clock)
    asyncio.run(made.once())
    rows = store.query(
        "SELECT t.labels->>'mode' AS mode, s.hosts_kept, s.hosts_needed, s.hosts_freed_now"
        " FROM plan_sample s JOIN things t ON t.id = s.thing_id ORDER BY 1"
    ).to_pylist()
    assert [(row["mode"], row["hosts_kept"], row["hosts_freed_now"]) for row in rows] == [
        ("empty", 1, 0),
        ("repack", 1, 0),
    ]
    ceilings = store.query(
        "SELECT t.labels->>'ceiling' AS ceiling, s.hosts_needed, s.hosts_kept"
        " FROM ceiling_sample s JOIN things t ON t.id = s.thing_id ORDER BY 1"
    ).to_pylist()
    assert [row["ceiling"] for row in ceilings][:2] == ["0.30", "0.40"]
    assert all(row["hosts_needed"] <= row["hosts_kept"] for row in ceilings)


def test_a_plan_that_was_cut_off_is_no_longer_running(past):
    book = PlanBook(past.store)
    book.begin("x", NOW, {"mode": "repack", "objective": "energy"}).result(30)
    book.interrupt(NOW + 1).result(30)
    (kept,) = book.list()
    assert (kept.state, mode_of(kept.asked)) == ("interrupted", "energy")


def test_what_packing_costs_is_taken_from_the_estates_own_newest_plan(past, tmp_path):
    fill(past)
    assert packing_of([]).likely == 1.39
    run(past, tmp_path, wish(), wish(mode="empty"))
    found = packing_of(PlanBook(past.store).list())
    assert (found.likely, found.high) == (1.0, 1.0)
    assert found.source.startswith("as plan a of this estate")


def reported(past, name, times, **known):
    """Let a host report at these times (UTC nanoseconds), a sample each ten seconds, with one VM."""
    facts = {"base_hertz": 2e9, "hypervisor": "QEMU", "cores": 16, "threads": 32}
    vm = Thing("u" + name, {"uuid": "u" + name, "vm": "vm-" + name})
    for seq, time in enumerate(times, 1):
        own = values("host", cpu_utilisation_ratio=None if seq == 1 else 0.1, cpus=32)
        guest = values("vm", cpu_utilisation_ratio=0.25, vcpus=4)
        rows = [Rows("host", [(time, Thing(), own)])]
        if known.get("vms", True):
            rows.append(Rows("vm", [(time, vm, guest)]))
        past.store.append(
            StoreBatch(
                host=name,
                epoch=name.encode().ljust(16, b"\0"),
                seq=seq,
                crc32=0,
                received=time,
                rows=rows,
                facts=facts | {"memory_bytes": 64 << 30, "sockets": 2},
                interval_seconds=10.0,
            )
        ).result(30)


SECOND = 10**9
BUCKET = 300 * SECOND


def test_hosts_with_a_newer_interval_than_the_vms_are_planned(past, tmp_path):
    fill(past, hosts=2, days=1)
    past.clock.time = NOW
    # Longer than half an interval, so that it counts; hosts before it in the alphabet have none.
    times = [NOW - one * 10 * SECOND for one in range(30, 0, -1)]
    reported(past, "late", times, vms=False)
    reported(past, "aaa", times, vms=False)
    _, problem = written(past, tmp_path / "estate")
    assert problem.demand.shape[1] == 277  # as long as the VMs are known, not the hosts
    # What "aaa" used after the grid's end is not taken for the use of the next host's first minutes.
    bare = next(row for vm, row in zip(problem.vms, problem.demand, strict=True) if vm.bare)
    assert set(bare.tolist()) == {1600}


def test_a_first_start_is_planned_after_two_samples(past, tmp_path):
    reported(past, "new", [NOW - one * SECOND for one in (50, 40, 30, 20, 10)])
    found, problem = written(past, tmp_path / "estate")
    assert found.rows == 2
    assert [vm.name for vm in problem.vms] == ["vm-new"]


def test_a_new_host_is_planned_beside_the_history_of_others(past, tmp_path):
    fill(past, hosts=1)
    reported(past, "new", [NOW - one * SECOND for one in (50, 40, 30, 20, 10)])
    gone = Places({"hv0": Status.RETIRED, "bare": Status.RETIRED})
    _, problem = written(past, tmp_path / "estate", estate=gone)
    assert [vm.name for vm in problem.vms] == ["vm-new"]


def test_the_first_sample_alone_says_what_is_missing(past, tmp_path):
    reported(past, "new", [NOW - 5 * SECOND])
    with pytest.raises(PlanError, match="second sample"):
        written(past, tmp_path / "estate")
