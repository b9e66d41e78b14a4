"""The modelled power: labelled as such, with its interval, and nothing before the load is known."""

from pathlib import Path

import pytest

from headroom_agent.sampler import Moment, NoData, SampleError
from headroom_agent.samplers.power_model import ModelSampler, count_threads
from headroom_core.energy import generic_model

STAT = "cpu  1 2 3 4\ncpu0 1 2 3 4\ncpu1 1 2 3 4\nintr 5\nctxt 6\n"


@pytest.fixture
def procfs(tmp_path: Path) -> Path:
    (tmp_path / "stat").write_text(STAT)
    return tmp_path


def at(seconds: float) -> Moment:
    return Moment(0, int(seconds * 1e9))


def test_watts_come_with_what_they_are_and_their_interval(procfs: Path) -> None:
    sample = ModelSampler(procfs, lambda: 0.3).sample(at(0)).energy[0]
    assert (sample.domain, sample.quantity) == ("host", "wall")
    assert (sample.source, sample.kind) == ("model", "modelled")
    assert sample.power_watts == pytest.approx(generic_model(2).watts(0.3).value)
    assert sample.power_low_watts < sample.power_watts < sample.power_high_watts
    assert sample.energy_microjoules_total == 0


def test_joules_are_watts_over_the_time_between_the_cycles(procfs: Path) -> None:
    loads = iter([0.1, 0.5, 0.9])
    sampler = ModelSampler(procfs, lambda: next(loads))
    samples = [sampler.sample(at(seconds)).energy[0] for seconds in (0, 10, 30)]
    joules = [sample.energy_microjoules_total / 1e6 for sample in samples]
    assert joules[1] == pytest.approx(10 * samples[1].power_watts)
    assert joules[2] == pytest.approx(joules[1] + 20 * samples[2].power_watts)


def test_a_long_silence_is_a_gap_and_no_energy(procfs: Path) -> None:
    sampler = ModelSampler(procfs, lambda: 0.5)
    sampler.sample(at(0))
    assert sampler.sample(at(3600)).energy[0].energy_microjoules_total == 0


def test_there_is_no_power_without_a_load(procfs: Path) -> None:
    with pytest.raises(NoData, match="utilisation"):
        ModelSampler(procfs, lambda: None).sample(at(0))


def test_a_stat_without_cpus_is_named(procfs: Path) -> None:
    (procfs / "stat").write_text("intr 5\n")
    with pytest.raises(SampleError, match="lists no logical CPU"):
        ModelSampler(procfs, lambda: 0.5).sample(at(0))


def test_threads_are_the_numbered_lines() -> None:
    assert count_threads(STAT) == 2
