"""The systemd units: how exposed systemd says they are, and that both programs run in them."""

import json
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rigs import sandbox, units
from rigs.collector import wait_for
from rigs.libvirt import running_libvirt
from rigs.ports import free_port

from headroom_collector import ready
from headroom_collector.tls import Authority
from headroom_core.clock import SystemClock

pytestmark = [
    pytest.mark.engine("systemd-analyze"),
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a program its unit's terms"),
]

USER = pwd.getpwnam("nobody").pw_uid
"""libvirt wants to know its user by name."""
Confined = Callable[..., "subprocess.Popen[str]"]


@pytest.mark.parametrize("name", units.UNITS)
def test_a_unit_is_hardly_exposed(name: str) -> None:
    assert units.exposure(name) <= 2.0


@pytest.mark.parametrize("name", units.UNITS)
def test_a_unit_gives_no_capability_and_a_user_of_its_own(name: str) -> None:
    said = units.directives(name)
    assert said["CapabilityBoundingSet"] == [""]
    assert said["AmbientCapabilities"] == [""]
    user = "headroom-agent" if name == "headroom-agent" else "headroom"
    assert said["User"] == said["Group"] == [user]
    sysusers = (units.FOLDER / f"{name}.sysusers.conf").read_text()
    assert f"\nu {user} " in sysusers
    assert said["StateDirectory"] == [user]


@pytest.fixture
def state() -> Iterator[Path]:
    """A folder that the confined programs' user can reach; pytest's own are its user's alone."""
    folder = Path(tempfile.mkdtemp(prefix="headroom-unit-"))
    yield folder
    shutil.rmtree(folder)


def own(folder: Path) -> None:
    for path in [folder, *folder.rglob("*")]:
        os.chown(path, USER, USER)


@pytest.fixture
def confined(state: Path, tmp_path: Path) -> Iterator[Confined]:
    """Start a program of ours under a unit's terms."""
    started: list[subprocess.Popen[str]] = []

    def start(unit: str, *arguments: str) -> "subprocess.Popen[str]":
        own(state)
        said = units.directives(unit)
        terms = tmp_path / f"{unit}.json"
        terms.write_text(
            json.dumps(
                {
                    "state": str(state),
                    "uid": USER,
                    "gid": USER,
                    "mdwe": said["MemoryDenyWriteExecute"] == ["yes"],
                    "calls": sorted(units.allowed_calls(unit)),
                    "families": said["RestrictAddressFamilies"][0].split(),
                }
            )
        )
        command = [sys.executable, sandbox.__file__, str(terms), sys.executable, *arguments]
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd="/"
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def finished(process: "subprocess.Popen[str]") -> str:
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0, output
    return output


PROBE = """
import mmap, os, socket
tries = {
    "file system": lambda: open("/var/tmp/probe", "w"),
    "machine code": lambda: mmap.mmap(-1, 4096, prot=7),
    "raw packets": lambda: socket.socket(socket.AF_PACKET),
    "priority": lambda: os.setpriority(0, 0, -5),
    "capability": lambda: os.setuid(0),
}
for name, attempt in tries.items():
    try:
        attempt()
    except OSError:
        continue
    print(name)
"""


@pytest.mark.parametrize("name", units.UNITS)
def test_the_terms_are_kept_by_the_kernel(confined: Confined, name: str) -> None:
    """What a program cannot do under its unit; the tests below would say nothing without it."""
    assert finished(confined(name, "-c", PROBE)) == ""


def test_an_agent_and_a_collector_do_their_work_under_their_units(
    confined: Confined, state: Path
) -> None:
    data, port = state / "data", free_port()
    data.mkdir()
    files = Authority.open(data / "tls", SystemClock()).issue_host("web-1")
    collector = confined(
        "headroom-collector",
        *["-m", "headroom_collector.cli", "collector", "--data", str(data)],
        *["--grpc", f"127.0.0.1:{port}", "--http", "127.0.0.1:0"],
    )
    wait_for("the collector", lambda: ready.read(data) is not None or collector.poll() is not None)
    assert collector.poll() is None, collector.communicate()[0]
    agent = confined(
        "headroom-agent",
        *["-m", "headroom_agent", "--collector", f"127.0.0.1:{port}", "--interval", "0.2"],
        *["--tls", str(files.cert.parent), "--spool", str(state / "spool.db")],
    )
    out = subprocess.run(  # the command line of the collector's own user
        [sys.executable, "-c", ASK, str(data)],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert out.stdout.strip() == "web-1", out.stderr
    agent.terminate()
    said, _ = agent.communicate(timeout=30)
    assert agent.returncode == 0, said
    assert " ERROR " not in said
    collector.terminate()
    said, _ = collector.communicate(timeout=30)
    assert collector.returncode == 0, said


ASK = """
import sys, time
from pathlib import Path
from headroom_collector.cli.client import client
until = time.monotonic() + 40
while time.monotonic() < until:
    with client(Path(sys.argv[1])) as http:
        found = http.get("/api/v1/hosts").json()["items"]
    if found and not found[0]["silent"]:
        print(found[0]["name"])
        break
    time.sleep(0.1)
"""


def test_the_planner_runs_without_memory_that_is_written_and_run(
    confined: Confined, state: Path
) -> None:
    hosts = [f"h{at},10,1000,10000" for at in range(4)]
    (state / "hosts.csv").write_text("\n".join(["host,cores,core_mhz,memory_mib", *hosts]))
    vms = [f"v{at},1,500,h{at % 4}" for at in range(8)]
    (state / "vms.csv").write_text("\n".join(["vm,vcpus,memory_mib,host", *vms]))
    samples: dict[str, list[Any]] = {"vm": [], "timestamp": [], "cpu_mhz": []}
    for at in range(8 * 6):
        samples["vm"].append(f"v{at % 8}")
        samples["timestamp"].append(1_700_000_000 + 300 * (at // 8))
        samples["cpu_mhz"].append(100.0 + at)
    pq.write_table(pa.table(samples), state / "demand.parquet")
    plan = ["-m", "headroom_collector.cli", "plan", "--from", str(state), "--time-limit", "1"]
    assert "hosts" in finished(confined("headroom-collector", *plan))


@pytest.mark.engine("libvirtd")
@pytest.mark.timeout(240)
def test_the_agent_reads_libvirt_by_its_read_only_socket_under_its_unit(
    confined: Confined,
) -> None:
    with running_libvirt() as rig:
        rig.define("one")
        rig.boot("one")
        for folder in ("", "run", "run/libvirt"):
            (rig._folder / folder).chmod(0o755)
        agent = ["-m", "headroom_agent", "--once", "--libvirt-uri", rig.uri]
        assert "headroom_host_domains{state=running}" in finished(
            confined("headroom-agent", *agent)
        )
