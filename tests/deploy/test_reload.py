"""Settings that change under a running collector."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from rigs.collector import Program, wait_for

from headroom_collector import ready
from headroom_collector.config import CollectorConfig, Listen
from headroom_collector.renew import merged
from headroom_core.ceiling import Ceiling

START = '[listen]\ngrpc = "127.0.0.1:0"\nhttp = "127.0.0.1:0"\n'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "collector.toml"
    made.write_text(START)
    return made


@pytest.fixture
def collector(tmp_path: Path, file: Path) -> Iterator[Program]:
    arguments = ["headroom_collector.cli", "collector", "--config", str(file)]
    arguments += ["--data", str(tmp_path / "data"), "--log-format", "json"]
    made = Program(arguments, tmp_path / "log")
    made.start()
    try:
        wait_for("the collector to be ready", lambda: ready.read(tmp_path / "data") is not None)
        yield made
    finally:
        made.clean_up()


def said(program: Program) -> list[str]:
    return [json.loads(line)["msg"] for line in program.text().splitlines() if line[0] == "{"]


def reload(program: Program, file: Path, more: str, expected: str) -> None:
    file.write_text(START + more)
    os.kill(program.pid, signal.SIGHUP)
    wait_for(expected, lambda: any(expected in line for line in said(program)))


def rules(data: Path) -> set[str]:
    found = ready.read(data)
    assert found is not None
    answer = httpx.get(f"http://{found.http}/prometheus/api/v1/rules").raise_for_status().json()
    return {rule["name"] for group in answer["data"]["groups"] for rule in group["rules"]}


def test_a_reload_takes_rules_over_and_leaves_everything_when_there_is_a_mistake(
    collector: Program, file: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    assert "HostSwaps" not in rules(data)
    more = (
        '[alerts.rules.HostSwaps]\nmetric = "swap_in_bytes_total"\naggregate = "rate"\n'
        'threshold = 1000\nrunbook_url = "https://wiki.example/swap"\n'
    )
    reload(collector, file, more, "configuration read again")
    assert "HostSwaps" in rules(data)

    reload(collector, file, "[ceiling]\nratio = 40\n", "was not taken over")
    assert "HostSwaps" in rules(data)
    assert any("ratio = 40" in line for line in said(collector))

    reload(collector, file, "[store]\nraw_days = 3\n", "want a restart: store")
    assert "HostSwaps" not in rules(data)
    assert collector.stop() == 0


def test_what_is_live_is_taken_and_the_rest_is_named() -> None:
    now = CollectorConfig()
    wanted = CollectorConfig(ceiling=Ceiling(0.5), listen=Listen(http="127.0.0.1:1"))
    held, left = merged(now, wanted)
    assert (held.ceiling, held.listen, left) == (Ceiling(0.5), now.listen, ["listen"])
