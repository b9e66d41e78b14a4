"""The whole agent where there is no Linux: nothing but its Linux samplers may assume one."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import trustme
from rigs.peer import Listening, Peer, Pki

from headroom_proto.v1 import telemetry_pb2 as pb

SYSTEMS = ("win32", "darwin", "freebsd14")
HERE = Path(__file__).parents[1]


def command(system: str, *flags: str) -> list[str]:
    return [sys.executable, "-m", "rigs.elsewhere", system, *flags]


def environment() -> dict[str, str]:
    path = os.pathsep.join([str(HERE), *filter(None, sys.path)])
    return {**os.environ, "PYTHONPATH": path}


@pytest.mark.parametrize("system", SYSTEMS)
def test_the_agent_reads_spools_and_sends(system: str, tmp_path: Path) -> None:
    pki = Pki(trustme.CA(), tmp_path / "pki")
    listening = Listening(pki, Peer()).start()
    flags = ["--collector", listening.address, "--tls", str(pki.agent()), "--interval", "0.2"]
    process = subprocess.Popen(
        command(system, *flags, "--spool", str(tmp_path / "spool.db")),
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    try:
        listening.peer.wait(lambda: listening.peer.high_water >= 4, 40)
        process.send_signal(signal.SIGTERM)
        said = process.communicate(timeout=30)[1]
    finally:
        process.kill()
        process.wait()
        listening.stop()
    assert process.returncode == 0, said
    assert listening.peer.goodbye.wait(10)
    assert "level=warning" not in said, said
    assert "elsewhere:" not in said, said
    cycles = [pb.Cycle.FromString(batch.payload) for batch in listening.peer.stored]
    last = cycles[-1]
    assert 0 <= last.host.cpu_utilisation_ratio <= 1
    assert last.host.memory_total_bytes > 1 << 28
    assert last.agent.memory_resident_bytes > 1 << 20
    assert cycles[0].facts.boot_id.startswith("boot-")
    assert {sampler.up for sampler in last.samplers} == {1}


@pytest.mark.parametrize("system", SYSTEMS)
def test_one_reading_and_the_doctor_work(system: str, tmp_path: Path) -> None:
    for flags in (["--once", "--json"], ["doctor", "--json", "--spool", str(tmp_path / "s.db")]):
        done = subprocess.run(
            command(system, *flags),
            capture_output=True,
            text=True,
            env=environment(),
            timeout=60,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        assert "elsewhere:" not in done.stderr, done.stderr
        assert json.loads(done.stdout)


TWICE = """
import sys
from pathlib import Path
import rigs.windows_locks
sys.modules["fcntl"], sys.modules["msvcrt"] = None, rigs.windows_locks
from headroom_agent.spool_schema import lock
lock(Path(sys.argv[1]))
lock(Path(sys.argv[1]))
"""


def test_a_second_agent_on_a_spool_is_refused_where_locks_are_windows(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", TWICE, str(tmp_path / "spool.db")],
        capture_output=True,
        text=True,
        env=environment(),
        check=False,
    )
    assert "in use by another agent" in done.stderr
