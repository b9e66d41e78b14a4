"""The security benchmark in its short form: nothing refused gets in, nothing is lost or breaks."""

import json
import subprocess
import sys

import pytest

from headroom_collector.bench import security_fuzz


def values(case: str) -> dict[str, float]:
    """Run a case as its user does, in a process of its own: gRPC's log is set up before its import."""
    command = [sys.executable, "-m", "headroom_collector.cli", "bench", "security"]
    done = subprocess.run(
        [*command, "--case", case, "--short", "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    figures = [json.loads(line) for line in done.stdout.splitlines()]
    assert not any(figure.get("skipped") for figure in figures), done.stdout
    found = {figure["metric"]: figure["value"] for figure in figures if "value" in figure}
    assert found, done.stdout
    return found


@pytest.mark.timeout(400)
def test_every_credential_fault_is_refused_noted_and_diagnosed() -> None:
    found = values("credentials")
    assert found == {"tried": 20, "refused": 20, "audited": 20, "diagnosed": 20}


@pytest.mark.timeout(400)
def test_rotations_under_load_lose_no_batch() -> None:
    found = values("rotation")
    assert (found["tried"], found["rotated"], found["failed_batches"]) == (20, 20, 0)
    assert found["batches"] >= 20


@pytest.mark.timeout(400)
def test_mutated_batches_break_nothing_and_reach_no_other_host() -> None:
    found = values("fuzz")
    assert (found["crashes"], found["wrong_host_values"]) == (0, 0)
    assert found["rss_growth_bytes"] < 64 << 20
    assert 0 < found["stored"] < found["tried"] + security_fuzz.WARM


@pytest.mark.timeout(400)
def test_cases_out_of_the_apis_own_description_break_nothing() -> None:
    found = values("api")
    assert found["tried"] >= 200
    assert found["crashes"] == 0
