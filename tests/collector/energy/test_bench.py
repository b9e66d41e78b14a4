"""The benchmark of energy reaches its figures, and says so where it lacks data."""

from pathlib import Path

import pytest

from headroom_collector.bench import energy_model
from headroom_collector.bench.energy import CASES, figures


def measured(case: str) -> dict[str, float]:
    return {figure.metric: figure.value for figure in figures(short=True, case=case)}


def test_faults_bring_no_phantom_energy_and_no_negative_delta() -> None:
    found = measured("faults")
    assert found["injected"] == 20_000
    assert (found["phantom_joules"], found["negative_deltas"]) == (0, 0)


def test_shares_add_up_and_none_is_negative() -> None:
    found = measured("attribution")
    assert found["worst_relative_error"] <= 1e-9
    assert found["intervals_with_a_negative_share"] == 0


def test_a_slow_gauge_is_within_a_thousandth_over_a_day() -> None:
    assert measured("gauge")["error_24h"] <= 1e-3


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
    assert 0 < found["mean_absolute_error"] < 0.25
    assert 0.85 <= found["coverage_of_90"] <= 0.95
    by_generation = measured("model-generation")
    assert by_generation["servers"] == 180
    assert 0 < by_generation["idle_mean_absolute_error"] < 1


def test_every_case_has_a_name_of_its_own_and_the_year_is_among_them() -> None:
    assert {"year", "faults", "attribution", "gauge", "model-two-point", "model-tdp"} <= set(CASES)
