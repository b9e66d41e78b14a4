"""The libvirt sampler against a real libvirtd with real QEMU guests."""

import logging
import os
import signal
import subprocess
import sys
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
from headroom_proto.v1 import samples_pb2, telemetry_pb2

pytestmark = pytest.mark.timeout(240)

REPEATS = int(os.environ.get("HEADROOM_REPEATS", "2"))
"""How often each fault is tried; the long form tries 20 times."""


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
    first = fresh(sampler)
    # A busy machine may take longer to ask each guest for its memory than a first answer waits.
    wait_for(
        lambda: fresh(sampler).host.HasField("domains_memory_bytes"), "every guest was asked once"
    )
    before = hypervisor.domstats()
    cycle = fresh(sampler)
    after = hypervisor.domstats()
    assert counted(cycle) == told(hypervisor) == {"running": 2, "shutoff": 1}
    assert cycle.host.vcpus_running == 3
    assert cycle.host.domains_memory_bytes == 2 * 64 << 20
    for vm in cycle.vms:
        if vm.state == 1:
            low, high = (int(stats[vm.name]["cpu.time"]) / 1e9 for stats in (before, after))
            # libvirt and the sampler both count the process's clock ticks of 10 ms.
            assert low - 0.011 <= vm.cpu_seconds_total <= high + 0.011
            assert low > 0
            assert vm.memory_resident_bytes > 1 << 20
            assert vm.HasField("steal_seconds_total")
        else:
            assert not vm.HasField("cpu_seconds_total")
            assert vm.domain_id == -1
    assert "QEMU" in first.facts.hypervisor


def test_the_ratio_is_the_share_of_the_vcpus_that_the_counter_grew_by(
    hypervisor: Libvirt, sampler: LibvirtSampler
) -> None:
    first = {vm.name: vm for vm in fresh(sampler).vms}
    assert not first["two"].HasField("cpu_utilisation_ratio")
    start = dict(sampler._last)
    start_cpu = first["two"].cpu_seconds_total

    def worked() -> bool:
        stats = hypervisor.domstats()["two"]
        return int(stats["cpu.time"]) / 1e9 > start_cpu + 0.2

    wait_for(worked, "the guest used 0.2 s of CPU")
    two = next(vm for vm in fresh(sampler).vms if vm.name == "two")
    key = (two.uuid, two.domain_id)
    seconds = (sampler._last[key].at_ns - start[key].at_ns) / 1e9
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


@pytest.mark.parametrize("_attempt", range(REPEATS))
def test_a_stopped_daemon_makes_the_domains_stale_until_it_goes_on(
    hypervisor: Libvirt,
    sampler: LibvirtSampler,
    caplog: pytest.LogCaptureFixture,
    _attempt: int,
) -> None:
    fresh(sampler)
    caplog.clear()  # what a busy machine's first answers came too late for
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


