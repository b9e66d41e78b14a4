"""What a look found: good, a note, or bad with what to do."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

State = Literal["good", "note", "bad"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; ``found`` is one line and says what to do where it is bad."""

    state: State
    what: str
    found: str


def to_table(findings: Sequence[Finding]) -> str:
    """Return a plain table for people."""
    width = max((len(finding.what) for finding in findings), default=0)
    return "\n".join(f"{f.state:<4}  {f.what:<{width}}  {f.found}" for f in findings)
