"""The benchmark of energy reaches its figures, and says so where it lacks data."""

from pathlib import Path

import pytest
from rigs.need import engine

from headroom_collector.bench import controllers, energy_bmcs, energy_model
from headroom_collector.bench.energy import CASES, figures
from headroom_collector.bench.energy_bmcs import Mix


def measured(case: str) -> dict[str, float]:
    return {figure.metric: figure.value for figure in figures(short=True, case=case)}


def test_faults_bring_no_phantom_energy_and_no_negative_delta() -> None:
    found = measured("faults")
    assert found["injected"] == 20_000
    assert (found["phantom_joules"], found["negative_deltas"]) == (0, 0)


def test_shares_add_up_and_none_is_negative() -> None:
    found = measured("attribution")
    assert found["worst_sum_error"] <= 1e-9
    assert found["intervals_with_a_negative_share"] == 0


def test_a_slow_gauge_is_within_a_thousandth_over_a_day() -> None:
    assert measured("gauge")["relative_error"] <= 1e-3


@pytest.mark.parametrize(
    "case", ["model-two-point", "model-generation", "model-threads", "model-tdp"]
)
def test_without_data_a_case_says_why_it_is_skipped(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADROOM_BENCH_DATA", str(tmp_path))
    first = next(figures(short=True, case=case))
    assert first.metric == "skipped"
    assert all(first.skipped.values())


def test_the_model_is_fitted_on_the_past_and_tested_on_what_came(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = "CPU Description,Chips,# Cores,Total Threads,avg. watts @ active idle,avg. watts @ 100%,Published\n"
    lines = [
        f"Intel Xeon Gold 6148,2,{threads // 2},{threads},{20 + threads / (2 + n % 3)},{60 + 2 * threads + 10 * (n % 5)},Jan-{year}\n"
        for year in (2015, 2018, 2022)
        for n, threads in enumerate(range(16, 256, 4))
    ]
    (tmp_path / energy_model.FILE).write_text(
        head + "".join([*lines, "odd,2,1,none,1,2,Jan-2020\n"])
    )
    monkeypatch.setenv("HEADROOM_BENCH_DATA", str(tmp_path))
    found = measured("model-threads")
    assert found["servers"] == 60
    assert 0 < found["mape"] < 0.25
    assert 0.85 <= found["interval_coverage"] <= 0.95
    by_generation = measured("model-generation")
    assert by_generation["servers"] == 180
    assert 0 < by_generation["idle_mape"] < 1


def test_a_table_of_tdps_is_joined_by_the_names_of_cpus(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = "CPU Description,Chips,# Cores,Total Threads,avg. watts @ active idle,avg. watts @ 100%,Published\n"
    lines = [
        f"{name},2,{40 + n},80,50,{300 + n},Jan-2018\n"
        for n in range(5)
        for name in ("Intel(R) Xeon Gold 6148 CPU @ 2.40GHz", '"AMD EPYC 7601, 2.20GHz"')
    ]
    (tmp_path / energy_model.FILE).write_text(head + "".join(lines))
    monkeypatch.setenv("HEADROOM_BENCH_DATA", str(tmp_path))
    monkeypatch.delenv("HEADROOM_BENCH_TDP", raising=False)
    without = next(figures(short=True, case="model-tdp"))
    assert "no table of Name,TDP" in without.skipped["tdp"]
    (tmp_path / "cpu-tdp.csv").write_text(
        "Name,TDP\nIntel Xeon Gold 6148,150\nAMD EPYC 7601,180\nodd,x\n"
    )
    found = measured("model-tdp")
    assert found["servers"] == 10
    assert found["mape"] < 0.05


def test_reading_counters_and_controllers_is_measured_on_true_parts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert 0 < measured("rapl")["core_share_at_1_hz"] < 1
    for name in controllers.PACKAGES:
        engine(name)
    monkeypatch.setattr(energy_bmcs, "SHORT", Mix(ipmi=6, redfish=4, slow=2, dead=2, seconds=1.0))
    found = measured("dcmi") | measured("bmcs")
    assert 0 < found["p50_seconds"] <= found["p99_seconds"]
    assert found["readings_due"] == 30
    assert found["controllers"] == 14


def test_every_case_has_a_name_of_its_own_and_the_year_is_among_them() -> None:
    assert {"year", "faults", "attribution", "gauge", "model-two-point", "model-tdp"} <= set(CASES)
