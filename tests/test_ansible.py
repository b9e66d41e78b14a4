"""The Ansible role is one that Ansible takes, and documents what it takes."""

import subprocess
from pathlib import Path

import pytest
import yaml
from rigs.need import engine

FOLDER = Path(__file__).parents[1] / "deploy" / "ansible"
ROLE = FOLDER / "roles" / "headroom_agent"


def test_the_playbook_and_the_example_inventory_are_taken() -> None:
    program = engine("ansible-playbook")
    command = [str(program), "--syntax-check", "-i", "inventory.example.yml", "site.yml"]
    done = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr


def test_every_variable_is_described_and_has_a_default() -> None:
    defaults = yaml.safe_load((ROLE / "defaults" / "main.yml").read_text())
    specs = yaml.safe_load((ROLE / "meta" / "argument_specs.yml").read_text())
    assert set(specs["argument_specs"]["main"]["options"]) == set(defaults)


def test_it_goes_in_waves_and_stops_at_the_first_host_that_fails() -> None:
    (play,) = yaml.safe_load((FOLDER / "site.yml").read_text())
    assert play["serial"] == [1, "10%", "50%", "100%"]
    assert play["max_fail_percentage"] == 0


@pytest.mark.parametrize(
    "file", sorted((ROLE / "tasks").glob("*.yml")), ids=lambda file: file.name
)
def test_what_touches_a_token_is_logged_nowhere(file: Path) -> None:
    for task in yaml.safe_load(file.read_text()):
        text = str(task)
        if "token.stdout" in text or "enrol-token" in text:
            assert task.get("no_log") is True, task["name"]
