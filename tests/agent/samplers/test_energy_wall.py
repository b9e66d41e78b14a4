"""Power at the input: the best source that answers, labelled, and joules without a step."""

import logging
import stat
from pathlib import Path

import pytest
from rigs.powercap import Tree

from headroom_agent.notices import Notices
from headroom_agent.sampler import Moment, NoData
from headroom_agent.samplers.energy import count_threads, energy_samplers
from headroom_agent.samplers.energy_ipmi import DcmiSource, find_sources
from headroom_agent.samplers.energy_sources import HwmonSource, SourceError
from headroom_agent.samplers.energy_state import EnergyState
from headroom_agent.samplers.energy_wall import Modelled, WallSampler
from headroom_core.energy import Estimate, generic_model, own_model
from headroom_proto.v1 import samples_pb2

STAT = "cpu  1 2 3 4\ncpu0 1 2 3 4\ncpu1 1 2 3 4\nintr 5\nctxt 6\n"
MODEL = generic_model(2)
DCMI = """
    Instantaneous power reading:                   {watts} Watts
    Minimum during sampling period:                 80 Watts
    Power reading state is:                   {state}
"""


class Meter:
    """A source that says what it is told to; None is no answer."""

    name = "dcmi"
    basis = "a meter"

    def __init__(self, every_seconds: float = 0.0) -> None:
        self.value: float | None = None
        self.every_seconds = every_seconds

    def watts(self, seconds: float) -> Estimate:
        if self.value is None:
            raise SourceError(f"silent at {seconds:g} s")
        return Estimate(self.value, self.value * 0.95, self.value * 1.05)


class Host:
    """A host's wall sampler with what it looks at."""

    def __init__(self, *sources: Meter) -> None:
        self.load: float | None = 0.5
        self.component: float | None = None
        self.state = EnergyState()
        self.now = 0.0
        self.closed: list[str] = []
        notices = Notices(logging.getLogger("test.wall"))
        self.sampler = WallSampler(
            sources,
            Modelled(MODEL, "model; no meter"),
            lambda: self.component,
            lambda: self.load,
            self.state,
            notices,
        )

    @property
    def total(self) -> float:
        """Joules of all sources."""
        return sum(self.state.wall.values()) / 1e6

    def after(self, seconds: float) -> samples_pb2.EnergySample:
        self.now += seconds
        first, *closing = self.sampler.sample(Moment(0, int(self.now * 1e9))).energy
        for sample in closing:
            assert not sample.HasField("power_watts")
            assert sample.source != first.source
        self.closed = [sample.source for sample in closing]
        return first


def test_modelled_watts_come_with_what_they_are_and_their_interval() -> None:
    host = Host()
    sample = host.after(1)
    assert (sample.domain, sample.quantity) == ("host", "wall")
    assert (sample.source, sample.kind, sample.basis) == ("model", "modelled", "model; no meter")
    assert sample.power_watts == pytest.approx(MODEL.watts(0.5).value)
    assert sample.power_low_watts < sample.power_watts < sample.power_high_watts
    assert sample.energy_microjoules_total == 0
    assert (sample.idle_floor_measured, sample.idle_floor_watts) == (0, MODEL.idle.value)


def test_modelled_joules_are_watts_over_the_time_between_the_cycles() -> None:
    host = Host()
    host.after(1)
    watts = host.after(10).power_watts
    assert sum(host.state.wall.values()) / 1e6 == pytest.approx(10 * watts)


def test_a_long_silence_is_a_gap_and_no_energy() -> None:
    host = Host()
    host.after(1)
    sample = host.after(3600)
    assert (sample.energy_microjoules_total, sample.gap_seconds_total) == (0, 3600)


def test_there_is_no_power_without_a_load() -> None:
    host = Host()
    host.load = None
    with pytest.raises(NoData, match="utilisation"):
        host.after(1)


def test_the_first_source_that_answers_is_taken_and_the_joules_never_step(
    caplog: pytest.LogCaptureFixture,
) -> None:
    first, second = Meter(), Meter()
    second.name = "hwmon"
    host = Host(first, second)
    seen, last = [], 0.0
    for one, other in ((200.0, 210.0), (None, 210.0), (None, None), (200.0, 210.0)) * 3:
        first.value, second.value = one, other
        sample = host.after(10)
        seen.append(sample.source)
        step, last = host.total - last, host.total
        assert 0 <= step <= 10 * 210.001
    assert seen == ["dcmi", "hwmon", "model", "dcmi"] * 3
    assert "silent" in caplog.text


