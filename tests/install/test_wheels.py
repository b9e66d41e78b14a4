"""The archive of wheels, installed on a machine without a network."""

import subprocess
from pathlib import Path

import pytest
from rigs.debian import KEPT, fresh
from rigs.machine import machine
from rigs.netns import lan

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheels")
    script = str(ROOT / "deploy" / "setup" / "wheelhouse.sh")
    done = subprocess.run([script, str(folder)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (made,) = folder.glob("*.tar.gz")
    return made


def test_agent_and_collector_are_installed_without_a_network(archive: Path) -> None:
    # RHEL's Python 3.11 brings what Debian has in a package of its own.
    python = fresh(KEPT.with_name("debian-12-venv"), "python3-venv")
    with lan("lonely") as wires, machine(python, network=wires.namespaces["lonely"]) as host:
        host.put(archive)
        host.run("tar", "xzf", f"/root/{archive.name}")
        for what, unit in (("agent", "headroom-agent"), ("collector", "headroom-collector")):
            script = f"PYTHON=python3 sh headroom-*-wheels/install.sh {what}"
            host.run("sh", "-ec", script, seconds=600)
            active = host.run("systemctl", "is-active", unit, check=False)
            assert active.stdout.strip() == "active", host.journal(unit)
