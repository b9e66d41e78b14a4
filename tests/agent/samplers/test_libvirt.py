"""The libvirt sampler against libvirt's own test driver: a hypervisor without a daemon."""

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from headroom_agent.notices import Notices
from headroom_agent.sampler import Moment
from headroom_agent.samplers.libvirt import LibvirtSampler
from headroom_agent.samplers.libvirt_child import version
from headroom_agent.samplers.libvirt_domains import (
    AnswerError,
    Details,
    Domain,
    Host,
    host_sample,
    parse,
    utilisation,
    vm_sample,
)
from headroom_agent.samplers.libvirt_slow import delay_ns
from headroom_agent.samplers.libvirt_suspects import parse as parse_stat
from headroom_agent.samplers.libvirt_suspects import suspects
from headroom_proto.v1 import telemetry_pb2

NOW = Moment(1_764_000_000_000_000_000, 1_000_000_000)
SECOND = 1_000_000_000
HANGING = """\
import signal
VIR_DOMAIN_STATS_STATE = VIR_DOMAIN_STATS_CPU_TOTAL = 1
VIR_DOMAIN_STATS_BALLOON = VIR_DOMAIN_STATS_VCPU = 2
VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT = 4
class libvirtError(Exception): ...
def registerErrorHandler(handler, context): ...
def openReadOnly(uri): signal.sigwait([signal.SIGUSR1])
"""
NODE = """\
<node>
{domains}
</node>
"""
DOMAIN = """\
<domain type='test' xmlns:test='http://libvirt.org/schemas/domain/test/1.0'>
<name>vm-{number}</name><uuid>00000000-0000-4000-8000-{number:012d}</uuid>
<memory unit='MiB'>64</memory><vcpu>2</vcpu><os><type>hvm</type></os>
<test:runstate>{state}</test:runstate></domain>
"""


def node(folder: Path, *states: int) -> Path:
    path = folder / "node.xml"
    domains = "".join(DOMAIN.format(number=i, state=state) for i, state in enumerate(states))
    path.write_text(NODE.format(domains=domains))
    return path


def details(**changes: int | None) -> Details:
    usual: dict[str, int | None] = {
        "at_ns": 0,
        "cpu_ns": 10 * SECOND,
        "delay_ns": SECOND // 2,
        "vcpus": 2,
        "memory_kib": 1024,
        "memory_max_kib": 2048,
        "resident_kib": 512,
    }
    return Details(**(usual | changes))  # type: ignore[arg-type]  # at_ns is set


def pair(state: int = 1, **changes: int | None) -> tuple[Domain, Details]:
    return Domain("u", "n", 3, state), details(**changes)


@pytest.fixture
def made() -> Iterator[list[LibvirtSampler]]:
    samplers: list[LibvirtSampler] = []
    yield samplers
    for sampler in samplers:
        sampler.close()


def sampler_of(
    uri: str, made: list[LibvirtSampler], *, deadline_seconds: float = 20.0
) -> LibvirtSampler:
    notices = Notices(logging.getLogger("test.libvirt"))
    made.append(
        LibvirtSampler(uri, Path("/proc"), deadline_seconds=deadline_seconds, notices=notices)
    )
    return made[-1]


def stale(cycle: telemetry_pb2.Cycle) -> bool:
    """Whether the cycle says that the domains are stale, and nothing else of them."""
    fields = [field.name for field, _ in cycle.host.ListFields()]
    assert cycle.host.HasField("domains_stale")
    if cycle.host.domains_stale:
        assert fields == ["domains_stale"]
        assert not cycle.vms
    return bool(cycle.host.domains_stale)


def test_every_domain_is_counted_by_its_state(tmp_path: Path, made: list[LibvirtSampler]) -> None:
    path = node(tmp_path, 1, 1, 1, 3, 5, 5, 6)
    cycle = sampler_of(f"test://{path}", made).sample(NOW)
    host = cycle.host
    assert not stale(cycle)
    assert (host.domains_running, host.domains_paused, host.domains_shutoff) == (3, 1, 2)
    assert (host.domains_crashed, host.domains_blocked) == (1, 0)
    assert {vm.name for vm in cycle.vms} == {f"vm-{number}" for number in range(7)}
    assert sorted(vm.state for vm in cycle.vms) == [1, 1, 1, 3, 5, 5, 6]


