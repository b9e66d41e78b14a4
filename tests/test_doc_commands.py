"""Every command that a document shows is one that the programs take, and is run by a test."""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from rigs.up import Up, headroom_up, wait_for
from typer.main import get_command

from headroom_agent.options import parser
from headroom_collector.cli.__main__ import make

ROOT = Path(__file__).parent.parent
FENCED = re.compile(
    r"^```(?:sh|console)[^\n]*\n(.*?)^```|((?:^ {4}\S.*\n)+)", re.MULTILINE | re.DOTALL
)
OURS = re.compile(r"(?:\.venv/bin/)?(headroom(?:-agent)?)\s(.*)")

GENERATED = ROOT / "docs" / "command-line.md"
"""Read off the commands themselves; tests/collector/cli/test_consistent.py walks them."""

LIVE = (
    "hosts",
    "plan",
    "waste",
    "forecast",
    "alerts",
    "alerts --history",
    "alerts silences",
    "certificate authority",
    "refresh --scenario 2008-2012",
    "refresh --scenario 2021-2025",
)
"""Run here as they stand, against a collector with simulated hosts."""
ELSEWHERE = {
    "alerts test": "tests/collector/alerts/test_cli.py",
    "alerts silence": "tests/collector/alerts/test_cli.py",
    "alerts unsilence": "tests/collector/alerts/test_cli.py",
    "alerts ack": "tests/collector/alerts/test_cli.py",
    "certificate": "tests/collector/security",
    "dashboards": "tests/dashboards/test_cli.py",
    "grafana": "tests/dashboards/test_provision.py",
    "plans import": "tests/collector/planner",
    "report": "tests/collector/report",
    "config check": "tests/install/test_install.py",
    "doctor": "tests/install/test_install.py",
    "enrol-token": "tests/install/test_install.py",
    "hosts": "tests/collector/api/test_cli_hosts.py",
    "plan --from": "tests/collector/planner/test_command.py",
    "refresh": "tests/collector/consolidation/refresh/test_commands.py",
    "store": "tests/collector/store/test_store_cli.py",
    "token": "tests/collector/security",
    "agent --once": "tests/agent/test_once.py",
    "agent doctor": "tests/agent/test_doctor.py",
    "agent enrol": "tests/install/test_install.py",
    "agent --config": "tests/install/test_install.py",
    "agent --collector": "tests/agent/test_service.py",
}
"""Begin so, and are run by the tests there, with what they need."""


def commands() -> Iterator[tuple[str, str, str]]:
    """Yield page, program and arguments of every command that is shown."""
    pages = {ROOT / "README.md", *(ROOT / "docs").rglob("*.md")} - {GENERATED}
    for page in sorted(pages):
        for fenced, indented in FENCED.findall(page.read_text(encoding="utf-8")):
            for line in (fenced or indented).replace("\\\n", " ").splitlines():
                if found := OURS.fullmatch(line.strip().split(" #")[0].strip() + " "):
                    program, rest = found.groups()
                    yield page.name, program, re.split(r" [>|&]|$", rest.strip())[0].strip()


SHOWN = sorted(set(commands()))


@pytest.mark.parametrize(("page", "program", "arguments"), SHOWN)
def test_the_program_takes_it(page: str, program: str, arguments: str) -> None:
    words = shlex.split(re.sub(r"\$\([^)]*\)", "x", arguments))
    if program == "headroom-agent":
        parser().parse_args(words)
        return
    command, context = get_command(make()), None
    while isinstance(command, click.Group):
        with command.make_context(command.name, words, parent=context) as made:
            context, name = made, made.protected_args[:1] or [""]
            words = [*made.protected_args, *made.args]
        if not name[0]:
            assert command.invoke_without_command
            return
        _, found, words = command.resolve_command(context, words)
        assert found is not None
        command = found
    command.make_context(command.name, words, parent=context)


@pytest.mark.parametrize(("page", "program", "arguments"), SHOWN)
def test_a_test_runs_it(page: str, program: str, arguments: str) -> None:
    asked = f"agent {arguments}" if program == "headroom-agent" else arguments
    if asked in LIVE:
        return
    by = [path for words, path in ELSEWHERE.items() if asked.startswith(words)]
    assert by, f"{page}: no test runs `{program} {arguments}`: add it here"
    assert all((ROOT / path).exists() for path in by)


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    with headroom_up(tmp_path_factory.mktemp("live") / "data", "--fleet", "6") as made:
        wait_for(lambda: len(made.get("/api/v1/hosts")["items"]) > 6, 60, "hosts")
        yield made


@pytest.mark.parametrize("arguments", LIVE)
def test_it_answers(live: Up, arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "headroom_collector.cli", *shlex.split(arguments)],
        capture_output=True,
        text=True,
        check=False,
        env={"HEADROOM_DATA": str(live.data), "PATH": "/usr/bin:/bin", "COLUMNS": "120"},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