def test_measured_joules_are_the_mean_of_two_readings_over_their_time() -> None:
    meter = Meter()
    host = Host(meter)
    meter.value = 100.0
    host.after(1)
    meter.value = 300.0
    assert host.after(10).energy_microjoules_total == 2_000_000_000


def test_a_source_that_falls_silent_is_replaced_by_the_line_that_was_learnt() -> None:
    meter = Meter()
    host = Host(meter)
    for n in range(200):
        host.component = 100.0 + n % 50
        meter.value = 80 + 1.2 * host.component
        host.after(10)
    meter.value, host.component = None, 120.0
    sample = host.after(10)
    assert (sample.source, sample.kind) == ("rapl_regression", "derived")
    assert sample.power_watts == pytest.approx(224, abs=0.5)
    assert sample.power_low_watts <= sample.power_watts <= sample.power_high_watts
    host.component = None
    assert host.after(10).source == "model"


def test_between_two_readings_of_a_slow_meter_the_components_give_the_shape() -> None:
    meter = Meter(every_seconds=30.0)
    host = Host(meter)
    true = 0.0
    for n in range(2000):
        host.component = 100.0 if n % 7 else 220.0
        meter.value = 80 + 1.2 * host.component
        before = sum(host.state.wall.values())
        sample = host.after(10)
        assert sample.kind == "measured"
        if n >= 1000:
            true += sum(host.state.wall.values()) - before - meter.value * 10e6
    assert abs(true) / 1000 / 10e6 < 0.5


def test_the_idle_floor_is_measured_once_the_host_was_idle_often_enough() -> None:
    meter = Meter()
    host = Host(meter)
    meter.value, host.load = 120.0, 0.01
    samples = [host.after(10) for _ in range(31)]
    assert [sample.idle_floor_measured for sample in samples[-3:]] == [0, 1, 1]
    assert samples[-1].idle_floor_watts == 120.0


def power_meter(sysfs: Path, sensor: str, **files: str) -> None:
    folder = sysfs / "class" / "hwmon" / sensor
    folder.mkdir(parents=True)
    for file, text in files.items():
        (folder / file).write_text(f"{text}\n")


def test_only_the_acpi_power_meter_is_the_whole_server(tmp_path: Path) -> None:
    power_meter(tmp_path, "hwmon0", name="amdgpu", power1_average="90000000")
    assert find_sources(tmp_path, tmp_path) == ()
    meter = {"name": "power_meter", "power1_average": "216500000", "power1_accuracy": "97.5%"}
    power_meter(tmp_path, "hwmon1", **meter)
    (source,) = find_sources(tmp_path, tmp_path)
    found = source.watts(0)
    assert (found.low, found.value, found.high) == pytest.approx((211.0875, 216.5, 221.9125))


@pytest.mark.parametrize("text", ["0", "", "-1", "unknown", "99999999999999"])
def test_a_power_meter_that_says_nothing_true_is_no_source(tmp_path: Path, text: str) -> None:
    power_meter(tmp_path, "hwmon0", name="power_meter", power1_average=text)
    with pytest.raises(SourceError):
        HwmonSource(tmp_path).watts(0)


def ipmitool(folder: Path, script: str) -> Path:
    tool = folder / "ipmitool"
    tool.write_text(f'#!/bin/sh\necho "$@" >> {folder}/calls\n{script}\n')
    tool.chmod(tool.stat().st_mode | stat.S_IXUSR)
    return tool


def test_dcmi_is_asked_where_a_device_and_a_tool_are(tmp_path: Path) -> None:
    (tmp_path / "ipmi0").touch()
    tool = ipmitool(tmp_path, f"cat <<END\n{DCMI.format(watts=217, state='activated')}\nEND")
    assert find_sources(tmp_path, tmp_path, lambda _: None) == ()
    (source,) = find_sources(tmp_path, tmp_path, lambda _: str(tool))
    second = find_sources(tmp_path, tmp_path, lambda _: str(tool), tmp_path)[1]
    assert second.name == "ipmi_sensors"
    assert source.watts(0).value == 217
    assert (tmp_path / "calls").read_text() == "-I open dcmi power reading\n"


