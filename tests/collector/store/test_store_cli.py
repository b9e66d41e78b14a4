"""``headroom store`` as a user runs it, beside a collector that runs and one that does not."""

import contextlib
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from rigs.collector import Spine, wait_for
from rigs.ports import free_port


@pytest.fixture
def spine(tmp_path: Path) -> Iterator[Spine]:
    made = Spine(tmp_path, free_port())
    yield made
    made.clean_up()


def run(spine: Spine, *words: str, status: int = 0) -> str:
    command = [sys.executable, "-m", "headroom_collector.cli", "store", *words]
    command += ["--data", str(spine.data)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == status, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


def acknowledged(spool: Path) -> int:
    with contextlib.closing(sqlite3.connect(f"file:{spool}?mode=ro", uri=True)) as connection:
        [(found,)] = connection.execute("SELECT acked FROM spool").fetchall()
    return int(found)


def test_a_store_is_backed_up_checked_exported_and_restored(spine: Spine, tmp_path: Path) -> None:
    collector = spine.collector()
    agent = spine.agent("saved-1", 0.2, spool=tmp_path / "spool.db")
    collector.start()
    agent.start()
    spine.wait_ready(collector)
    wait_for("samples to be acknowledged", lambda: acknowledged(tmp_path / "spool.db") > 0)
    assert agent.stop() == 0

    out = run(spine, "backup", str(tmp_path / "backup"))
    assert "it holds the keys, so guard it" in out
    assert (tmp_path / "backup" / "manifest.json").exists()
    assert "is there already" in run(spine, "backup", str(tmp_path / "backup"), status=1)
    assert "good" in run(spine, "check")
    assert "host-" in run(spine, "export", str(tmp_path / "out"), "--kind", "host")
    out = run(spine, "export", str(tmp_path / "out"), "--kind", "hosts", status=1)
    assert "'hosts' is none: expected" in out
    assert "stop it first" in run(spine, "restore", str(tmp_path / "backup"), status=1)

    assert collector.stop() == 0
    assert "good" in run(spine, "check")
    assert "as it was at" in run(spine, "restore", str(tmp_path / "backup"))
    collector.start()
    spine.wait_ready(collector)
    assert "good" in run(spine, "check")
    assert collector.stop() == 0
