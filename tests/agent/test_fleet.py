"""The simulated fleet: its figures are consistent, its streams keep the contract."""

import json
import signal
import subprocess
import sys
import threading
import tomllib
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import grpc
import pytest
import trustme

from headroom_agent.fleet.cycle import NANO, cycle
from headroom_agent.fleet.estate import PLACES, HostSpec, host, host_name, inventory
from headroom_agent.fleet.run import history, next_moment
from headroom_agent.fleet.spool import Spool
from headroom_agent.fleet.wave import Pulse, Swell, Wave
from headroom_core.identity import COLLECTOR_NAME
from headroom_proto.v1 import telemetry_pb2, telemetry_pb2_grpc

NOON = 1_764_000_000
MINUTE = 60 * NANO
WAVES = (
    Wave(0.1, (Swell(0.5, 86400, 0.3), Swell(0.1, 77, 0.9))),
    Wave(0.05, (), (Pulse(0.7, 333, 0.4, 0.3),)),
)


@pytest.fixture(scope="module")
def estate() -> list[HostSpec]:
    return [host(1, number) for number in range(1, 51)]


@pytest.mark.parametrize("wave", WAVES)
def test_the_area_of_a_wave_is_the_sum_of_its_values(wave: Wave) -> None:
    step = 0.25
    added = sum(wave.value(NOON + (i + 0.5) * step) * step for i in range(8000))
    assert wave.integral(NOON + 2000) - wave.integral(NOON) == pytest.approx(added, rel=1e-3)


def test_a_cycle_depends_on_nothing_but_seed_host_and_time(estate: list[HostSpec]) -> None:
    first = cycle(estate[4], NOON * NANO, 10).SerializeToString()
    assert cycle(host(1, 5), NOON * NANO, 10).SerializeToString() == first
    assert cycle(host(2, 5), NOON * NANO, 10).SerializeToString() != first


def test_every_ratio_is_a_ratio_and_follows_its_counter(estate: list[HostSpec]) -> None:
    for spec in estate:
        before = cycle(spec, NOON * NANO, 60)
        after = cycle(spec, NOON * NANO + MINUTE, 60)
        assert 0 < after.host.cpu_utilisation_ratio < 0.95
        idle = after.host.cpu_idle_seconds_total - before.host.cpu_idle_seconds_total
        waited = after.host.cpu_iowait_seconds_total - before.host.cpu_iowait_seconds_total
        busy = 1 - (idle + waited) / 60 / after.host.cpus
        assert after.host.cpu_utilisation_ratio == pytest.approx(busy, abs=1e-6)
        for old, new in zip(before.vms, after.vms, strict=True):
            if new.state == 1:
                used = (new.cpu_seconds_total - old.cpu_seconds_total) / 60 / new.vcpus
                assert 0 < new.cpu_utilisation_ratio <= 1
                assert new.cpu_utilisation_ratio == pytest.approx(used, abs=1e-6)
                assert new.steal_seconds_total > old.steal_seconds_total
            else:
                assert not new.HasField("cpu_utilisation_ratio")
        joules = (
            after.energy[0].energy_microjoules_total - before.energy[0].energy_microjoules_total
        )
        assert joules / 60e6 == pytest.approx(after.energy[0].power_watts, rel=1e-6)


def test_counters_only_grow_and_states_add_up_to_the_uptime(estate: list[HostSpec]) -> None:
    names = list(cycle(estate[0], NOON * NANO, 60).host.DESCRIPTOR.fields_by_name)
    counters = [n for n in names if n.startswith("cpu_") and n.endswith("_total")]
    parts = [n for n in counters if "guest" not in n]
    last = dict.fromkeys(counters, 0.0)
    for moment in range(0, 86400, 1800):
        sample = cycle(estate[9], (NOON + moment) * NANO, 60).host
        now = {name: getattr(sample, name) for name in counters}
        assert all(now[name] >= last[name] for name in counters)
        whole = sample.uptime_seconds * sample.cpus
        assert sum(now[name] for name in parts) == pytest.approx(whole)
        last = now


def test_the_estate_has_idle_hosts_and_hosts_over_the_ceiling_at_times(
    estate: list[HostSpec],
) -> None:
    over: dict[str, int] = {}
    idle = 0
    for spec in estate:
        day = [
            cycle(spec, (NOON + 600 * i) * NANO, 600).host.cpu_utilisation_ratio
            for i in range(144)
        ]
        over[spec.name] = sum(ratio > 0.40 for ratio in day)
        idle += max(day) < 0.05
    assert {name for name, count in over.items() if count} == {"sim-003", "sim-028"}
    assert all(count < 144 * 0.8 for count in over.values())
    assert idle >= 3


