"""Finding of waste: what, where, since when, by which evidence, and what it costs a year."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "comatose host", "idle host", "past its age", "out of warranty",
    "VM switched off", "VM suspended", "idle VM", "oversized VM", "low density",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Thresholds:
    """
    From where on something counts as waste; ratios 0..1, lengths in days.

    Of 400 machines measured in a hosting centre over a month, a fifth never passed 5 % CPU in any
    5 minutes. ``comatose_days``: no useful work for six months, as the Anthesis studies have it.
    ``spare_ratio``: what a machine that is made smaller keeps above its peak. ``density``: virtual
    machines a hypervisor should carry.
    """

    idle_ratio: float = 0.05
    idle_days: int = 14
    comatose_days: int = 180
    known_share: float = 0.5
    spare_ratio: float = 0.3
    oversize_ratio: float = 0.5
    memory_step_bytes: int = 1 << 30
    density: float = 8.0


@dataclass(frozen=True, slots=True)
class Finding:
    """
    One finding.

    ``since`` in UTC nanoseconds, None where it has no beginning; with ``at_least`` it was so before,
    but the history does not reach back. ``cost_per_year`` in the estate's currency, None where
    unknown. ``counted``: its cost is part of the total; it is not where another finding has it.
    """

    kind: Kind
    name: str
    host: str
    site: str
    cluster: str
    since: int | None
    at_least: bool
    evidence: str
    cost_per_year: float | None
    counted: bool
