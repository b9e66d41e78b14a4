"""The Ansible role against machines with systemd of their own: enrolled, run again, upgraded in waves, stopped."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from rigs.machine import Machine, machine
from rigs.need import engine

ROOT = Path(__file__).parents[2]
NETWORK = "headroom-fleet"
HOSTS = ("web-1", "web-2", "db-1")
COLLECTOR = "control-1"
# The machines are made of this one, whose libvirt Python cannot ask: there is no network to install from.
SETTINGS = {"interval_seconds": 1.0, "hints": {"site": "north"}, "samplers": {"libvirt": False}}
SSH = ROOT / "tests" / "rigs" / "nsenter-ssh"

pytestmark = pytest.mark.timeout(900)


@contextmanager
def network() -> Iterator[str]:
    """A network namespace with nothing but loopback, which all machines share."""
    subprocess.run(["ip", "netns", "add", NETWORK], check=True)
    try:
        subprocess.run(["ip", "-n", NETWORK, "link", "set", "lo", "up"], check=True)
        yield NETWORK
    finally:
        subprocess.run(["ip", "netns", "delete", NETWORK], check=True)


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """The two packages, and the agent's as a later version."""
    if os.geteuid() != 0:
        pytest.skip("needs root: boots machines of its own")
    folder = tmp_path_factory.mktemp("dist")
    if made := os.environ.get("HEADROOM_PACKAGES"):
        folder = Path(made)
    else:
        command = [str(ROOT / "deploy" / "debian" / "build.sh"), str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    (agent,) = folder.glob("headroom-agent_*.deb")
    (collector,) = folder.glob("headroom-collector_*.deb")
    return {"agent": agent, "collector": collector}


@dataclass
class Fleet:
    """A collector and hosts, and Ansible beside them."""

    machines: Mapping[str, Machine]
    folder: Path

    def play(self, package: Path, **more: Any) -> "subprocess.CompletedProcess[str]":
        """Run the playbook as docs/fleet.md says."""
        wanted = {"headroom_agent_package": str(package), "headroom_agent_check_seconds": 60}
        command = ["ansible-playbook", "-v", "-i", str(self.folder / "inventory.json")]
        command += [str(ROOT / "deploy" / "ansible" / "site.yml"), "-e", json.dumps(wanted | more)]
        clean = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "LANG": "C.UTF-8"}
        return subprocess.run(
            command,
            env={**clean, "MACHINES": str(self.folder), "ANSIBLE_NOCOLOR": "1"},
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )

    def hosts(self) -> list[dict[str, Any]]:
        shown = self.machines[COLLECTOR].run("headroom", "hosts", "--json").stdout
        found: list[dict[str, Any]] = json.loads(shown)
        return found


def recap(done: "subprocess.CompletedProcess[str]") -> dict[str, dict[str, int]]:
    """What Ansible counted of each host."""
    assert "PLAY RECAP" in done.stdout, done.stdout + done.stderr
    lines = done.stdout.split("PLAY RECAP")[1].splitlines()[1:]
    return {
        line.split()[0]: {key: int(n) for key, n in re.findall(r"(\w+)=(\d+)", line)}
        for line in lines
        if ":" in line
    }


