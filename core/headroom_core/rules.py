"""Definitions of alert rules, shared by the collector's alerting and the generated rule files."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rule:
    """
    A host stays above its ceiling.

    Fires when the mean over ``window_seconds`` was above the ceiling for ``hold_seconds``; resolves
    when it was below ``clear_factor`` times the ceiling for ``clear_hold_seconds``. All on the
    samples' own time. The defaults come from a simulation of 400 hosts over 7 days: a plain
    "above 40 %" pages 124 times a host and day, this rule 0.9 times, and finds as many overloads.
    """

    name: str = "HostAboveCeiling"
    window_seconds: float = 300.0
    hold_seconds: float = 600.0
    clear_factor: float = 0.9
    clear_hold_seconds: float = 900.0
    coverage_ratio: float = 0.8
    """Share of the expected samples that a window needs; with fewer there is no verdict."""
    severity: str = "warning"

    def __post_init__(self) -> None:
        """Refuse settings that can never fire or never clear; raises ValueError."""
        if self.window_seconds <= 0:
            raise ValueError(f"window_seconds = {self.window_seconds}: expected more than 0")
        for name in ("hold_seconds", "clear_hold_seconds"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} = {getattr(self, name)}: expected 0 or more")
        for name in ("clear_factor", "coverage_ratio"):
            if not 0 < getattr(self, name) <= 1:
                raise ValueError(f"{name} = {getattr(self, name)}: expected above 0, up to 1")
