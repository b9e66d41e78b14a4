"""CPU time: what is parsed, and when there is no ratio."""

import logging
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headroom_agent.notices import Notices
from headroom_agent.sampler import Moment, SampleError
from headroom_agent.samplers.cpu import CpuSampler, Stat, parse, ratios

TWO = b"cpu  20 0 10 170 0 0 0 0 0 0\ncpu0 10 0 5 85 0 0 0 0 0 0\ncpu1 10 0 5 85 0 0 0 0 0 0\n"
TAIL = b"intr 5 1 2 ctxt 9\nctxt 77\nprocs_running 3\nprocs_blocked 1\n"


def stat(*ticks: int, cpus: int = 1) -> Stat:
    return Stat(ticks, dict.fromkeys(range(cpus), b""), {})


def sampler(procfs: Path, core_seconds: float = 60.0) -> CpuSampler:
    return CpuSampler(
        procfs, Notices(logging.getLogger("cpu")), core_seconds=core_seconds, ticks_per_second=100
    )


def at(seconds: float) -> Moment:
    return Moment(int(seconds * 1e9), int(seconds * 1e9))


def test_totals_cores_and_numbers_come_from_one_text() -> None:
    found = parse(TWO + TAIL)
    assert found.ticks == (20, 0, 10, 170, 0, 0, 0, 0, 0, 0)
    assert found.core_ticks()[1] == (10, 0, 5, 85, 0, 0, 0, 0, 0, 0)
    assert found.numbers == {"ctxt": 77, "procs_running": 3, "procs_blocked": 1}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (b"", "has no 'cpu' line"),
        (b"cpu0 1 2 3 4\n", "has no 'cpu' line"),
        (b"cpu  1 2 3\n", "'cpu' has 3 columns, expected at least 4"),
        (b"cpu  1 2 x 4\n", "expected whole numbers"),
    ],
)
def test_what_is_no_stat_gives_one_line(text: bytes, line: str) -> None:
    with pytest.raises(SampleError, match=line):
        parse(text, "/proc/stat")


def test_steal_is_busy_and_guest_is_not_counted_twice() -> None:
    before = stat(0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
    after = stat(30, 0, 10, 50, 5, 0, 0, 5, 30, 0)
    assert ratios(before, after).busy == pytest.approx(0.45)
    assert ratios(before, after).steal == pytest.approx(0.05)


@pytest.mark.parametrize(
    "after",
    [
        stat(110, 0, 10, 90, 0, 0, 0, 0),  # idle went back
        stat(90, 0, 10, 120, 0, 0, 0, 0),  # user went back
        stat(100, 0, 10, 100, 0, 0, 0, 0),  # no time passed
        stat(110, 0, 10, 110, 0, 0, 0, 0, cpus=2),  # a CPU came
        stat(110, 0, 10, 110),  # another kernel
    ],
)
def test_there_is_no_ratio_across_a_reset_or_hotplug(after: Stat) -> None:
    found = ratios(stat(100, 0, 10, 100, 0, 0, 0, 0), after)
    assert found.busy is None
    assert found.steal is None


def test_iowait_that_goes_back_by_itself_counts_as_nothing() -> None:
    found = ratios(stat(0, 0, 0, 0, 50, 0, 0, 0), stat(25, 0, 0, 75, 49, 0, 0, 0))
    assert found.busy == pytest.approx(0.25)


@given(*[st.lists(st.integers(0, 2**40), min_size=10, max_size=10) for _ in range(2)])
def test_a_ratio_is_never_outside_0_to_1(old: list[int], new: list[int]) -> None:
    found = ratios(stat(*old), stat(*new))
    for ratio in (found.busy, found.steal):
        assert ratio is None or 0 <= ratio <= 1


def test_the_cores_come_once_a_minute(tmp_path: Path) -> None:
    (tmp_path / "stat").write_bytes(TWO + TAIL)
    reader = sampler(tmp_path)
    counts = [len(reader.sample(at(second)).cpus) for second in (0, 10, 59.9, 60, 70, 120)]
    assert counts == [2, 0, 0, 2, 0, 2]


def test_a_ratio_is_not_made_over_a_reading_that_failed(tmp_path: Path) -> None:
    path = tmp_path / "stat"
    reader = sampler(tmp_path)
    path.write_bytes(TWO + TAIL)
    reader.sample(at(0))
    path.unlink()
    reader.close()  # one that is kept open would go on telling
    with pytest.raises(SampleError, match="stat: cannot be read: No such file"):
        reader.sample(at(10))
    assert reader.current_ratio() is None
    path.write_bytes(TWO.replace(b"cpu  20 0 10 170", b"cpu  40 0 10 190") + TAIL)
    assert not reader.sample(at(20)).host.HasField("cpu_utilisation_ratio")