def test_every_host_has_its_own_vms_and_uuids(estate: list[HostSpec]) -> None:
    uuids = [vm.uuid for spec in estate for vm in spec.vms]
    assert len(set(uuids)) == len(uuids)
    assert all(6 <= len(spec.vms) <= 12 for spec in estate)
    assert {(spec.site, spec.cluster) for spec in estate} == set(PLACES)


def test_a_boot_in_between_sends_the_facts_again(estate: list[HostSpec]) -> None:
    spec = estate[0]
    booted = spec.booted(NOON) + spec.uptime_seconds
    after = cycle(spec, int((booted + 30) * NANO), 60)
    assert after.facts.boot_id
    assert after.host.uptime_seconds == pytest.approx(30, abs=0.01)
    assert 0 < after.host.cpu_utilisation_ratio < 1
    assert not cycle(spec, int((booted + 120) * NANO), 60).HasField("facts")


def test_the_inventory_places_every_host_where_it_says_it_stands() -> None:
    hosts = tomllib.loads(inventory(1, 60))["hosts"]
    assert list(hosts) == [host_name(number) for number in range(1, 61)]
    spec = host(1, 42)
    assert (hosts[spec.name]["site"], hosts[spec.name]["cluster"]) == (spec.site, spec.cluster)
    assert hosts[spec.name]["purchase_date"].isoformat() == spec.hardware.purchase_date


def test_history_ends_before_the_live_figures_begin() -> None:
    now = NOON * NANO + 17 * NANO
    past = history(now, 7200)
    assert len(past) == 120
    assert past[-1] <= now < next_moment(now, 10, 0.3)
    assert all(moment % MINUTE == 0 for moment in past)
    assert len(history(now, 0)) == 0
    assert list(history(now, 7200, after_ns=past[-3] + 5)) == [past[-2], past[-1]]
    assert len(history(now, 7200, after_ns=now)) == 0


def test_a_spool_gives_the_same_batch_again_until_it_is_acknowledged(
    estate: list[HostSpec],
) -> None:
    spool = Spool(estate[0], b"e" * 16, most=5)
    for i in range(8):
        spool.append((NOON + i) * NANO, 1)
    assert (spool.first_seq, spool.next_seq) == (4, 9)
    first = [spool.batch(row) for row in spool.rows(1, 3)]
    assert [batch.seq for batch in first] == [4, 5, 6]
    assert [spool.batch(row) for row in spool.rows(4, 3)] == first
    spool.ack(7)
    assert [row.seq for row in spool.rows(1, 9)] == [8]
    assert spool.acked_ns == (NOON + 6) * NANO
    spool.ack(8)
    assert spool.first_seq == spool.next_seq == 9


@dataclass
class Received:
    """What a small collector was sent, by host; the second batch of each host gets lost once."""

    hellos: dict[str, telemetry_pb2.Hello] = field(default_factory=dict)
    cycles: dict[str, list[telemetry_pb2.Cycle]] = field(default_factory=dict)
    goodbyes: set[str] = field(default_factory=set)
    resends: int = 0
    enough: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)


class Collector(telemetry_pb2_grpc.TelemetryServiceServicer):
    def __init__(self, received: Received, hosts: int, cycles: int) -> None:
        self.received = received
        self.hosts = hosts
        self.wanted = cycles

    def Push(  # noqa: N802 - the contract's name
        self, request_iterator: Iterator[telemetry_pb2.PushRequest], context: grpc.ServicerContext
    ) -> Iterator[telemetry_pb2.PushResponse]:
        proven = cast("dict[str, list[bytes]]", context.auth_context())
        who = proven["x509_subject_alternative_name"][0].decode()
        hello = next(request_iterator).hello
        self.received.hellos[who] = hello
        welcome = telemetry_pb2.Welcome(high_water=0, window=4)
        yield telemetry_pb2.PushResponse(welcome=welcome)
        taken: list[telemetry_pb2.Cycle] = []
        self.received.cycles[who] = taken
        lost = False
        for request in request_iterator:
            if request.HasField("goodbye"):
                self.received.goodbyes.add(who)
                return
            for batch in request.batches.batches:
                if batch.seq == len(taken) + 1 and (lost or batch.seq != 2):
                    assert batch.crc32 == zlib.crc32(batch.payload)
                    taken.append(telemetry_pb2.Cycle.FromString(batch.payload))
                elif batch.seq == 2:
                    lost = True
            if lost and len(taken) == 1:
                self.received.resends += 1
                resend = telemetry_pb2.Resend(epoch=hello.epoch, from_seq=2)
                yield telemetry_pb2.PushResponse(resend=resend)
                continue
            yield telemetry_pb2.PushResponse(
                ack=telemetry_pb2.Ack(epoch=hello.epoch, seq=len(taken))
            )
            self.notice()

    def notice(self) -> None:
        with self.received.lock:
            full = [c for c in self.received.cycles.values() if len(c) >= self.wanted]
            if len(full) == self.hosts:
                self.received.enough.set()


