"""What the shipped systemd units say, and what it means to systemd and to the kernel."""

import re
import subprocess
from pathlib import Path

from rigs.need import engine

FOLDER = Path(__file__).parents[2] / "deploy" / "systemd"
UNITS = ("headroom-agent", "headroom-collector")
EXPOSURE = re.compile(r"Overall exposure level for \S+: ([0-9.]+)")


def directives(name: str, section: str = "Service") -> dict[str, list[str]]:
    """Return the settings of one section, each with its values in order."""
    found: dict[str, list[str]] = {}
    here = ""
    for line in (FOLDER / f"{name}.service").read_text().splitlines():
        if line.startswith("["):
            here = line.strip("[]")
        elif here == section and "=" in line and not line.startswith("#"):
            key, _, value = line.partition("=")
            found.setdefault(key, []).append(value)
    return found


def exposure(name: str, *, offline: Path = FOLDER) -> float:
    """Return what systemd-analyze says of a unit: 0 is closed, 10 is open."""
    command = [str(engine("systemd-analyze")), "security", "--offline=true"]
    done = subprocess.run(
        [*command, str(offline / f"{name}.service")],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    score = EXPOSURE.search(done.stdout)
    assert score is not None, done.stdout
    return float(score[1])


def expand(name: str) -> set[str]:
    """Return the system calls of a set such as @system-service."""
    done = subprocess.run(
        [engine("systemd-analyze"), "syscall-filter", name],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    found: set[str] = set()
    for word in (line.strip() for line in done.stdout.splitlines()[1:]):
        if word.startswith("@"):
            found |= expand(word)
        elif word and not word.startswith("#"):
            found.add(word)
    return found


def allowed_calls(name: str) -> set[str]:
    """Return the system calls that a unit's filter lets through, as systemd reads its lines."""
    allowed: set[str] = set()
    for line in directives(name)["SystemCallFilter"]:
        named: set[str] = set()
        for word in line.removeprefix("~").split():
            named |= expand(word) if word.startswith("@") else {word}
        allowed = allowed - named if line.startswith("~") else allowed | named
    return allowed
