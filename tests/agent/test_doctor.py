"""The doctor: what it says of a good start, and of everything that keeps one from working."""

import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from rigs.peer import Listening, Peer, Pki
from rigs.ports import free_port

from headroom_agent.config import AgentConfig, SpoolSettings, Switches, Tls
from headroom_agent.doctor import host, link
from headroom_agent.doctor.finding import Finding
from headroom_agent.enrol.files import validity
from headroom_agent.notices import Notices
from headroom_agent.sampler import take_moment

NOW = datetime.now(UTC)
HOSTS = Path(__file__).parent.parent / "hosts"


@pytest.fixture
def pki(tmp_path: Path) -> Pki:
    return Pki(trustme.CA(), tmp_path / "pki")


@pytest.fixture
def peer(pki: Pki) -> Iterator[Listening]:
    listening = Listening(pki, Peer()).start()
    yield listening
    listening.stop()


def quiet() -> Notices:
    return Notices(logging.getLogger("doctor"))


def bad(findings: Iterator[Finding]) -> str:
    """Return the one line that is bad; AssertionError where there is another number of them."""
    lines = [finding.found for finding in findings if finding.state == "bad"]
    assert len(lines) == 1, lines
    return lines[0]


def config(pki: Pki, tmp_path: Path, address: str) -> AgentConfig:
    spool = SpoolSettings(path=tmp_path / "spool.db")
    return AgentConfig(collector=address, tls=Tls(folder=pki.agent()), spool=spool)


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "headroom_agent", "doctor", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_where_all_is_well_it_exits_with_0(pki: Pki, peer: Listening, tmp_path: Path) -> None:
    folder = pki.agent()
    (folder / "key.pem").chmod(0o600)
    done = run(
        "--json", "--collector", peer.address, "--tls", str(folder),
        "--spool", str(tmp_path / "spool.db"),
    )  # fmt: skip
    found = {one["what"]: one for one in json.loads(done.stdout)}
    assert done.returncode == 0, done.stdout
    assert found["collector"]["found"] == f"{peer.address}: accepts our certificate"
    assert {"cpu", "memory", "libvirt", "clock", "certificate", "spool"} <= set(found)
    assert not (tmp_path / "spool.db").exists()


def test_where_something_is_bad_it_exits_with_1_and_says_what(tmp_path: Path) -> None:
    done = run("--tls", str(tmp_path), "--spool", str(tmp_path / "spool.db"))
    assert done.returncode == 1
    assert (
        f"{tmp_path}/ca.pem: No such file or directory; headroom-agent enrol gets it"
        in done.stdout
    )
    assert not done.stderr


def test_a_collector_that_is_not_there(pki: Pki, tmp_path: Path) -> None:
    line = bad(link.collector(config(pki, tmp_path, f"127.0.0.1:{free_port()}")))
    assert "Connection refused: is the collector running" in line


def test_a_collector_of_another_ca(peer: Listening, tmp_path: Path) -> None:
    other = Pki(trustme.CA(), tmp_path / "other")
    line = bad(link.collector(config(other, tmp_path, peer.address)))
    assert "is it of the CA in the agent's CA file?" in line


def test_a_collector_that_does_not_take_our_certificate(
    pki: Pki, peer: Listening, tmp_path: Path
) -> None:
    mixed = Pki(trustme.CA(), tmp_path / "other").agent()
    pki.ca.cert_pem.write_to_path(str(mixed / "ca.pem"))
    made = replace(config(pki, tmp_path, peer.address), tls=Tls(folder=mixed))
    assert "does not accept our certificate: is it of its CA" in bad(link.collector(made))


def test_a_key_of_another_certificate(pki: Pki) -> None:
    folder = pki.agent()
    (folder / "key.pem").write_bytes((pki.agent("other") / "key.pem").read_bytes())
    assert "no PEM files that fit together" in bad(link.certificate(Tls(folder=folder), NOW))


def test_a_key_that_others_may_read(pki: Pki) -> None:
    folder = pki.agent()
    (folder / "key.pem").chmod(0o644)
    assert f"chmod 600 {folder}/key.pem" in bad(link.certificate(Tls(folder=folder), NOW))


