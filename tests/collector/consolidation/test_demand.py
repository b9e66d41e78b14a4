"""Demand on the 5-minute grid: alignment, gaps, capacities."""

import numpy as np
import pytest

from headroom_collector.consolidation.demand import BUCKET_NS, read_demand
from headroom_collector.consolidation.machines import present

MINUTE = 60 * 1_000_000_000
NOW = 1_790_000_000 * 1_000_000_000 // BUCKET_NS * BUCKET_NS
DAY = 86_400 * 1_000_000_000


@pytest.fixture
def demand(readings, estate):
    def read(now=NOW):
        ((_, machines),) = present(readings.hosts(), estate, now).items()
        return read_demand(readings, machines, now)

    return read


def minutes(readings, row, first, ratios, **values):
    for number, ratio in enumerate(ratios):
        readings.sample(row, first + number * MINUTE, cpu_utilisation_ratio=ratio, **values)


def test_samples_of_five_minutes_become_their_mean_times_the_cores(readings, demand):
    row = readings.host("a", cores=16)
    minutes(readings, row, NOW - BUCKET_NS, [0.1, 0.2, 0.3, 0.4, 0.5])
    found = demand()
    assert found.unit == "cores"
    assert found.cpu.tolist() == [[pytest.approx(0.3 * 16)]]
    assert found.times.tolist() == [NOW - BUCKET_NS]


def test_logical_cpus_count_where_one_machine_does_not_know_its_cores(readings, demand):
    for name, cores in (("a", 16), ("b", None)):
        minutes(readings, readings.host(name, cores=cores), NOW - BUCKET_NS, [0.25] * 5)
    found = demand()
    assert found.unit == "logical CPUs"
    assert found.cpu_capacity.tolist() == [32, 32]


def test_the_cpus_that_were_measured_serve_where_there_are_no_facts(readings, demand):
    row = readings.host("a", cores=None, threads=None)
    minutes(readings, row, NOW - BUCKET_NS, [0.5] * 5, cpus=12)
    assert demand().cpu.tolist() == [[6.0]]


def test_roll_ups_and_newest_samples_make_one_row(readings, demand):
    row = readings.host("a", cores=10)
    for back in range(12, 2, -1):
        readings.rolled(row, NOW - back * BUCKET_NS, 0.2)
    minutes(readings, row, NOW - 2 * BUCKET_NS, [0.4] * 10)
    minutes(
        readings, row, NOW - 3 * BUCKET_NS, [0.3] * 5
    )  # some came late: rolled up without them
    found = demand()
    assert found.cpu.tolist() == [
        [pytest.approx(2.0)] * 9 + [pytest.approx(3.0)] + [pytest.approx(4.0)] * 2
    ]
    assert found.completeness == 1.0
    assert found.history_seconds == 12 * 300


def test_a_gap_is_filled_with_the_machines_own_p95_and_counted(readings, demand):
    steady, gappy = readings.host("a", cores=10), readings.host("b", cores=10)
    for back in range(40, 20, -1):
        readings.rolled(steady, NOW - back * BUCKET_NS, 0.1)
        if back != 30:
            readings.rolled(gappy, NOW - back * BUCKET_NS, back / 100)
    found = demand()
    known = [back / 10 for back in range(40, 20, -1) if back != 30]
    assert found.cpu[1, 10] == pytest.approx(np.percentile(known, 95))
    assert found.completeness == pytest.approx(39 / 40)


def test_a_moment_that_hardly_any_machine_knows_is_left_out(readings, demand):
    rows = [readings.host(name) for name in "abc"]
    readings.rolled(rows[0], NOW - 20 * BUCKET_NS, 0.9)
    for row in rows:
        readings.rolled(row, NOW - 19 * BUCKET_NS, 0.1)
    assert demand().times.tolist() == [NOW - 19 * BUCKET_NS]


def test_the_five_minutes_that_still_run_do_not_count_yet(readings, demand):
    row = readings.host("a", cores=10)
    minutes(readings, row, NOW - BUCKET_NS, [0.1] * 5)
    minutes(readings, row, NOW, [1.0] * 3)
    assert demand(NOW + 3 * MINUTE).cpu.tolist() == [[pytest.approx(1.0)]]


def test_a_fresh_machine_shows_what_it_has(readings, demand):
    row = readings.host("a", first=NOW + MINUTE, interval=10.0, cores=10)
    readings.sample(row, NOW + MINUTE, cpu_utilisation_ratio=0.5)
    found = demand(NOW + MINUTE + MINUTE // 5)
    assert found.cpu.tolist() == [[5.0]]
    assert found.history_seconds == pytest.approx(12)


def test_a_lone_sample_does_not_stand_for_five_minutes(readings, demand):
    row = readings.host("a", interval=10.0, cores=10)
    readings.rolled(row, NOW - 20 * BUCKET_NS, 1.0, samples=1)
    readings.rolled(row, NOW - 19 * BUCKET_NS, 0.1, samples=30)
    assert demand().cpu.tolist() == [[pytest.approx(1.0)]]


def test_memory_is_what_is_used_or_promised_whichever_is_more(readings, demand):
    first, second = readings.host("a"), readings.host("b")
    minutes(readings, first, NOW - BUCKET_NS, [0.1] * 5, memory_used_bytes=7, memory_total_bytes=9)
    minutes(
        readings,
        second,
        NOW - BUCKET_NS,
        [0.1] * 5,
        memory_used_bytes=3,
        domains_memory_bytes=8,
        memory_total_bytes=9,
    )
    found = demand()
    assert found.memory.tolist() == [[7], [8]]
    assert found.memory_capacity.tolist() == [9, 9]


def test_an_unknown_capacity_is_taken_for_the_largest_and_named(readings, demand):
    known = readings.host("a", cores=None, threads=48)
    silent = readings.host("b", cores=None, threads=None)
    minutes(readings, known, NOW - BUCKET_NS, [0.5] * 5)
    minutes(readings, silent, NOW - BUCKET_NS, [0.5] * 5)
    found = demand()
    assert found.cpu_capacity.tolist() == [48, 48]
    assert found.filled == ("b",)


def test_a_machine_without_any_sample_adds_nothing(readings, demand):
    minutes(readings, readings.host("a", cores=10), NOW - BUCKET_NS, [0.5] * 5)
    readings.host("b")
    found = demand()
    assert found.cpu.tolist() == [[5.0], [0.0]]
    assert found.completeness == 0.5


def test_nothing_measured_means_no_samples(readings, demand):
    readings.host("a")
    found = demand()
    assert found.cpu.shape == (1, 0)
    assert found.memory.shape == (1, 0)
    assert found.history_seconds == 0


def test_both_names_of_a_renamed_machine_are_one(readings, estate):
    old, new = readings.host("old", heard=NOW - DAY * 3), readings.host("new")
    estate.renamed["old"] = "new"
    readings.rolled(old, NOW - 900 * BUCKET_NS, 0.1)
    readings.rolled(new, NOW - 20 * BUCKET_NS, 0.2)
    ((_, machines),) = present(readings.hosts(), estate, NOW).items()
    assert [machine.ids for machine in machines] == [(old.id, new.id)]
    assert read_demand(readings, machines, NOW).cpu.tolist() == [
        [pytest.approx(1.6), pytest.approx(3.2)]
    ]