def test_what_the_driver_does_not_tell_is_absent(made: list[LibvirtSampler]) -> None:
    cycle = sampler_of("test:///default", made).sample(NOW)
    vm = cycle.vms[0]
    assert vm.name == "test"
    assert vm.domain_id >= 1
    absent = {"cpu_seconds_total", "cpu_utilisation_ratio", "memory_bytes", "steal_seconds_total"}
    assert not absent & {column.name for column, _ in vm.ListFields()}
    assert not cycle.host.HasField("vcpus_running")
    assert not cycle.host.HasField("domains_memory_bytes")


def test_the_hypervisor_is_told_once(made: list[LibvirtSampler]) -> None:
    sampler = sampler_of("test:///default", made)
    assert sampler.sample(NOW).facts.hypervisor.startswith("TEST ")
    assert not sampler.sample(NOW).HasField("facts")


def test_a_hypervisor_that_comes_later_heals_by_itself_with_one_line_for_each_change(
    tmp_path: Path, made: list[LibvirtSampler], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    sampler = sampler_of(f"test://{tmp_path / 'node.xml'}", made)
    assert stale(sampler.sample(NOW))
    assert stale(sampler.sample(NOW))
    node(tmp_path, 1)
    assert not stale(sampler.sample(NOW))
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == 2, lines
    assert "node.xml" in lines[0]
    assert lines[1].endswith("answers again")


def test_a_call_that_hangs_is_given_up_and_its_process_ended(
    made: list[LibvirtSampler], caplog: pytest.LogCaptureFixture
) -> None:
    sampler = sampler_of("test:///default", made, deadline_seconds=1.0)
    warm(sampler)
    assert sampler._pipe is not None
    hung = sampler._pipe._process
    os.kill(hung.pid, signal.SIGSTOP)
    assert stale(sampler.sample(NOW))
    assert hung.poll() == -signal.SIGKILL
    assert "does not answer within 1 s" in caplog.text
    warm(sampler)


def warm(sampler: LibvirtSampler) -> None:
    """Sample until it answers: a slow machine may need longer than the deadline at first."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        if not stale(sampler.sample(NOW)):
            return
        time.sleep(0.05)
    pytest.fail("libvirt's test driver did not answer in 60 s")


def test_a_process_that_was_killed_is_replaced(made: list[LibvirtSampler]) -> None:
    sampler = sampler_of("test:///default", made)
    assert not stale(sampler.sample(NOW))
    assert sampler._pipe is not None
    sampler._pipe._process.kill()
    sampler._pipe._process.wait()
    assert stale(sampler.sample(NOW))
    warm(sampler)


def test_an_unknown_uri_is_one_line(
    made: list[LibvirtSampler], caplog: pytest.LogCaptureFixture
) -> None:
    assert stale(sampler_of("nonsense:///x", made).sample(NOW))
    assert caplog.text.count("\n") == 1
    assert "nonsense:///x" in caplog.text


def child(module: str, folder: Path) -> "subprocess.CompletedProcess[bytes]":
    """Ask a child of its own once, with ``module`` in the place of libvirt-python."""
    (folder / "libvirt.py").write_text(module)
    command = [
        sys.executable,
        "-P",
        "-m",
        "headroom_agent.samplers.libvirt_child",
        "x:///",
        "1",
        "60",
    ]
    env = os.environ | {"PYTHONPATH": str(folder)}
    return subprocess.run(
        command, input=b"?\n", env=env, capture_output=True, timeout=60, check=False
    )


def test_a_missing_libvirt_python_says_what_to_install(tmp_path: Path) -> None:
    done = child("raise ImportError('not here')\n", tmp_path)
    assert done.returncode == 0
    with pytest.raises(AnswerError, match=r"pip install 'headroom\[libvirt\]'"):
        parse(done.stdout)


def test_a_call_that_hangs_ends_by_itself_where_no_agent_is_left(tmp_path: Path) -> None:
    done = child(HANGING, tmp_path)
    assert done.returncode == -signal.SIGALRM
    assert done.stdout == b""


@pytest.mark.parametrize(
    "line", [b"", b"{}\n", b"[1]\n", b'{"domains": [{"id": 1}]}\n', b"\xff\n"]
)
def test_an_answer_that_cannot_be_read_is_an_error(line: bytes) -> None:
    with pytest.raises(AnswerError):
        parse(line)


def test_units_become_base_units() -> None:
    sample = vm_sample(*pair(), 0.5, hung=True)
    assert sample.cpu_seconds_total == pytest.approx(10.0)
    assert sample.steal_seconds_total == pytest.approx(0.5)
    assert sample.memory_bytes == 1024 * 1024
    assert sample.memory_max_bytes == 2048 * 1024
    assert sample.memory_resident_bytes == 512 * 1024
    assert sample.quarantined == 1


@pytest.mark.parametrize(
    ("later", "expected"),
    [
        ({"cpu_ns": 14 * SECOND}, 0.2),
        ({"cpu_ns": 10 * SECOND}, 0.0),
        ({"cpu_ns": 99 * SECOND}, 1.0),
        ({"cpu_ns": 14 * SECOND, "vcpus": 4}, 0.1),
        ({"cpu_ns": 2 * SECOND}, None),
        ({"cpu_ns": None}, None),
        ({"cpu_ns": 14 * SECOND, "vcpus": None}, None),
        ({"cpu_ns": 14 * SECOND, "at_ns": 0}, None),
    ],
)
def test_the_share_of_the_vcpus_is_what_the_counter_grew_by(
    later: dict[str, int | None], expected: float | None
) -> None:
    found = utilisation(details(), details(**({"at_ns": 10 * SECOND} | later)))
    assert found == (None if expected is None else pytest.approx(expected))


def test_the_first_reading_has_no_ratio() -> None:
    assert utilisation(None, details()) is None


def test_a_running_domain_that_hides_its_memory_makes_the_sum_unknown() -> None:
    sample = host_sample([pair(), pair(memory_kib=None)], Host(), 0)
    assert sample.domains_running == 2
    assert sample.vcpus_running == 4
    assert not sample.HasField("domains_memory_bytes")


def test_only_running_domains_count_for_vcpus_and_memory() -> None:
    sample = host_sample([pair(), pair(2), pair(3), pair(5)], Host(), 1)
    assert sample.vcpus_running == 4
    assert sample.domains_memory_bytes == 2 * 1024 * 1024
    assert (sample.domains_defined, sample.domains_quarantined) == (4, 1)


def test_density_is_measured_by_cores_and_memory_and_absent_without_them() -> None:
    sample = host_sample([pair(), pair()], Host(cores=16, memory_bytes=1 << 20), 0)
    assert (sample.vcpus_per_core, sample.domains_memory_per_physical) == (0.25, 2.0)
    unknown = host_sample([pair()], Host(), 0)
    assert not unknown.HasField("vcpus_per_core")
    assert not unknown.HasField("domains_memory_per_physical")


def test_steal_is_the_sum_over_the_vcpus_and_absent_without_them() -> None:
    assert delay_ns({"vcpu.0.delay": 5, "vcpu.3.delay": 7, "vcpu.0.time": 99}) == 12
    assert delay_ns({"vcpu.current": 2}) is None


def test_versions_are_written_as_people_do() -> None:
    assert version(7_002_022) == "7.2.22"


def test_stopped_processes_are_named(tmp_path: Path) -> None:
    for pid, stat in {
        "70": "70 (libvirtd) T 1 2 3",
        "71": "71 (qemu (odd) x86) S 1 2 3",
        "72": "72 (bash) T 1 2 3",
        "73": "73 (qemu-system-x86) D 1 2 3",
    }.items():
        (tmp_path / pid).mkdir()
        (tmp_path / pid / "stat").write_text(stat)
    assert parse_stat("71 (qemu (odd) x86) S 1 2 3") == ("qemu (odd) x86", "S")
    assert suspects(tmp_path) == [
        "libvirtd (pid 70) is stopped",
        "qemu-system-x86 (pid 73) is waiting for a disk",
    ]
