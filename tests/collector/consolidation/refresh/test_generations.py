"""The table of generations: its own arithmetic, and the published results it is derived from."""

import csv
import os
import statistics
from pathlib import Path

import pytest

from headroom_collector.consolidation.refresh.generations import (
    GENERATIONS,
    GenerationError,
    of_year,
    ops_per_core,
)

CHECKOUT = Path(__file__).parents[4]


def results():
    """Return (year, ops at full load, cores, idle watts, full watts) of two-socket results."""
    folder = Path(os.environ.get("HEADROOM_BENCH_DATA") or CHECKOUT.parent / "shared" / "data")
    path = folder / "specpower-2026-03.csv"
    if not path.exists():
        pytest.skip(f"{path} is not there: set HEADROOM_BENCH_DATA to the folder that has it")
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            if row["Chips"] != "2":
                continue
            idle, full = float(row["avg. watts @ active idle"]), float(row["avg. watts @ 100%"])
            ops, cores = float(row["Result"]) * (idle + full), float(row["# Cores"])
            yield int(row["Published"][-4:]), ops, cores, idle, full


def test_every_median_is_that_of_the_published_results():
    rows = list(results())
    for one in GENERATIONS:
        year = [row for row in rows if row[0] == one.year]
        ops, cores, idle, full = (
            statistics.median(row[column] for row in year) for column in (1, 2, 3, 4)
        )
        per_core = statistics.median(row[1] / row[2] for row in year)
        assert one.results == len(year)
        assert (one.cores, one.idle_watts, one.full_watts) == (cores, idle, full)
        assert [one.ops, one.ops_per_core] == pytest.approx([ops, per_core], rel=1e-5)


@pytest.mark.parametrize(
    ("year", "same"), [(2000, 2008), (2008, 2008), (2021, 2021), (2040, 2025)]
)
def test_outside_the_table_its_ends_hold(year, same):
    assert ops_per_core(year) == pytest.approx(of_year(same).ops_per_core)


def test_between_two_years_the_speed_lies_between_theirs():
    assert ops_per_core(2010) ** 2 == pytest.approx(ops_per_core(2008) * ops_per_core(2012))


def test_a_year_without_medians_is_refused_with_those_there_are():
    with pytest.raises(GenerationError, match="no medians of 2010: expected one of 2008, 2012"):
        of_year(2010)


def test_power_is_a_straight_line_from_idle_to_full():
    assert of_year(2008).watts(0.5) == pytest.approx(200.5)
    assert of_year(2008).watts(1.3) == 254.0
