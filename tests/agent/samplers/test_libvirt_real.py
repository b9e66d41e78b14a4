"""The libvirt sampler against a real libvirtd with real QEMU guests."""

import logging
import os
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from rigs.libvirt import Libvirt, running_libvirt, wait_for

from headroom_agent.notices import Notices
from headroom_agent.sampler import take_moment
from headroom_agent.samplers.cpu import CpuSampler
from headroom_agent.samplers.libvirt import LibvirtSampler
from headroom_agent.samplers.libvirt_domains import STATES
from headroom_agent.schedule import Schedule
from headroom_proto.v1 import telemetry_pb2

pytestmark = pytest.mark.timeout(240)


@pytest.fixture(scope="module")
def hypervisor() -> Iterator[Libvirt]:
    """A guest that rests, a busy one with two vCPUs, and one that is off."""
    with running_libvirt() as rig:
        rig.define("one")
        rig.define("two", vcpus=2, busy=True)
        rig.define("off")
        rig.boot("one")
        rig.boot("two")
        yield rig


@pytest.fixture
def sampler(hypervisor: Libvirt) -> Iterator[LibvirtSampler]:
    made = LibvirtSampler(hypervisor.uri, Path("/proc"), deadline_seconds=1.0)
    yield made
    made.close()


def fresh(sampler: LibvirtSampler) -> telemetry_pb2.Cycle:
    """Sample until libvirt answers."""
    cycles: list[telemetry_pb2.Cycle] = []

    def answered() -> bool:
        cycles.append(sampler.sample(take_moment()))
        return not cycles[-1].host.domains_stale

    wait_for(answered, "libvirt answers the sampler")
    return cycles[-1]


def counted(cycle: telemetry_pb2.Cycle) -> dict[str, int]:
    counts = {state: getattr(cycle.host, f"domains_{state}") for state in STATES}
    return {state: count for state, count in counts.items() if count}


def told(hypervisor: Libvirt) -> dict[str, int]:
    """Count the domains by state as virsh does."""
    stats = hypervisor.domstats().values()
    return dict(Counter(STATES[int(values["state.state"])] for values in stats))


def test_counts_and_cpu_seconds_agree_with_virsh(
    hypervisor: Libvirt, sampler: LibvirtSampler
) -> None:
    before = hypervisor.domstats()
    cycle = fresh(sampler)
    after = hypervisor.domstats()
    assert counted(cycle) == told(hypervisor) == {"running": 2, "shutoff": 1}
    assert cycle.host.vcpus_running == 3
    assert cycle.host.domains_memory_bytes == 2 * 64 << 20
    for vm in cycle.vms:
        if vm.state == 1:
            low, high = (int(stats[vm.name]["cpu.time"]) / 1e9 for stats in (before, after))
            assert low <= vm.cpu_seconds_total <= high
            assert low > 0
            assert vm.memory_resident_bytes > 1 << 20
            assert vm.HasField("steal_seconds_total")
        else:
            assert not vm.HasField("cpu_seconds_total")
            assert vm.domain_id == -1
    assert "QEMU" in cycle.facts.hypervisor


def test_the_ratio_is_the_share_of_the_vcpus_that_the_counter_grew_by(
    hypervisor: Libvirt, sampler: LibvirtSampler
) -> None:
    first = {vm.name: vm for vm in fresh(sampler).vms}
    assert not first["two"].HasField("cpu_utilisation_ratio")
    start = sampler._last
    start_cpu = first["two"].cpu_seconds_total

    def worked() -> bool:
        stats = hypervisor.domstats()["two"]
        return int(stats["cpu.time"]) / 1e9 > start_cpu + 0.2

    wait_for(worked, "the guest used 0.2 s of CPU")
    two = next(vm for vm in fresh(sampler).vms if vm.name == "two")
    assert start is not None
    assert sampler._last is not None
    seconds = (sampler._last.boottime_ns - start.boottime_ns) / 1e9
    grown = two.cpu_seconds_total - start_cpu
    assert two.cpu_utilisation_ratio == pytest.approx(min(1.0, grown / seconds / 2))
    assert two.cpu_utilisation_ratio > 0


