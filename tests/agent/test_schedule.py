"""The schedule: a sampler that fails or hangs costs nothing but its own figures."""

import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from headroom_agent.notices import Notices
from headroom_agent.sampler import Moment, NoData, SampleError, Sampler
from headroom_agent.schedule import Merger, Part, Schedule
from headroom_proto.v1 import samples_pb2, telemetry_pb2


@dataclass
class Fake:
    """A sampler that does what it is told."""

    name: str
    act: Callable[[], telemetry_pb2.Cycle]
    interval_seconds: float = 0.0

    def sample(self, now: Moment) -> telemetry_pb2.Cycle:
        return self.act()


def load() -> telemetry_pb2.Cycle:
    return telemetry_pb2.Cycle(host=samples_pb2.HostSample(load1=1.0))


def uptime() -> telemetry_pb2.Cycle:
    return telemetry_pb2.Cycle(host=samples_pb2.HostSample(uptime_seconds=2.0))


def raising(error: Exception) -> Callable[[], telemetry_pb2.Cycle]:
    def act() -> telemetry_pb2.Cycle:
        raise error

    return act


def at(seconds: float) -> Moment:
    return Moment(int(seconds * 1e9), int(seconds * 1e9))


Make = Callable[..., Schedule]


@pytest.fixture
def make() -> Iterator[Make]:
    made: list[Schedule] = []

    def schedule(*samplers: Sampler, deadline: float = 5.0) -> Schedule:
        notices = Notices(logging.getLogger("schedule"))
        made.append(Schedule(samplers, deadline, notices))
        return made[-1]

    yield schedule
    for each in made:
        each.close()


def merged(schedule: Schedule, seconds: float = 0.0) -> telemetry_pb2.Cycle:
    return Merger().merge(at(seconds), schedule.run(at(seconds)))


def states(cycle: telemetry_pb2.Cycle) -> dict[str, tuple[int, int]]:
    return {s.sampler: (s.up, s.failures_total) for s in cycle.samplers}


def test_the_parts_of_all_samplers_become_one_cycle(make: Make) -> None:
    cycle = merged(make(Fake("load", load), Fake("uptime", uptime)), 7)
    assert (cycle.host.load1, cycle.host.uptime_seconds) == (1.0, 2.0)
    assert cycle.time_unix_nano == cycle.boottime_nano == 7 * 10**9
    assert states(cycle) == {"load": (1, 0), "uptime": (1, 0)}


def test_a_sampler_that_fails_is_counted_and_the_others_go_on(
    make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    faults = [SampleError("x: gone"), KeyError("odd\nthing"), ZeroDivisionError("no")]
    for fault in faults:
        cycle = merged(make(Fake("bad", raising(fault)), Fake("uptime", uptime)))
        assert states(cycle) == {"bad": (0, 1), "uptime": (1, 0)}
        assert cycle.host.uptime_seconds == 2.0
    said = [record.getMessage() for record in caplog.records]
    assert said == [
        "sampler bad failed: x: gone; the others go on",
        "sampler bad failed: KeyError: 'odd\\nthing'; the others go on",
        "sampler bad failed: ZeroDivisionError: no; the others go on",
    ]


def test_a_fault_is_said_once_for_each_change(
    make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    bad = Fake("bad", raising(SampleError("gone")))
    schedule = make(bad)
    for _ in range(3):
        cycle = merged(schedule)
    assert states(cycle) == {"bad": (0, 3)}
    bad.act = load
    assert states(merged(schedule)) == {"bad": (1, 3)}
    said = [record.getMessage() for record in caplog.records]
    assert said == ["sampler bad failed: gone; the others go on", "sampler bad: works again"]


def test_hardware_that_is_not_there_is_no_fault(
    make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    cycle = merged(make(Fake("rapl", raising(NoData("no powercap")))))
    assert states(cycle) == {"rapl": (1, 0)}
    assert [r for r in caplog.records if r.levelno >= logging.INFO] == []


def test_a_sampler_that_hangs_is_left_behind_until_it_comes_back(make: Make) -> None:
    release, came_back = threading.Event(), threading.Event()

    def hang() -> telemetry_pb2.Cycle:
        release.wait(60)
        came_back.set()
        return load()

    schedule = make(Fake("slow", hang), Fake("uptime", uptime), deadline=0.2)
    first = merged(schedule, 0)
    assert states(first) == {"slow": (0, 1), "uptime": (1, 0)}
    assert first.host.uptime_seconds == 2.0
    second = merged(schedule, 10)
    assert states(second) == {"slow": (0, 2), "uptime": (1, 0)}
    assert not came_back.is_set()
    hanging = schedule._records["slow"].hanging
    assert hanging is not None
    release.set()
    assert hanging.done.wait(10)
    assert states(merged(schedule, 20)) == {"slow": (1, 2), "uptime": (1, 0)}


def test_what_a_late_sampler_says_in_the_end_is_not_taken_for_now(make: Make) -> None:
    release = threading.Event()

    def hang() -> telemetry_pb2.Cycle:
        release.wait(60)
        return load()

    schedule = make(Fake("slow", hang, interval_seconds=60), deadline=0.2)
    merged(schedule, 0)
    hanging = schedule._records["slow"].hanging
    assert hanging is not None
    release.set()
    assert hanging.done.wait(10)
    assert not merged(schedule, 10).HasField("host")


def test_a_sampler_runs_when_its_interval_has_passed(make: Make) -> None:
    schedule = make(Fake("minutely", load, interval_seconds=60), Fake("uptime", uptime))
    ran = [merged(schedule, s).host.HasField("load1") for s in (0, 10, 50, 59.7, 69.7, 119.6)]
    assert ran == [True, False, False, True, False, True]


def test_facts_are_always_sent_whole() -> None:
    merger = Merger()
    facts = telemetry_pb2.HostFacts(kernel="6.1", sockets=2)
    first = Part("facts", telemetry_pb2.Cycle(facts=facts))
    later = telemetry_pb2.HostFacts(hypervisor="QEMU 7.2.0")
    merger.merge(at(0), [first])
    cycle = merger.merge(at(1), [Part("libvirt", telemetry_pb2.Cycle(facts=later))])
    assert (cycle.facts.kernel, cycle.facts.sockets, cycle.facts.hypervisor) == (
        "6.1",
        2,
        "QEMU 7.2.0",
    )
    assert not merger.merge(at(2), []).HasField("facts")
    merger.repeat_facts()
    assert merger.merge(at(3), []).facts == cycle.facts
    assert not merger.merge(at(4), []).HasField("facts")
