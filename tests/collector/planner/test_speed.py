"""Speed of CPUs: one unit for all hosts, and every plan says where it is from."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from headroom_collector.consolidation.planner.folder import Memory, read_folder
from headroom_collector.consolidation.planner.model import Options, PlanError
from headroom_collector.consolidation.planner.plan import plan
from headroom_collector.consolidation.planner.report import assumptions
from headroom_collector.consolidation.planner.speed import GENERATIONS, per_clock

START = 1_700_000_100 // 300 * 300


@pytest.fixture
def folder(estate, tmp_path):
    """Three hosts of two models; each carries a VM that uses a tenth of it."""
    for name, model, year in (("a", "old", 2012), ("b", "new", 2024), ("c", "new", 2024)):
        estate.host(name, cpu_model=model, cpu_year=year)
        estate.vm(f"on-{name}", [1000, 900], host=name)
    return estate.write(tmp_path)


def demands(problem):
    return dict(zip([vm.name for vm in problem.vms], problem.demand[:, 0].tolist(), strict=True))


def test_without_a_table_the_generation_counts(folder):
    problem = read_folder(folder)
    old, new, _ = problem.hosts
    ratio = per_clock(2012) / per_clock(2024)
    assert old.capacity_mhz / new.capacity_mhz == pytest.approx(ratio, rel=0.01)
    found = demands(problem)
    assert found["on-a"] == pytest.approx(1000 * ratio, abs=1)
    assert found["on-b"] == 1000
    assert "generation (3 of 3 hosts say their CPUs' year" in problem.speed_basis


def test_the_users_table_goes_before_the_generation_and_the_plan_says_so(folder):
    (folder / "benchmarks.csv").write_text("cpu_model,score\nold,100\nnew,250\n")
    problem = read_folder(folder)
    old, new, _ = problem.hosts
    assert old.capacity_mhz / new.capacity_mhz == pytest.approx(0.4, rel=0.01)
    assert demands(problem)["on-a"] == pytest.approx(400, abs=1)
    made = plan(problem, Options(time_limit=0.2, holdout=False))
    assert "CPU of 3 of 3 hosts compared by benchmarks.csv" in assumptions(made)


def test_a_table_with_some_models_says_how_the_others_compare(folder):
    (folder / "benchmarks.csv").write_text("cpu_model,score\nnew,250\n")
    assert "CPU of 2 of 3 hosts" in read_folder(folder).speed_basis


def test_a_score_of_nothing_is_refused_in_one_line(folder):
    (folder / "benchmarks.csv").write_text("cpu_model,score\nnew,0\n")
    with pytest.raises(PlanError, match=r"benchmarks\.csv, line 2: score is '0': expected"):
        read_folder(folder)


def test_speeds_between_the_years_of_the_table_are_between_its_speeds():
    years = [year for year, _ in GENERATIONS]
    assert per_clock(years[0] - 5) == per_clock(years[0])
    assert per_clock(years[-1] + 5) == pytest.approx(per_clock(years[-1]))
    assert per_clock(2008) < per_clock(2009) < per_clock(2010)


def test_what_whole_hosts_used_gives_the_hypervisors_own_share(estate, tmp_path):
    estate.host("a").host("bare", bare="yes")
    estate.vm("vm", [1000, 1000], host="a")
    folder = estate.write(tmp_path)
    rows = {
        "host": ["a", "a", "bare", "bare"],
        "timestamp": [START, START + 300] * 2,
        "cpu_mhz": [1300.0, 1200.0, 500.0, 100.0],
        "memory_mib": [None, None, 800.0, 400.0],
    }
    pq.write_table(pa.table(rows), folder / "host_demand.parquet")
    problem = read_folder(folder)
    assert problem.hosts[0].overhead_mhz == 300
    work = problem.vms[-1]
    assert (work.name, work.memory_mib, work.bare) == ("bare (host)", 1000, True)
    assert problem.demand[-1].tolist() == [500, 100]
    made = plan(problem, Options(time_limit=0.2, holdout=False))
    assert [problem.hosts[at].name for at in made.kept] == ["a"]


def test_consumed_memory_needs_a_column_that_says_it(folder):
    with pytest.raises(PlanError, match="column 'memory_mib' is missing"):
        read_folder(folder, Memory("consumed"))
