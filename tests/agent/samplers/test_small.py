"""Memory, load, uptime, pressure, facts: what a kernel says, and what it must not say."""

import logging
from pathlib import Path

import pytest

from headroom_agent.notices import Notices
from headroom_agent.sampler import Moment, NoData, SampleError
from headroom_agent.samplers import cpuinfo, dmi, load, memory, pressure, uptime
from headroom_agent.samplers.agent_self import SelfSampler, Statm
from headroom_agent.samplers.facts import FactsSampler, parse_os_release
from headroom_agent.samplers.memory import MemorySampler
from headroom_agent.samplers.pressure import PressureSampler
from headroom_agent.spool import SpoolState

NOW = Moment(0, 0)


def test_kernel_kilobytes_are_1024_bytes() -> None:
    assert memory.parse(b"MemTotal: 2 kB\nCached: 1 kB\n") == {"MemTotal": 2048, "Cached": 1024}


def test_swapcached_is_not_taken_for_cached() -> None:
    assert "Cached" not in memory.parse(b"MemTotal: 2 kB\nSwapCached: 9 kB\n")


def test_a_meminfo_without_a_total_is_refused() -> None:
    with pytest.raises(SampleError, match="has no 'MemTotal' line"):
        memory.parse(b"MemFree: 2 kB\n", "/proc/meminfo")
    with pytest.raises(SampleError, match="MemTotal: expected a number of kB"):
        memory.parse(b"MemTotal: lots\n", "/proc/meminfo")


def test_memory_that_the_kernel_does_not_tell_is_absent_and_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "meminfo").write_text("MemTotal: 2 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n")
    sampler = MemorySampler(tmp_path, Notices(logging.getLogger("memory")))
    for _ in range(3):
        host = sampler.sample(NOW).host
    assert not host.HasField("memory_used_bytes")
    assert host.memory_swap_used_bytes == 0
    assert host.HasField("memory_swap_used_bytes")
    assert [r.getMessage().split(": ", 1)[1] for r in caplog.records] == [
        "no MemAvailable, Cached: this kernel does not tell; left out"
    ]


def test_load_and_uptime_need_numbers() -> None:
    assert load.parse("0.41 0.18 0.14 2/95 8953\n") == (0.41, 0.18, 0.14)
    assert uptime.parse("1458.35 2669.92\n") == 1458.35
    with pytest.raises(SampleError, match="expected three numbers first"):
        load.parse("0.41 0.18", "/proc/loadavg")
    with pytest.raises(SampleError, match="expected a number first"):
        uptime.parse("", "/proc/uptime")


def test_pressure_is_in_seconds() -> None:
    line = "some avg10=0.95 avg60=1.19 avg300=0.35 total=9664598\n"
    assert pressure.parse(line) == {"some": 9.664598}
    with pytest.raises(SampleError, match="expected total=MICROSECONDS"):
        pressure.parse("some avg10=0.95")


def test_a_kernel_without_pressure_is_no_fault(tmp_path: Path) -> None:
    with pytest.raises(NoData, match="keeps no pressure"):
        PressureSampler(tmp_path).sample(NOW)


def test_a_makers_filler_is_no_fact() -> None:
    assert dmi.clean("To Be Filled By O.E.M.") == ""
    assert dmi.clean(" PowerEdge  R640 ") == "PowerEdge R640"


def test_the_firmwares_date_becomes_iso() -> None:
    assert dmi.iso_date("11/02/2021") == "2021-11-02"
    assert dmi.iso_date("2021") == ""


def test_a_name_without_pretty_name_is_put_together() -> None:
    assert parse_os_release('NAME="Alpine Linux"\nVERSION_ID=3.20\n') == "Alpine Linux 3.20"
    assert parse_os_release("") == ""


def test_an_empty_cpuinfo_gives_no_counts() -> None:
    assert cpuinfo.parse("") == cpuinfo.Cpus()


def test_facts_come_at_first_and_on_change_only(tmp_path: Path) -> None:
    (tmp_path / "cpuinfo").write_text("processor\t: 0\nmodel name\t: A CPU @ 2.00GHz\n\n")
    (tmp_path / "meminfo").write_text("MemTotal: 2 kB\n")
    sampler = FactsSampler(tmp_path, tmp_path, tmp_path)
    first = sampler.sample(NOW)
    assert first.facts.base_hertz == 2e9
    assert not first.facts.HasField("sockets")
    assert not sampler.sample(NOW).HasField("facts")
    (tmp_path / "meminfo").write_text("MemTotal: 4 kB\n")
    assert sampler.sample(NOW).facts.memory_bytes == 4096


def test_the_agent_tells_its_own_cost() -> None:
    agent = SelfSampler(lambda: 0.5, lambda: SpoolState(3, 300, 1), Statm()).sample(NOW).agent
    assert agent.cpu_seconds_total > 0
    assert agent.memory_resident_bytes > 1_000_000
    assert (agent.spool_batches, agent.spool_bytes, agent.dropped_batches_total) == (3, 300, 1)
    assert agent.cycle_seconds == 0.5
