"""From the version before to this one with data in spool and store, and back again."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from rigs.up import wait_for

from headroom_collector import ready

ROOT = Path(__file__).parents[2]
BEFORE = "dd5b3b3"
"""The commit of the version before; the next release puts its predecessor's here."""


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The version before, installed as its own README says."""
    folder = tmp_path_factory.mktemp("before")
    archive = subprocess.run(
        ["git", "archive", BEFORE], cwd=ROOT, capture_output=True, check=False
    )
    if archive.returncode:
        pytest.skip(f"this clone has no history up to {BEFORE}: git fetch --unshallow")
    subprocess.run(["tar", "x"], input=archive.stdout, cwd=folder, check=True)
    made = subprocess.run(
        ["make", "install"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert made.returncode == 0, made.stdout + made.stderr
    return folder / ".venv" / "bin" / "headroom"


def answering(data: Path) -> ready.Ready | None:
    """The collector that says it is ready, and answers."""
    found = ready.read(data)
    if found is None:
        return None
    try:
        httpx.get(f"http://{found.http}/readyz").raise_for_status()
    except httpx.HTTPError:
        return None
    return found


@contextmanager
def up(headroom: Path, data: Path) -> Iterator[ready.Ready]:
    """Run a version until ready; and stop what of it still runs in the end."""
    ports = ["--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0"]
    log = data.with_suffix(".log")
    with log.open("a") as out:
        process = subprocess.Popen(
            [headroom, "up", "--data", str(data), "--interval", "1", *ports],
            stdout=out,
            stderr=out,
        )
    try:
        yield wait_for(lambda: answering(data), 90, f"collector; {log.read_text()}")
    finally:
        process.terminate()  # it waits for its agent, which else would hold the spool
        process.wait(60)
        (data / "ready.json").unlink(missing_ok=True)


def call(headroom: Path, data: Path, *arguments: str) -> str:
    done = subprocess.run(
        [headroom, *arguments, "--data", str(data)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def stored(at: ready.Ready) -> float:
    """How many cycles of this machine are stored."""
    query = "sum(count_over_time(headroom_host_cpu_utilisation_ratio[1h]))"
    answer = httpx.get(f"http://{at.http}/prometheus/api/v1/query", params={"query": query})
    found = answer.raise_for_status().json()["data"]["result"]
    return float(found[0]["value"][1]) if found else 0.0


def test_upgraded_with_data_in_spool_and_store_nothing_is_lost_and_back_it_goes(
    before: Path, tmp_path: Path
) -> None:
    data, backup = tmp_path / "data", tmp_path / "backup"
    now = ROOT / ".venv" / "bin" / "headroom"
    with up(before, data) as at:
        wait_for(lambda: stored(at) > 10, 60, "samples")
        call(before, data, "store", "backup", str(backup))
        held = stored(at)
        os.kill(at.pid, signal.SIGSTOP)  # from here on the agent keeps what it reads
        time.sleep(8)
        os.kill(at.pid, signal.SIGKILL)
    with up(now, data) as at:
        wait_for(lambda: stored(at) >= held + 8, 60, "what the spool held, and more")
        assert " bad " not in call(now, data, "store", "check")
    call(before, data, "store", "restore", str(backup))
    with up(before, data) as at:
        wait_for(lambda: stored(at) >= held, 60, "samples of the version before")
