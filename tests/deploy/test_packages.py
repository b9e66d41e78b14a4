"""The Debian packages: installed with dpkg, started by systemd, upgraded, removed, purged."""

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from rigs.machine import Machine, machine

ROOT = Path(__file__).parents[2]
AGENT, COLLECTOR = "headroom-agent", "headroom-collector"


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both packages, built as ``make packages`` does."""
    if os.geteuid() != 0:
        pytest.skip("needs root: boots a machine of its own")
    folder = tmp_path_factory.mktemp("dist")
    command = [str(ROOT / "deploy" / "debian" / "build.sh"), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def host(packages: Path) -> Iterator[Machine]:
    """A machine with both packages installed."""
    with machine() as made:
        for package in packages.glob("*.deb"):
            made.put(package)
        # Where it exists it keeps packages from starting anything (man policy-rc.d).
        (made.root / "usr/sbin/policy-rc.d").unlink(missing_ok=True)
        made.run("sh", "-c", "dpkg -i /root/headroom-*.deb", seconds=300)
        yield made


def until(look: Callable[[], bool], what: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not look():
        assert time.monotonic() < deadline, f"no {what} within {seconds} s"
        time.sleep(0.3)


def active(host: Machine, unit: str) -> bool:
    return host.run("systemctl", "is-active", unit, check=False).stdout.strip() == "active"


def test_what_is_installed_is_of_root_and_whole(packages: Path, host: Machine) -> None:
    for name in (AGENT, COLLECTOR):
        assert host.run("dpkg", "--verify", name).stdout == ""
        (package,) = packages.glob(f"{name}_*.deb")
        listed = subprocess.run(
            ["dpkg-deb", "-c", package], capture_output=True, text=True, check=True
        ).stdout.splitlines()
        assert {line.split()[1] for line in listed} == {"root/root"}
        assert not [line for line in listed if line.split()[0][8] == "w" and line[0] != "l"]


def test_nothing_in_the_environments_names_the_place_where_they_were_built(host: Machine) -> None:
    found = host.run(
        "sh",
        "-c",
        "grep -rl /tmp/ /opt/headroom-agent/bin /opt/headroom-*/pyvenv.cfg",
        check=False,
    )
    assert found.stdout == ""


def test_the_collector_starts_and_its_page_and_commands_answer(host: Machine) -> None:
    until(lambda: active(host, COLLECTOR), "active collector")
    until((host.root / "var/lib/headroom/ready.json").exists, "ready collector")
    ready = json.loads((host.root / "var/lib/headroom/ready.json").read_text())
    assert ready["http"] == "127.0.0.1:9441"
    assert "Headroom" in host.run("curl", "-sf", "http://127.0.0.1:9441/").stdout
    assert host.run("headroom", "hosts").returncode == 0


def test_the_agent_is_installed_and_says_what_it_lacks(host: Machine) -> None:
    shown = json.loads(host.run("headroom-agent", "--once", "--json").stdout)
    assert shown
    found = host.run(
        "headroom-agent", "--config", "/etc/headroom/agent.toml", "doctor", check=False
    )
    assert "certificate" in found.stdout
    assert "Traceback" not in found.stdout + found.stderr


def test_installed_again_it_keeps_settings_and_data(host: Machine) -> None:
    config = host.root / "etc/headroom/collector.toml"
    config.write_text(config.read_text() + "\n# ours\n")
    host.run("sh", "-c", "dpkg --force-confold -i /root/headroom-collector_*.deb", seconds=300)
    assert config.read_text().endswith("# ours\n")
    until(lambda: active(host, COLLECTOR), "active collector")


def test_removed_and_purged_nothing_is_left(host: Machine) -> None:
    host.run("dpkg", "--remove", AGENT, COLLECTOR, seconds=120)
    assert not active(host, COLLECTOR)
    assert (host.root / "etc/headroom/collector.toml").exists()
    assert (host.root / "var/lib/headroom").exists()
    host.run("dpkg", "--purge", AGENT, COLLECTOR, seconds=120)
    for place in (
        "opt/headroom-agent",
        "opt/headroom-collector",
        "etc/headroom",
        "var/lib/headroom",
    ):
        assert not (host.root / place).exists(), place
    assert AGENT not in host.run("systemctl", "list-unit-files", "--no-pager").stdout
