"""Run queues, clocks, disks, interfaces, nodes, paging and temperatures."""

import logging
from pathlib import Path

import psutil
import pytest

from headroom_agent.notices import Notices
from headroom_agent.sampler import Moment, NoData, SampleError
from headroom_agent.samplers import disks, interfaces, numa, paging, schedstat, temperatures
from headroom_agent.samplers.disks import DiskSampler
from headroom_agent.samplers.frequency import FrequencySampler
from headroom_agent.samplers.interfaces import InterfaceSampler
from headroom_agent.samplers.temperatures import TemperatureSampler
from headroom_agent.schedule import Merger, Part
from headroom_proto.v1 import samples_pb2, telemetry_pb2

NOW = Moment(0, 0)
PROC, SYS = Path("/proc"), Path("/sys")


def notices() -> Notices:
    return Notices(logging.getLogger("devices"))


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_the_wait_in_a_run_queue_is_the_eighth_number_in_seconds() -> None:
    text = b"version 15\ntimestamp 1\ncpu0 1 2 3 4 5 6 7 2500000000 9\ndomain0 3 0 0\n"
    assert schedstat.parse(text) == {0: 2.5}


def test_a_schedstat_without_its_version_is_refused() -> None:
    with pytest.raises(SampleError, match="expected 'version N' first, found 'cpu0 1'"):
        schedstat.parse(b"cpu0 1\n")


def test_disks_agree_with_an_independent_reader() -> None:
    try:
        found = DiskSampler(PROC, SYS, notices()).sample(NOW).disks
    except NoData:
        pytest.skip("this machine has no physical disk")
    theirs = psutil.disk_io_counters(perdisk=True)
    for disk in found:
        other = theirs[disk.device]
        # The disk goes on between the two readings; the earlier one is ours.
        assert 0 <= other.read_bytes - disk.read_bytes_total < 1 << 30
        assert 0 <= other.write_bytes - disk.written_bytes_total < 1 << 30
        assert 0 <= other.write_count - disk.writes_total < 100_000


def test_a_partition_is_no_disk(tmp_path: Path) -> None:
    line = "8 {} {} 1 2 3 4 5 6 7 8 9 10 11\n"
    write(tmp_path / "diskstats", line.format(0, "sda") + line.format(1, "sda1"))
    write(tmp_path / "block/sda/size", "2\n")
    found = DiskSampler(tmp_path, tmp_path, notices()).sample(NOW).disks
    assert [(disk.device, disk.size_bytes) for disk in found] == [("sda", 1024)]


def test_disks_beyond_what_a_batch_takes_are_left_out_and_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    names = [f"sd{n}x" for n in range(disks.MOST + 1)]
    write(tmp_path / "diskstats", "".join(f"8 0 {n} 1 2 3 4 5 6 7 8 9 10 11\n" for n in names))
    for name in names:
        write(tmp_path / "block" / name / "size", "2\n")
    found = DiskSampler(tmp_path, tmp_path, notices()).sample(NOW).disks
    assert len(found) == disks.MOST
    assert "257 disks, the first 256 are read" in caplog.text


def test_interfaces_agree_with_an_independent_reader() -> None:
    try:
        found = InterfaceSampler(PROC, SYS, notices()).sample(NOW).interfaces
    except NoData:
        pytest.skip("this machine has no network")
    theirs = psutil.net_io_counters(pernic=True)
    for one in found:
        other = theirs[one.interface]
        assert 0 <= other.bytes_recv - one.received_bytes_total < 1 << 30
        assert 0 <= other.packets_sent - one.sent_packets_total < 1_000_000
        assert other.errin == one.receive_errors_total


def test_a_link_that_is_down_has_no_speed(tmp_path: Path) -> None:
    for text in ("-1", "4294967295", ""):
        write(tmp_path / "class/net/eno1/speed", text)
        assert interfaces.speed(tmp_path, "eno1") is None
    write(tmp_path / "class/net/eno1/speed", "1000\n")
    assert interfaces.speed(tmp_path, "eno1") == 125_000_000


def test_a_list_of_cpus_is_counted() -> None:
    assert numa.count("0-3,8-11\n") == 8
    assert numa.count("5") == 1
    assert numa.count("") == 0  # a node with memory and no CPU
    assert numa.count("all") is None


def test_pages_swapped_are_not_taken_for_others() -> None:
    assert paging.parse(b"pswpin 3\nzswpin 9\npswpout 4\n") == {"pswpin": 3, "pswpout": 4}


def test_a_sensor_with_an_open_pin_is_left_out() -> None:
    assert temperatures.celsius("-128000") is None
    assert temperatures.celsius("255000") is None
    assert temperatures.celsius("") is None
    assert temperatures.celsius("-5000") == -5.0


def test_two_sensors_of_one_name_are_told_apart(tmp_path: Path) -> None:
    for chip in ("hwmon0", "hwmon10", "hwmon2"):
        folder = tmp_path / "class/hwmon" / chip
        write(folder / "name", "nvme\n")
        write(folder / "temp1_input", f"{chip[5:]}000\n")
        write(folder / "temp1_label", "Composite\n")
    found = TemperatureSampler(tmp_path).sample(NOW).temperatures
    assert [(one.sensor, one.celsius) for one in found] == [
        ("nvme/Composite", 0.0),
        ("nvme-2/Composite", 2.0),
        ("nvme-3/Composite", 10.0),
    ]


def test_a_cpu_that_comes_is_found_after_one_went(tmp_path: Path) -> None:
    def clock(cpu: int) -> Path:
        return tmp_path / f"devices/system/cpu/cpu{cpu}/cpufreq/scaling_cur_freq"

    write(clock(0), "1000000\n")
    write(clock(1), "2000000\n")
    sampler = FrequencySampler(tmp_path)
    assert sampler.sample(NOW).host.cpu_frequency_hertz == 1.5e9
    clock(1).unlink()
    assert sampler.sample(NOW).host.cpu_frequency_hertz == 1e9
    write(clock(2), "3000000\n")
    assert [cpu.cpu for cpu in sampler.sample(NOW).cpus] == [0, 2]


def test_what_several_samplers_know_of_a_cpu_is_one_sample() -> None:
    parts = [
        Part(str(n), telemetry_pb2.Cycle(cpus=[samples_pb2.CpuSample(cpu=1, **{name: 5.0})]))
        for n, name in enumerate(("busy_seconds_total", "frequency_hertz"))
    ]
    merged = Merger().merge(NOW, parts)
    assert list(merged.cpus) == [
        samples_pb2.CpuSample(cpu=1, busy_seconds_total=5.0, frequency_hertz=5.0)
    ]
