"""The samplers through psutil beside those through procfs, on one and the same Linux host."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from google.protobuf.message import Message

from headroom_agent.config import AgentConfig
from headroom_agent.lane import attempt
from headroom_agent.notices import Notices
from headroom_agent.sampler import Moment, take_moment
from headroom_agent.samplers import portable, registry
from headroom_agent.samplers.registry import Self
from headroom_agent.schedule import Merger, Part
from headroom_proto.v1 import samples_pb2, telemetry_pb2

SECONDS_APART = 5.0
"""What may pass between two readings on a machine that is busy; a counter of CPUs grows by more."""


def take(system: str) -> telemetry_pb2.Cycle:
    """Read this host once as ``system`` would be read."""
    notices = Notices(logging.getLogger("portable"))
    found = [
        attempt(sampler, take_moment(), lambda: 0.0)
        for sampler in registry.samplers_for(system, AgentConfig(), notices)
    ]
    assert not [outcome.fault for outcome in found if outcome.fault]
    parts = [Part(outcome.sampler, outcome.cycle) for outcome in found if outcome.cycle]
    return Merger().merge(Moment(0, 0), parts)


@pytest.fixture(scope="module")
def cycles() -> tuple[telemetry_pb2.Cycle, telemetry_pb2.Cycle, telemetry_pb2.Cycle]:
    """Read through procfs, through psutil, and through procfs again."""
    return take("linux"), take("freebsd14"), take("linux")


def values(message: Message) -> Iterator[tuple[str, float]]:
    for field, value in message.ListFields():
        if isinstance(value, (int, float)):
            yield field.name, float(value)


def check_between(low: Message, found: Message, high: Message, slack: float) -> int:
    """Check that each counter lies between two readings; returns how many there were."""
    lows, highs = dict(values(low)), dict(values(high))
    names = [name for name, _ in values(found) if name.endswith("_total") and name in lows]
    for name, value in values(found):
        if name in names:
            assert lows[name] - slack <= value <= highs[name] + slack, name
    return len(names)


def test_counters_of_the_host_lie_between_two_readings_of_procfs(
    cycles: tuple[telemetry_pb2.Cycle, telemetry_pb2.Cycle, telemetry_pb2.Cycle],
) -> None:
    first, found, last = (cycle.host for cycle in cycles)
    # psutil and we both round clock ticks; its iowait may go back by itself.
    assert check_between(first, found, last, slack=0.05) >= 10


def test_memory_cpus_and_load_are_the_same(
    cycles: tuple[telemetry_pb2.Cycle, telemetry_pb2.Cycle, telemetry_pb2.Cycle],
) -> None:
    first, found, last = (cycle.host for cycle in cycles)
    assert found.memory_total_bytes == first.memory_total_bytes
    assert found.cpus == first.cpus
    assert found.memory_swap_total_bytes == first.memory_swap_total_bytes
    low, high = sorted((first.memory_available_bytes, last.memory_available_bytes))
    assert low - (1 << 30) <= found.memory_available_bytes <= high + (1 << 30)
    assert found.memory_used_bytes == found.memory_total_bytes - found.memory_available_bytes
    assert min(first.load5, last.load5) - 1 <= found.load5 <= max(first.load5, last.load5) + 1
    assert found.uptime_seconds == pytest.approx(first.uptime_seconds, abs=SECONDS_APART)


def test_disks_and_interfaces_are_the_same(
    cycles: tuple[telemetry_pb2.Cycle, telemetry_pb2.Cycle, telemetry_pb2.Cycle],
) -> None:
    first, found, last = cycles
    disks = {disk.device: disk for disk in found.disks}
    for low, high in zip(first.disks, last.disks, strict=True):
        # The kernel counts a disk's time when an operation ends.
        assert check_between(low, disks[low.device], high, slack=1.0) >= 6
    nics = {nic.interface: nic for nic in found.interfaces}
    for before, after in zip(first.interfaces, last.interfaces, strict=True):
        assert check_between(before, nics[before.interface], after, slack=0) == 8
        assert nics[before.interface].up == before.up
    assert "lo" not in nics


def test_facts_agree_where_both_tell(
    cycles: tuple[telemetry_pb2.Cycle, telemetry_pb2.Cycle, telemetry_pb2.Cycle],
) -> None:
    first, found, _ = (cycle.facts for cycle in cycles)
    for name in ("hostname", "kernel", "architecture", "threads", "memory_bytes"):
        assert getattr(found, name) == getattr(first, name), name


def test_the_first_reading_has_no_ratio_and_the_next_one_has() -> None:
    cpu = portable.Cpu()
    assert not cpu.read().host.HasField("cpu_utilisation_ratio")
    cpu.before = {state: seconds - 10 for state, seconds in cpu.before.items()}
    ratio = cpu.read().host.cpu_utilisation_ratio
    assert 0.0 < ratio < 1.0
    assert cpu.current_ratio() == ratio


def test_utilisation_leaves_out_what_waits_for_a_disk_and_counts_guests_once() -> None:
    cpu = portable.Cpu(dict.fromkeys(("user", "system", "idle", "iowait", "guest"), 0.0))
    now = {"user": 3.0, "system": 1.0, "idle": 4.0, "iowait": 2.0, "guest": 3.0}
    assert cpu._ratio(now) == pytest.approx(0.4)
    assert cpu._ratio(dict.fromkeys(now, 0.0)) is None


def test_facts_are_sent_once() -> None:
    facts = portable.Facts()
    assert facts.read().HasField("facts")
    assert not facts.read().HasField("facts")


def test_a_system_without_procfs_gets_no_linux_sampler(tmp_path: Path) -> None:
    config = AgentConfig(procfs=tmp_path, sysfs=tmp_path)
    notices = Notices(logging.getLogger("portable"))
    own = Self(lambda: None, lambda: None)
    names = [s.name for s in registry.build(config, notices, own, tmp_path, system="darwin")]
    assert names == ["cpu", "memory", "load", "uptime", "disks", "interfaces", "facts", "self"]
    assert registry.read_boot(config, "darwin").startswith("boot-")


def test_what_is_read_is_in_the_contract() -> None:
    host = samples_pb2.HostSample.DESCRIPTOR.fields_by_name
    assert {f"cpu_{state}_seconds_total" for state in portable.STATES.values()} <= set(host)
