"""Real traces: known results hold; skipped, with the reason, where the traces are not there."""

import time

import pytest

from headroom_collector.bench import plan as bench
from headroom_collector.bench import traces
from headroom_collector.consolidation.planner.model import Options
from headroom_collector.consolidation.planner.plan import plan
from headroom_collector.consolidation.planner.report import as_object


@pytest.fixture(scope="module")
def data():
    """Return the folder of traces."""
    folder = bench.data_folder()
    if not (folder / "planetlab").is_dir():
        pytest.skip(f"no traces: name their folder in {bench.DATA}")
    return folder


def facts(problem):
    """Return a problem as the independent checker reads it."""
    return {
        "hosts": {
            host.name: {
                "host": host.name,
                "cores": host.cores,
                "core_mhz": host.core_mhz,
                "memory_mib": host.memory_mib,
            }
            for host in problem.hosts
        },
        "vms": {
            vm.name: {"vm": vm.name, "vcpus": vm.vcpus, "memory_mib": vm.memory_mib}
            for vm in problem.vms
        },
        "demand": {
            vm.name: row for vm, row in zip(problem.vms, problem.demand.tolist(), strict=True)
        },
    }


@pytest.mark.parametrize(("rule", "hosts"), [("all", 321), ("p99", 327), ("p95", 329)])
def test_where_memory_binds_the_plan_is_proven_best(data, checker, rule, hosts):
    problem = traces.planetlab(data, "20110303", 4096)
    quantile = bench.QUANTILES[rule]
    options = Options(quantile=quantile, time_limit=20)
    found = as_object(plan(problem, options, clock=time.process_time))
    assert found["lower_bound"] == len(found["hosts_kept"]) == hosts
    assert checker.faults(facts(problem), found, quantile=quantile) == []


def test_where_bursts_bind_the_plan_is_near_the_best_known(data, checker):
    problem = traces.planetlab(data, "20110303", 16384)
    found = as_object(plan(problem, Options(time_limit=1.5), clock=time.process_time))
    assert found["lower_bound"] == 95
    assert len(found["cannot_comply"]) == 31
    assert len(found["hosts_kept"]) <= 135
    assert checker.faults(facts(problem), found) == []


def test_a_plan_of_another_days_data_is_no_worse_than_best_fit(data):
    problem = traces.planetlab(data, "20110306", 16384)
    quick = plan(problem, Options(time_limit=0))
    assert len(plan(problem, Options(time_limit=1)).kept) <= len(quick.kept)
    assert not quick.violations


def test_the_benchmark_says_what_it_skips(monkeypatch, tmp_path):
    monkeypatch.setenv(bench.DATA, str(tmp_path))
    (figure,) = bench.figures(short=True)
    assert figure.metric == "skipped"
    assert bench.DATA in figure.skipped["traces"]


def test_every_case_has_a_name_of_its_own():
    names = [case.name for case in bench.cases()]
    assert len(set(names)) == len(names) == 40
    assert {"fleet-1000", "fleet-8000x30d", "fleet-100000x7d", "empty-in-place"} <= set(names)


def test_a_folder_of_traces_is_read_back_as_it_was_written(data, tmp_path):
    from headroom_collector.consolidation.planner.folder import read_folder

    assert traces.main([str(data), "20110303", "4", str(tmp_path / "estate")]) == 0
    found = read_folder(tmp_path / "estate")
    wanted = traces.planetlab(data, "20110303", 4096)
    assert (found.demand == wanted.demand).all()
    assert (found.hosts, found.vms) == (wanted.hosts, wanted.vms)
    assert traces.main(["x"]) == 2