def test_suspending_destroying_and_defining_change_the_counts(
    hypervisor: Libvirt, sampler: LibvirtSampler
) -> None:
    first = next(vm for vm in fresh(sampler).vms if vm.name == "one")
    hypervisor.virsh("suspend", "one")
    assert counted(fresh(sampler)) == told(hypervisor) == {"running": 1, "paused": 1, "shutoff": 1}
    hypervisor.virsh("destroy", "one")
    assert counted(fresh(sampler)) == told(hypervisor) == {"running": 1, "shutoff": 2}
    hypervisor.define("new")
    assert counted(fresh(sampler)) == told(hypervisor) == {"running": 1, "shutoff": 3}
    hypervisor.virsh("undefine", "new")
    hypervisor.boot("one")
    again = next(vm for vm in fresh(sampler).vms if vm.name == "one")
    assert again.domain_id != first.domain_id
    assert again.uuid == first.uuid
    assert not again.HasField("cpu_utilisation_ratio")


def test_a_stopped_daemon_makes_the_domains_stale_until_it_goes_on(
    hypervisor: Libvirt, sampler: LibvirtSampler, caplog: pytest.LogCaptureFixture
) -> None:
    fresh(sampler)
    hypervisor.signal(signal.SIGSTOP)
    try:
        for _ in range(3):
            cycle = sampler.sample(take_moment())
            assert cycle.host.domains_stale == 1
            assert not cycle.host.HasField("domains_running")
            assert not cycle.vms
    finally:
        hypervisor.signal(signal.SIGCONT)
    assert counted(fresh(sampler)) == {"running": 2, "shutoff": 1}
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == 1
    assert f"libvirtd (pid {hypervisor.pid}) is stopped" in said[0]


def test_a_stopped_daemon_does_not_hold_up_the_hosts_own_figures(
    hypervisor: Libvirt, sampler: LibvirtSampler
) -> None:
    fresh(sampler)
    notices = Notices(logging.getLogger("test.schedule"))
    schedule = Schedule((CpuSampler(Path("/proc"), notices), sampler), 4.0, notices)
    hypervisor.signal(signal.SIGSTOP)
    try:
        for _ in range(3):
            parts = {part.sampler: part.cycle for part in schedule.run(take_moment())}
            assert parts["cpu"].host.HasField("cpu_idle_seconds_total")
            assert parts["libvirt"].host.domains_stale == 1
            assert all(state.up == 1 for state in parts["agent"].samplers)
    finally:
        hypervisor.signal(signal.SIGCONT)
        schedule.close()
    fresh(sampler)


def test_a_killed_daemon_that_is_started_again_is_found_with_all_counters(
    hypervisor: Libvirt, sampler: LibvirtSampler
) -> None:
    before = {vm.uuid: vm.cpu_seconds_total for vm in fresh(sampler).vms if vm.state == 1}
    hypervisor.kill()
    assert sampler.sample(take_moment()).host.domains_stale == 1
    hypervisor.start()
    after = {vm.uuid: vm for vm in fresh(sampler).vms}
    assert len(before) == 2
    for uuid, seconds in before.items():
        assert after[uuid].cpu_seconds_total >= seconds
        assert after[uuid].HasField("cpu_utilisation_ratio")


def test_one_guest_that_hangs_does_not_hide_the_others(
    hypervisor: Libvirt, sampler: LibvirtSampler
) -> None:
    fresh(sampler)
    hung = hypervisor.guest_pid("two")
    os.kill(hung, signal.SIGSTOP)
    try:
        cycle = fresh(sampler)
        vms = {vm.name: vm for vm in cycle.vms}
        assert counted(cycle) == {"running": 2, "shutoff": 1}
        assert vms["one"].HasField("cpu_seconds_total")
    finally:
        os.kill(hung, signal.SIGCONT)
    assert counted(fresh(sampler)) == {"running": 2, "shutoff": 1}