@pytest.mark.parametrize(
    ("script", "told"),
    [
        (
            "echo 'DCMI request failed because: Invalid command (c1)' >&2; exit 1",
            "Invalid command",
        ),
        (f"cat <<END\n{DCMI.format(watts=217, state='deactivated')}\nEND", "deactivated"),
        (f"cat <<END\n{DCMI.format(watts=0, state='activated')}\nEND", "0 W"),
        ("exit 1", "no answer"),
        ("sleep 5", "no answer within"),
    ],
)
def test_a_controller_that_has_no_reading_says_why(tmp_path: Path, script: str, told: str) -> None:
    source = DcmiSource((str(ipmitool(tmp_path, script)),), timeout_seconds=0.2)
    with pytest.raises(SourceError, match=told):
        source.watts(0)


def test_a_controller_without_dcmi_is_left_alone_for_a_while(tmp_path: Path) -> None:
    source = DcmiSource((str(ipmitool(tmp_path, "exit 1")),))
    for seconds in (0, 10, 20, 30, 40, 619, 621):
        with pytest.raises(SourceError):
            source.watts(seconds)
    assert len((tmp_path / "calls").read_text().splitlines()) == 4


def test_where_the_source_changes_the_one_before_is_closed_with_the_total_up_to_there() -> None:
    meter = Meter()
    meter.value = 200.0
    host = Host(meter)
    host.after(10)
    assert host.closed == []
    meter.value = None
    first = host.after(10)
    assert (first.source, host.closed) == ("model", ["dcmi"])
    host.after(10)
    assert host.closed == []
    meter.value = 200.0
    back = host.after(10)
    assert host.closed == ["model"]
    # It goes on where it was closed, 10 s after the first reading, whatever was modelled meanwhile.
    assert (back.source, back.energy_microjoules_total) == ("dcmi", host.state.wall["dcmi"])
    after = host.after(10).energy_microjoules_total
    assert after - back.energy_microjoules_total == 2_000_000_000


def test_a_host_without_anything_says_that_it_is_modelled_and_why(tmp_path: Path) -> None:
    (tmp_path / "stat").write_text(STAT)
    (wall,) = energy_samplers(tmp_path, tmp_path, lambda: 0.3, dev=tmp_path)
    sample = wall.sample(Moment(0, 10**9)).energy[0]
    assert sample.kind == "modelled"
    assert sample.basis.startswith("server of 2 threads")
    assert sample.basis.endswith("no power meter and no powercap counters on this host")
    assert count_threads(STAT) == 2


CPUINFO = """processor\t: 0
model name\t: {model}
physical id\t: 0
core id\t: 0
flags\t\t: fpu vme
"""


@pytest.mark.parametrize(
    ("model", "watts", "basis"),
    [
        (
            "AMD EPYC 9654 96-Core Processor",
            360,
            "EPYC 9004 server of 1 socket with CPUs of 360 W",
        ),
        ("AMD EPYC 9654 96-Core Processor", 0, "EPYC 9004 server of 1 socket, by its load"),
        ("Genuine CPU 0000", 205, "server with CPUs of 205 W"),
        ("Genuine CPU 0000", 0, "server of 1 threads"),
    ],
)
def test_the_model_goes_by_what_the_host_tells_of_its_cpus(
    model: str, watts: int, basis: str, tmp_path: Path
) -> None:
    tree = Tree(tmp_path)
    counter = tree.zone("intel-rapl:0", "package-0", watts=watts)
    counter.write_text("nonsense")
    (tmp_path / "cpuinfo").write_text(CPUINFO.format(model=model))
    *_, wall = energy_samplers(tmp_path, tmp_path, lambda: 0.3, dev=tmp_path)
    sample = wall.sample(Moment(0, 10**9)).energy[0]
    assert sample.basis.startswith(basis)
    assert sample.power_low_watts < sample.power_watts < sample.power_high_watts


def test_a_server_whose_own_two_points_are_known_is_modelled_by_them(tmp_path: Path) -> None:
    own = own_model(100, 400)
    (wall,) = energy_samplers(tmp_path, tmp_path, lambda: 1.0, dev=tmp_path, own=own)
    sample = wall.sample(Moment(0, 10**9)).energy[0]
    ends = (sample.power_low_watts, sample.power_watts, sample.power_high_watts)
    assert ends == pytest.approx((352, 400, 448))
    assert sample.basis.startswith("this server's own idle and full watts")
    assert sample.idle_floor_watts == 100
