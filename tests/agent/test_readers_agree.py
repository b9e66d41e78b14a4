"""The figures of this very host against /proc read by hand and psutil, before and after."""

import logging
import os
from pathlib import Path

import psutil
import pytest

from headroom_agent.notices import Notices
from headroom_agent.sampler import take_moment
from headroom_agent.samplers.cpu import STATES, CpuSampler
from headroom_agent.samplers.disks import DiskSampler
from headroom_agent.samplers.interfaces import InterfaceSampler
from headroom_agent.samplers.load import LoadSampler
from headroom_agent.samplers.memory import MemorySampler
from headroom_agent.samplers.pressure import PressureSampler
from headroom_agent.samplers.uptime import UptimeSampler

PROC, SYS = Path("/proc"), Path("/sys")
NOTICES = Notices(logging.getLogger("readers"))
TICKS = os.sysconf("SC_CLK_TCK")


def cpu_by_hand() -> list[int]:
    return [int(word) for word in (PROC / "stat").read_text().splitlines()[0].split()[1:]]


def test_cpu_seconds_lie_between_two_readings_by_hand_and_by_psutil() -> None:
    before, by_psutil = cpu_by_hand(), psutil.cpu_times()
    host = CpuSampler(PROC, NOTICES).sample(take_moment()).host
    after = cpu_by_hand()
    for number, state in enumerate(STATES):
        value = getattr(host, f"cpu_{state}_seconds_total")
        if state != "iowait":  # it may go back by itself (proc(5))
            assert before[number] / TICKS <= value <= after[number] / TICKS, state
            assert getattr(by_psutil, state) <= value + 0.011, state
    assert host.cpus == os.cpu_count() == psutil.cpu_count()


def test_counters_of_the_scheduler_lie_between_two_readings_by_psutil() -> None:
    before = psutil.cpu_stats().ctx_switches
    host = CpuSampler(PROC, NOTICES).sample(take_moment()).host
    assert before <= host.context_switches_total <= psutil.cpu_stats().ctx_switches


def test_memory_is_what_psutil_and_meminfo_say() -> None:
    before = psutil.virtual_memory()
    host = MemorySampler(PROC, NOTICES).sample(take_moment()).host
    after = psutil.virtual_memory()
    assert host.memory_total_bytes == before.total
    low, high = sorted((before.available, after.available))
    # Others take and give memory in between; a unit that is wrong is off by a thousand.
    assert low - (2 << 30) <= host.memory_available_bytes <= high + (2 << 30)
    assert host.memory_swap_total_bytes == psutil.swap_memory().total


def test_load_uptime_and_pressure_are_what_the_files_say() -> None:
    first = [float(word) for word in (PROC / "loadavg").read_text().split()[:3]]
    load = LoadSampler(PROC).sample(take_moment()).host
    last = [float(word) for word in (PROC / "loadavg").read_text().split()[:3]]
    for value, pair in zip(
        (load.load1, load.load5, load.load15), zip(first, last, strict=True), strict=True
    ):
        assert min(pair) <= value <= max(pair)
    before = float((PROC / "uptime").read_text().split()[0])
    uptime = UptimeSampler(PROC).sample(take_moment()).host.uptime_seconds
    assert before <= uptime <= float((PROC / "uptime").read_text().split()[0])
    some = PROC / "pressure" / "cpu"
    if not some.exists():
        pytest.skip("this kernel keeps no pressure")

    def total() -> float:
        line = some.read_text().splitlines()[0]
        return int(line.rpartition("total=")[2]) / 1e6

    before = total()
    told = PressureSampler(PROC).sample(take_moment()).host.pressure_cpu_some_seconds_total
    assert before <= told <= total()


def test_disks_and_interfaces_lie_between_two_readings_by_psutil() -> None:
    disks, nics = psutil.disk_io_counters(perdisk=True), psutil.net_io_counters(pernic=True)
    read = DiskSampler(PROC, SYS, NOTICES).sample(take_moment()).disks
    seen = InterfaceSampler(PROC, SYS, NOTICES).sample(take_moment()).interfaces
    after, later = psutil.disk_io_counters(perdisk=True), psutil.net_io_counters(pernic=True)
    for disk in read:
        low, high = disks[disk.device], after[disk.device]
        assert low.read_bytes <= disk.read_bytes_total <= high.read_bytes
        assert low.write_bytes <= disk.written_bytes_total <= high.write_bytes
        assert low.write_count <= disk.writes_total <= high.write_count
    for nic in seen:
        if nic.interface in nics:
            before, then = nics[nic.interface], later[nic.interface]
            assert before.bytes_recv <= nic.received_bytes_total <= then.bytes_recv
            assert before.packets_sent <= nic.sent_packets_total <= then.packets_sent
