"""Shares of the host's energy in its cycles: they add up to it, machine by machine."""

import random

from headroom_agent.samplers.energy_vms import VmEnergy, busy_seconds
from headroom_core.energy_split import POLICY
from headroom_proto.v1 import samples_pb2, telemetry_pb2


class Host:
    """A host of 16 threads that makes cycles."""

    def __init__(self) -> None:
        self.now = self.energy = 0
        self.busy = 0.0
        self.vms: dict[str, samples_pb2.VmSample] = {}
        self.shares = VmEnergy()

    def runs(self, uuid: str, vcpus: int) -> None:
        self.vms[uuid] = samples_pb2.VmSample(
            uuid=uuid, name=f"vm {uuid}", vcpus=vcpus, state=1, cpu_seconds_total=0
        )

    def after(
        self, seconds: int, watts: float, busy: float = 0, **used: float
    ) -> telemetry_pb2.Cycle:
        self.now += seconds
        self.energy += round(watts * seconds * 1e6)
        self.busy += busy
        for uuid, cpu in used.items():
            self.vms[uuid].cpu_seconds_total += cpu
        cycle = telemetry_pb2.Cycle(
            boottime_nano=self.now * 10**9,
            host=samples_pb2.HostSample(cpus=16, cpu_user_seconds_total=self.busy),
            vms=list(self.vms.values()),
            energy=[
                samples_pb2.EnergySample(domain="package-0", quantity="component"),
                samples_pb2.EnergySample(
                    domain="host",
                    quantity="wall",
                    kind="measured",
                    energy_microjoules_total=self.energy,
                    power_watts=watts,
                    idle_floor_watts=100.0,
                ),
            ],
        )
        self.shares.add_to(cycle)
        return cycle


def parts(cycle: telemetry_pb2.Cycle) -> dict[str, tuple[float, float]]:
    return {
        sample.uuid or sample.part: (sample.dynamic_power_watts, sample.idle_power_watts)
        for sample in cycle.vm_energy
    }


def joules(cycle: telemetry_pb2.Cycle) -> int:
    return sum(
        sample.dynamic_energy_microjoules_total + sample.idle_energy_microjoules_total
        for sample in cycle.vm_energy
    )


def test_shares_are_above_and_below_the_idle_floor() -> None:
    host = Host()
    host.runs("a", 4)
    host.runs("b", 8)
    assert not host.after(10, 300).vm_energy
    cycle = host.after(10, 300, busy=20, a=10, b=5)
    assert parts(cycle) == {
        "a": (100.0, 25.0),
        "b": (50.0, 50.0),
        "host": (50.0, 0.0),
        "unallocated": (0.0, 25.0),
    }
    first = cycle.vm_energy[0]
    assert (first.part, first.name, first.kind, first.policy) == ("vm", "vm a", "measured", POLICY)
    assert not cycle.vm_energy[2].HasField("idle_power_watts")
    assert not cycle.vm_energy[3].HasField("dynamic_power_watts")


def test_totals_add_up_to_the_host_over_a_thousand_odd_cycles() -> None:
    rng, host = random.Random(3), Host()
    for name in "abcdef":
        host.runs(name, rng.randint(1, 6))
    host.after(10, 200)
    start = host.energy
    for _ in range(1000):
        used = {name: rng.uniform(0, 20) for name in "abcdef"}
        cycle = host.after(10, rng.uniform(20, 400), sum(used.values()) * 1.1, **used)
        assert joules(cycle) == host.energy - start


def test_a_machine_that_stops_has_no_share_and_the_others_go_on() -> None:
    host = Host()
    host.runs("a", 4)
    host.runs("b", 8)
    host.after(10, 300)
    host.vms["b"].state = 5
    assert set(parts(host.after(10, 300, busy=10, a=10))) == {"a", "host", "unallocated"}
    del host.vms["b"]
    assert set(parts(host.after(10, 300, busy=10, a=10))) == {"a", "host", "unallocated"}


def test_a_host_without_guests_or_after_a_silence_has_no_shares() -> None:
    host = Host()
    host.after(10, 300)
    assert not host.after(10, 300).vm_energy
    host.runs("a", 4)
    assert host.after(10, 300).vm_energy
    assert not host.after(4000, 300).vm_energy


def test_an_interval_without_power_or_cpu_time_has_no_shares() -> None:
    shares = VmEnergy()
    bare = telemetry_pb2.Cycle(boottime_nano=10**9)
    shares.add_to(bare)
    assert not bare.vm_energy
    assert busy_seconds(samples_pb2.HostSample()) is None


def test_a_change_of_source_leaves_out_no_energy_and_counts_none_twice() -> None:
    host = Host()
    host.runs("a", 4)
    host.after(10, 200)
    shares, at = host.shares, host.now

    def cycle(seconds: int, **totals: int) -> telemetry_pb2.Cycle:
        nonlocal at
        at += seconds
        made = telemetry_pb2.Cycle(
            boottime_nano=at * 10**9,
            host=samples_pb2.HostSample(cpus=16, cpu_user_seconds_total=host.busy),
            vms=list(host.vms.values()),
        )
        for place, (source, total) in enumerate(totals.items()):
            made.energy.add(
                domain="host",
                quantity="wall",
                source=source,
                kind="measured",
                energy_microjoules_total=total,
                power_watts=None if place else 100.0,
            )
        shares.add_to(made)
        return made

    assert not joules(cycle(10, dcmi=5_000_000))
    # What grew since, of the source that ends too; the one that begins has its total of old.
    assert joules(cycle(10, model=900_000_000, dcmi=7_000_000)) == 2_000_000
    assert joules(cycle(10, model=903_000_000)) == 5_000_000
    assert joules(cycle(10, dcmi=7_000_000, model=904_000_000)) == 6_000_000