def test_a_certificate_near_its_end_and_beyond(tmp_path: Path) -> None:
    last = datetime(2030, 5, 6, 7, 8, 9, tzinfo=UTC)
    ca = trustme.CA()
    folder = Pki(ca, tmp_path).agent()
    (folder / "key.pem").chmod(0o600)
    key = load_pem_private_key((folder / "key.pem").read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    issued = Pki(ca, tmp_path).sign("web-1", key, NOW - timedelta(days=1), last)
    (folder / "cert.pem").write_bytes(issued)
    times = validity((folder / "cert.pem").read_bytes())
    assert times is not None
    assert times[1] == last
    tls = Tls(folder=folder)
    assert [one.state for one in link.certificate(tls, NOW)] == ["good", "good"]
    far = datetime(2061, 1, 2, 3, 4, 5, tzinfo=UTC)
    long = ca.issue_cert("web-1", not_after=far).cert_chain_pems[0].bytes()
    assert (validity(long) or (None, None))[1] == far
    soon, _ = link.certificate(tls, last - timedelta(days=1))
    assert soon.state == "note"
    assert "valid until 2030-05-06: it should have been renewed" in soon.found
    assert "expired on 2030-05-06" in bad(link.certificate(tls, last + timedelta(seconds=1)))
    assert "is this host's clock right?" in bad(
        link.certificate(tls, datetime(2020, 1, 1, tzinfo=UTC))
    )


def test_files_that_are_no_certificates_are_not_read_as_ones() -> None:
    assert validity(b"hello") is None
    assert validity(b"-----BEGIN CERTIFICATE-----@-----END CERTIFICATE-----") is None


def test_each_sampler_of_a_broken_host_says_its_line(tmp_path: Path) -> None:
    broken = HOSTS / "broken-files"
    made = AgentConfig(procfs=broken / "proc", sysfs=broken / "sys", etc=broken / "etc")
    found = {one.what: one for one in host.samplers(made, quiet(), take_moment())}
    assert found["cpu"].state == "good"
    assert found["disks"].state == "bad"
    assert "expected 11 numbers" in found["disks"].found
    assert found["temperatures"].state == "note"


def test_a_sampler_that_is_switched_off_is_not_tried(tmp_path: Path) -> None:
    made = AgentConfig(procfs=tmp_path, sysfs=tmp_path, samplers=Switches(cpu=False))
    found = {one.what: one for one in host.samplers(made, quiet(), take_moment())}
    assert found["cpu"] == Finding("note", "cpu", "is switched off: [samplers]")
    assert found["memory"].state == "bad"


def test_a_hypervisor_that_answers_and_one_that_does_not(tmp_path: Path) -> None:
    made = AgentConfig(libvirt_uri="test:///default")
    (good,) = host.hypervisor(made, quiet(), take_moment())
    assert good.state == "good"
    assert "1 virtual machines run" in good.found
    made = AgentConfig(libvirt_uri="test:///nowhere.xml")
    assert "Add the user to the group libvirt" in bad(
        host.hypervisor(made, quiet(), take_moment())
    )
    missing = host.hypervisor(made, quiet(), take_moment(), installed=lambda _: False)
    assert "pip install 'headroom[libvirt]'" in bad(missing)
    (none,) = host.hypervisor(AgentConfig(), quiet(), take_moment(), tmp_path)
    assert none.state == "note"


def test_a_clock_that_nothing_keeps_is_noted() -> None:
    assert [one.state for one in host.clock(lambda: 0)] == ["good"]
    (kept,) = host.clock(lambda: host.TIME_ERROR)
    assert "run chrony or systemd-timesyncd" in kept.found
    assert [one.state for one in host.clock(lambda: None)] == ["note"]


def test_how_watts_are_known_is_told(tmp_path: Path) -> None:
    (modelled,) = host.energy(tmp_path, tmp_path)
    assert modelled.state == "note"
    assert "modelled" in modelled.found
    zone = tmp_path / "class/powercap/intel-rapl:0"
    zone.mkdir(parents=True)
    for name, text in {
        "name": "package-0",
        "max_energy_range_uj": "262143328850",
        "energy_uj": "5",
    }.items():
        (zone / name).write_text(text)
    (measured,) = host.energy(tmp_path, tmp_path)
    assert (measured.state, measured.found) == ("good", "the CPUs measure it (RAPL)")


def test_a_spool_folder_without_room(tmp_path: Path) -> None:
    made = AgentConfig(spool=SpoolSettings(path=tmp_path / "deep/spool.db", max_mib=1e9))
    assert "make room, or set [spool] max_mib lower" in bad(link.spool(made))