@pytest.fixture
def certificates(tmp_path: Path) -> tuple[trustme.CA, Path]:
    authority = trustme.CA()
    for number in (1, 2, 3):
        folder = tmp_path / host_name(number)
        folder.mkdir()
        issued = authority.issue_cert(host_name(number))
        authority.cert_pem.write_to_path(folder / "ca.pem")
        issued.cert_chain_pems[0].write_to_path(folder / "cert.pem")
        issued.private_key_pem.write_to_path(folder / "key.pem")
    return authority, tmp_path


def _serve(authority: trustme.CA, servicer: Collector) -> tuple[grpc.Server, int]:
    issued = authority.issue_cert(COLLECTOR_NAME)
    server = grpc.server(ThreadPoolExecutor(8))
    telemetry_pb2_grpc.add_TelemetryServiceServicer_to_server(servicer, server)
    pair = (issued.private_key_pem.bytes(), issued.cert_chain_pems[0].bytes())
    credentials = grpc.ssl_server_credentials(
        [pair], authority.cert_pem.bytes(), require_client_auth=True
    )
    port = server.add_secure_port("127.0.0.1:0", credentials)
    server.start()
    return server, port


def _fleet(port: int, root: Path, *more: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "headroom_agent.fleet", "--collector", f"127.0.0.1:{port}"]
    return subprocess.Popen(
        [*command, "--tls-root", str(root), *more], stderr=subprocess.PIPE, text=True
    )


def test_a_fleet_sends_its_past_then_lives_and_says_goodbye(
    certificates: tuple[trustme.CA, Path],
) -> None:
    authority, root = certificates
    received = Received()
    server, port = _serve(authority, Collector(received, hosts=3, cycles=12))
    remembered = root / "fleet.json"
    remembered.write_text(json.dumps({"sim-777": 5}))
    fleet = _fleet(
        *(port, root, "--hosts", "3", "--interval", "0.2", "--history", "600"),
        *("--memory", str(remembered)),
    )
    try:
        assert received.enough.wait(30)
        fleet.send_signal(signal.SIGTERM)
        _, said = fleet.communicate(timeout=20)
    finally:
        fleet.kill()
        fleet.wait()
        server.stop(None).wait()
    assert fleet.returncode == 0, said
    assert "Traceback" not in said
    assert received.goodbyes == {"sim-001", "sim-002", "sim-003"}
    assert received.resends == 3
    for who, cycles in received.cycles.items():
        hello = received.hellos[who]
        assert hello.simulated
        assert hello.interval_seconds == pytest.approx(0.2)
        assert set(hello.hints) == {"site", "cluster", "class"}
        assert cycles[0].facts.simulated
        assert cycles[0].facts.hostname == who
        times = [made.time_unix_nano for made in cycles]
        assert times == sorted(set(times))
        assert times[9] - times[0] == 9 * MINUTE
        assert (times[11] - times[10]) % (NANO // 5) == 0
    known = json.loads(remembered.read_text())
    assert known.pop("sim-777") == 5
    assert known == {who: cycles[-1].time_unix_nano for who, cycles in received.cycles.items()}
    assert len({hello.epoch for hello in received.hellos.values()}) == 3


def test_a_missing_certificate_is_one_clear_line(tmp_path: Path) -> None:
    fleet = _fleet(1, tmp_path, "--hosts", "2")
    _, said = fleet.communicate(timeout=20)
    assert fleet.returncode == 1
    assert said.count("\n") == 1
    assert str(tmp_path / "sim-001" / "ca.pem") in said


def test_a_memory_that_is_none_is_one_clear_line(
    certificates: tuple[trustme.CA, Path],
) -> None:
    _, root = certificates
    (root / "fleet.json").write_text("[1]")
    fleet = _fleet(1, root, "--hosts", "2", "--memory", str(root / "fleet.json"))
    _, said = fleet.communicate(timeout=20)
    assert fleet.returncode == 1
    assert said.count("\n") == 1
    assert "fleet.json: is no memory of a fleet" in said


def test_a_collector_that_is_not_there_is_named_once_for_all_hosts(
    certificates: tuple[trustme.CA, Path],
) -> None:
    _, root = certificates
    fleet = _fleet(1, root, "--hosts", "3")
    assert fleet.stderr is not None
    assert "simulating 3 hosts" in fleet.stderr.readline()
    assert "collector 127.0.0.1:1 does not take" in fleet.stderr.readline()
    fleet.send_signal(signal.SIGTERM)
    _, said = fleet.communicate(timeout=20)
    assert fleet.returncode == 0
    assert not said
