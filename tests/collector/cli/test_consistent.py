"""Every command of ``headroom``: it teaches, it is scripted alike, and it says how it ended."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from headroom_collector.cli.__main__ import make
from headroom_collector.cli.reference import page, walk

ROOT = Path(__file__).parents[3]
COMMANDS = dict(walk(get_command(make()), "headroom"))
ACT = {
    "headroom up", "headroom collector", "headroom report", "headroom hosts retire",
    "headroom hosts restore", "headroom hosts maintenance", "headroom hosts rename",
    "headroom hosts reload", "headroom alerts silence", "headroom alerts unsilence",
    "headroom alerts ack", "headroom config check", "headroom config show",
    "headroom store backup", "headroom store restore", "headroom store check",
    "headroom store export", "headroom certificate issue", "headroom certificate revoke",
    "headroom certificate allow", "headroom certificate authority", "headroom enrol-token create",
    "headroom token create", "headroom token revoke", "headroom dashboards generate",
    "headroom dashboards rules", "headroom grafana provision", "headroom grafana export",
    "headroom hosts targets", "headroom plans import",
}  # fmt: skip
"""Commands that do something, check something or write a file: they have no table to print."""
GROUPS = {"headroom", "headroom config", "headroom store", "headroom certificate"} | {
    "headroom enrol-token", "headroom token", "headroom dashboards", "headroom grafana",
}  # fmt: skip


def options(command: Any) -> dict[str, Any]:
    return {name: one for one in command.params for name in getattr(one, "opts", [])}


def headroom(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "headroom_collector.cli", *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "COLUMNS": "100", **environment},
    )


@pytest.mark.parametrize("path", COMMANDS)
def test_every_command_teaches_with_its_text_and_an_example(path: str) -> None:
    command = COMMANDS[path]
    taught = f"{command.help or ''} {command.epilog or ''}"

    assert len((command.help or "").split()) >= 3
    if path != "headroom":
        found = re.search(r"Examples?:\s+(headroom\S* [\w-]+)", taught)
        assert found, f"{path} has no example"
        assert taught.count(path) >= 1, f"the example is of another command: {taught}"
    for name, option in options(command).items():
        if name.startswith("--") and name not in {"--version", "--help"}:
            assert option.help, f"{path} {name} says nothing of itself"


@pytest.mark.parametrize("path", sorted(set(COMMANDS) - ACT - GROUPS))
def test_whatever_shows_something_shows_it_as_json_too(path: str) -> None:
    assert "--json" in options(COMMANDS[path])


def test_each_command_is_in_exactly_one_class() -> None:
    assert set(COMMANDS) >= ACT - {"headroom config show"}
    assert set(COMMANDS) >= GROUPS
    assert not any("--json" in options(COMMANDS[path]) for path in GROUPS)


@pytest.mark.parametrize("path", sorted(set(COMMANDS) - GROUPS - {"headroom bench"}))
def test_a_command_of_a_running_collector_takes_its_folder(path: str) -> None:
    local = {
        "headroom report", "headroom config check", "headroom config show", "headroom store restore",
        "headroom store check", "headroom dashboards generate", "headroom dashboards rules",
        "headroom grafana provision", "headroom grafana export", "headroom plans import",
    }  # fmt: skip
    assert "--data" in options(COMMANDS[path]) or path in local


def test_the_reference_is_what_the_commands_say() -> None:
    written = (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8")

    assert written == page(make())
    for path in COMMANDS:
        assert path == "headroom" or f"## {path}\n" in written


def test_there_is_no_colour_where_there_is_no_terminal() -> None:
    for arguments in ([], ["--help"], ["plan", "--help"], ["nonsense"], ["waste"]):
        done = headroom(*arguments, HEADROOM_DATA="/nowhere")
        assert "\x1b" not in done.stdout + done.stderr, arguments


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["--help"], 0, "Exit status: 0 done; 1 something to mend"),
        (["--version"], 0, "headroom "),
        (["hsts"], 2, "No such command 'hsts'"),
        (["waste", "--nonsense"], 2, "No such option"),
        (["waste", "--limit", "many"], 2, "--limit"),
        (["waste"], 1, "start one with `headroom up --data /nowhere`"),
        (["report"], 1, "start one with `headroom up --data /nowhere`"),
        (["config", "check", "/nowhere.toml"], 1, "/nowhere.toml"),
    ],
)
def test_the_exit_status_and_the_words_say_how_it_ended(arguments, code, says) -> None:
    done = headroom(*arguments, HEADROOM_DATA="/nowhere")

    assert done.returncode == code, done.stderr
    assert says in " ".join((done.stdout + done.stderr).split())
    assert "Traceback" not in done.stderr


def test_a_finding_of_the_doctor_is_json_and_a_status_of_its_own(tmp_path: Path) -> None:
    done = headroom("doctor", "--json", "--data", str(tmp_path / "none"))

    assert {one["state"] for one in json.loads(done.stdout)} <= {"good", "note", "bad"}
    bad = any(one["state"] == "bad" for one in json.loads(done.stdout))
    assert done.returncode == (1 if bad else 0)


def test_an_interrupted_command_says_so_by_its_status(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout
    process.stdout.readline()
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130


INTERRUPTED = """
import signal, sys, time
from headroom_collector.cli import __main__ as cli, waste
signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever started the tests may ignore it
def slow(*_, **__):
    print("began", flush=True)
    time.sleep(60)
waste.client = slow
sys.argv = ["headroom", "waste"]
cli.main()
"""


@pytest.mark.parametrize(("begun", "offers"), [("re", {"refresh", "report"}), ("sto", {"store"})])
def test_the_shell_completes_commands(begun: str, offers: set[str]) -> None:
    done = headroom(
        _HEADROOM_COMPLETE="complete_bash", COMP_WORDS=f"headroom {begun}", COMP_CWORD="1"
    )

    assert set(done.stdout.split()) >= offers


def test_completion_can_be_installed_and_seen() -> None:
    done = headroom("--help")

    assert "--install-completion" in done.stdout
    assert "--show-completion" in done.stdout