@pytest.mark.parametrize("_attempt", range(REPEATS))
def test_a_killed_daemon_that_is_started_again_is_found_with_all_counters(
    hypervisor: Libvirt, sampler: LibvirtSampler, _attempt: int
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


@pytest.mark.parametrize("_attempt", range(REPEATS))
def test_a_guest_that_is_destroyed_during_the_calls_leaves_the_others(
    hypervisor: Libvirt, _attempt: int
) -> None:
    # Every cycle asks every guest for everything, so that the end meets a call.
    sampler = LibvirtSampler(
        hypervisor.uri, Path("/proc"), deadline_seconds=2.0, guests_seconds=0.0
    )
    try:
        fresh(sampler)
        destroying = hypervisor.begin("destroy", "one")
        cycles: list[telemetry_pb2.Cycle] = []

        def gone() -> bool:
            cycles.append(sampler.sample(take_moment()))
            return counted(cycles[-1]) == {"running": 1, "shutoff": 2}

        wait_for(gone, "the guest is counted as switched off")
        assert destroying.wait(30) == 0
        # libvirt may hold its list while it ends a guest: then the set is stale, and never half.
        whole = [cycle for cycle in cycles if not cycle.host.domains_stale]
        assert all(named(cycle)["two"].HasField("cpu_seconds_total") for cycle in whole)
        assert all(cycle.host.domains_defined == 3 for cycle in whole)
        assert not named(cycles[-1])["one"].HasField("cpu_seconds_total")
    finally:
        sampler.close()
        hypervisor.boot("one")


def named(cycle: telemetry_pb2.Cycle) -> dict[str, samples_pb2.VmSample]:
    return {vm.name: vm for vm in cycle.vms}


@pytest.mark.parametrize("_attempt", range(REPEATS))
def test_one_guest_that_hangs_is_quarantined_and_the_others_go_on(
    hypervisor: Libvirt, caplog: pytest.LogCaptureFixture, _attempt: int
) -> None:
    caplog.set_level(logging.INFO)
    sampler = LibvirtSampler(
        hypervisor.uri, Path("/proc"), deadline_seconds=1.5, guests_seconds=0.2
    )
    hung = hypervisor.guest_pid("two")
    try:
        before = named(fresh(sampler))["one"]
        os.kill(hung, signal.SIGSTOP)
        cycles: list[telemetry_pb2.Cycle] = []

        def quarantined() -> bool:
            cycles.append(sampler.sample(take_moment()))
            return cycles[-1].host.domains_quarantined == 1

        wait_for(quarantined, "the guest that hangs is quarantined")
        assert not any(cycle.host.domains_stale for cycle in cycles)
        for _ in range(3):
            cycle = sampler.sample(take_moment())
            vms = named(cycle)
            assert counted(cycle) == {"running": 2, "shutoff": 1}
            assert (vms["one"].quarantined, vms["two"].quarantined) == (0, 1)
            assert vms["one"].cpu_seconds_total >= before.cpu_seconds_total
            assert vms["one"].HasField("memory_bytes")
            assert vms["two"].HasField("cpu_seconds_total")
        os.kill(hung, signal.SIGCONT)
        wait_for(
            lambda: sampler.sample(take_moment()).host.domains_quarantined == 0,
            "the guest that goes on is asked again",
        )
    finally:
        os.kill(hung, signal.SIGCONT)
        sampler.close()
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == 2, said
    assert said[0].startswith("virtual machine two keeps libvirt waiting")
    assert said[1] == "virtual machine two answers again"


def test_a_guests_cpu_time_and_steal_come_from_its_process_between_the_slow_readings(
    hypervisor: Libvirt, sampler: LibvirtSampler
) -> None:
    first = named(fresh(sampler))["two"]

    def grew() -> bool:
        vm = named(sampler.sample(take_moment()))["two"]
        return vm.cpu_seconds_total > first.cpu_seconds_total

    wait_for(grew, "the busy guest's CPU time grows although libvirt is asked once a minute")
    stats = hypervisor.domstats()["two"]
    two = named(sampler.sample(take_moment()))["two"]
    assert two.cpu_seconds_total >= int(stats["cpu.time"]) / 1e9 - 0.011
    told = sum(int(value) for key, value in stats.items() if key.endswith(".delay"))
    assert two.steal_seconds_total >= told / 1e9


AS_NOBODY = """
import os, sys
from pathlib import Path
from headroom_agent.samplers.guests import Guests
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
guests = Guests(Path("/proc"))
guests.follow([(sys.argv[1], 1)])
print(guests.read(sys.argv[1]))
"""


def test_an_unprivileged_agent_reads_the_guests_processes(
    hypervisor: Libvirt, sampler: LibvirtSampler
) -> None:
    two = named(fresh(sampler))["two"]
    command = [sys.executable, "-c", AS_NOBODY, two.uuid]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert "vcpus=2" in done.stdout, done.stderr
    assert "delay_ns=None" not in done.stdout