@pytest.fixture(scope="module")
def fleet(
    packages: Mapping[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Fleet]:
    engine("ansible-playbook")
    folder = tmp_path_factory.mktemp("fleet")
    with ExitStack() as stack:
        lan = stack.enter_context(network())
        machines = {
            name: stack.enter_context(machine(network=lan)) for name in (COLLECTOR, *HOSTS)
        }
        for name, one in machines.items():
            (folder / name).write_text(str(one.init))
            (one.root / "usr/sbin/policy-rc.d").unlink(missing_ok=True)
        control = machines[COLLECTOR]
        control.put(packages["collector"])
        control.run("sh", "-c", "dpkg -i /root/headroom-collector_*.deb", seconds=300)
        shared = {
            "ansible_user": "root",
            "ansible_ssh_executable": str(SSH),
            "ansible_ssh_transfer_method": "piped",
            "ansible_python_interpreter": "/usr/bin/python3",
        }
        group = {
            "hosts": {name: {} for name in HOSTS},
            "vars": {
                "headroom_agent_collector": "127.0.0.1:9440",
                "headroom_agent_settings": SETTINGS,
            },
        }
        children = {
            "headroom_collector": {"hosts": {COLLECTOR: {}}},
            "headroom_agents": group,
        }
        inventory = {"all": {"vars": shared, "children": children}}
        (folder / "inventory.json").write_text(json.dumps(inventory))
        yield Fleet(machines, folder)


def test_it_installs_and_enrols_every_host_and_says_no_token(
    fleet: Fleet, packages: Mapping[str, Path]
) -> None:
    done = fleet.play(packages["agent"])
    assert done.returncode == 0, done.stdout + done.stderr
    assert {host["name"]: host["site"] for host in fleet.hosts()}.keys() == set(HOSTS)
    for text in (
        done.stdout,
        done.stderr,
        *(one.run("journalctl").stdout for one in fleet.machines.values()),
    ):
        assert "secret:" not in text
        assert "PRIVATE KEY" not in text
    listed = fleet.machines[COLLECTOR].run("headroom", "enrol-token", "list").stdout
    assert len([line for line in listed.splitlines() if "web" in line or "db" in line]) == len(
        HOSTS
    )
    waves = re.findall(r"^PLAY \[", done.stdout, re.MULTILINE)
    assert len(waves) == 3  # 1 host, 10 % (at least one), and the rest of three


def test_a_second_run_changes_nothing(fleet: Fleet, packages: Mapping[str, Path]) -> None:
    before = {
        name: fleet.machines[name]
        .run("systemctl", "show", "-p", "MainPID", "headroom-agent")
        .stdout
        for name in HOSTS
    }
    done = fleet.play(packages["agent"])
    assert done.returncode == 0, done.stdout + done.stderr
    assert {name: count["changed"] for name, count in recap(done).items()} == dict.fromkeys(
        HOSTS, 0
    )
    after = {
        name: fleet.machines[name]
        .run("systemctl", "show", "-p", "MainPID", "headroom-agent")
        .stdout
        for name in HOSTS
    }
    assert before == after


def later(package: Path, folder: Path, *, broken: bool = False) -> Path:
    """The same package as version 9.9.9; broken: one whose agent does not start."""
    tree = folder / "tree"
    shutil.rmtree(tree, ignore_errors=True)
    subprocess.run(["dpkg-deb", "-R", package, tree], check=True)
    control = tree / "DEBIAN/control"
    control.write_text(
        re.sub(r"^Version: .*", "Version: 9.9.9", control.read_text(), flags=re.MULTILINE)
    )
    if broken:
        program = tree / "opt/headroom-agent/bin/headroom-agent"
        program.write_text("#!/bin/sh\necho broken >&2\nexit 3\n")
    made = folder / ("broken_9.9.9.deb" if broken else "headroom-agent_9.9.9.deb")
    subprocess.run(
        ["dpkg-deb", "--root-owner-group", "-Znone", "--build", tree, made],
        check=True,
        capture_output=True,
    )
    return made


def version(one: Machine) -> str:
    return one.run("dpkg-query", "-W", "-f", "${Version}", "headroom-agent").stdout


def test_a_release_that_does_not_start_stops_at_the_first_host_and_goes_back(
    fleet: Fleet, packages: Mapping[str, Path], tmp_path: Path
) -> None:
    done = fleet.play(later(packages["agent"], tmp_path, broken=True))
    assert done.returncode != 0
    assert "broken" in done.stdout
    found = [version(fleet.machines[name]) == "9.9.9" for name in HOSTS]
    assert found == [True, False, False]

    done = fleet.play(packages["agent"])
    assert done.returncode == 0, done.stdout + done.stderr
    assert "9.9.9" not in {version(fleet.machines[name]) for name in HOSTS}


def test_a_change_of_the_settings_restarts_and_a_wrong_one_is_one_clear_line(
    fleet: Fleet, packages: Mapping[str, Path]
) -> None:
    done = fleet.play(
        packages["agent"], headroom_agent_settings=SETTINGS | {"interval_seconds": 2.0}
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert all(count["changed"] == 2 for count in recap(done).values())  # the file, the restart
    done = fleet.play(
        packages["agent"], headroom_agent_settings=SETTINGS | {"interval_seconds": "often"}
    )
    assert done.returncode != 0
    assert "'interval_seconds' = 'often'" in done.stdout
    kept = (fleet.machines[HOSTS[0]].root / "etc/headroom/agent.toml").read_text()
    assert "interval_seconds = 2.0" in kept
    done = fleet.play(Path("agent.rpm"))
    assert "agent.rpm': expected a .deb file" in done.stdout
