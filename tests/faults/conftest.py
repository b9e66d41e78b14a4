"""The fault suite's settings and its table: how often each fault struck, and what it cost."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from rigs.delivery.field import Field
from rigs.delivery.oracle import Verdict

SHORT = int(os.environ.get("HEADROOM_FAULTS_SHORT", "20"))
"""Repeats of a fault that takes less than a second."""
LONG = int(os.environ.get("HEADROOM_FAULTS_LONG", "3"))
"""Repeats of the others."""
POWER = int(os.environ.get("HEADROOM_FAULTS_POWER", "3"))
"""Power cuts."""


@dataclass
class Line:
    """One line of the table, in cycles."""

    fault: str
    repeats: int
    spooled: int
    lost: int
    duplicated: int
    declared: int


@dataclass
class Table:
    """What the suite found so far."""

    lines: list[Line] = field(default_factory=list)

    def note(self, fault: str, repeats: int, found: Verdict) -> None:
        """Write a line, and fail where anything was lost, doubled, changed or wrongly said."""
        self.add(
            fault,
            repeats,
            found.spooled,
            lost=len(found.lost) + len(found.wrong),
            duplicated=len(found.duplicated),
            declared=len(found.declared),
        )
        assert found.clean(), found

    def add(
        self,
        fault: str,
        repeats: int,
        spooled: int,
        *,
        lost: int,
        duplicated: int,
        declared: int = 0,
    ) -> None:
        self.lines.append(Line(fault, repeats, spooled, lost, duplicated, declared))


TABLE = pytest.StashKey[Table]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[TABLE] = Table()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    lines = terminalreporter.config.stash[TABLE].lines
    if not lines:
        return
    row = "{:<44}{:>8}{:>9}{:>6}{:>12}{:>10}".format
    terminalreporter.section("faults")
    head = row("fault", "repeats", "cycles", "lost", "duplicated", "in gaps")
    terminalreporter.write_line(head)
    for line in lines:
        numbers = (line.repeats, line.spooled, line.lost, line.duplicated, line.declared)
        terminalreporter.write_line(row(line.fault, *numbers))


@pytest.fixture
def table(request: pytest.FixtureRequest) -> Table:
    found: Table = request.config.stash[TABLE]
    return found


@pytest.fixture
def field_(tmp_path: Path) -> Iterator[Field]:
    made = Field(tmp_path)
    yield made
    made.clean_up()


@pytest.fixture
def short() -> int:
    return SHORT


@pytest.fixture
def long() -> int:
    return LONG


@pytest.fixture
def power() -> int:
    return POWER
