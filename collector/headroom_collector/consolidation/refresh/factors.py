"""
Three factors behind "so many old hosts are replaced by so few new ones".

    hosts = old / (throughput ratio * utilisation gain) * packing loss

The throughput ratio is what the new machine does more at full load. The utilisation gain is how far
the ceiling lies above what the old hosts do on average. The packing loss is what measured work
takes back: it has peaks, and comes in whole machines, so hosts filled up to the ceiling in every
sample stay below it on average.
"""

import math
from dataclasses import dataclass

ALMOST = 1e-9
"""Relative; a count that misses a whole number by rounding is that number."""


@dataclass(frozen=True, slots=True)
class Factors:
    """The three factors, each a ratio; the packing loss is at least 1."""

    throughput_ratio: float
    utilisation_gain: float
    packing_loss: float

    def __post_init__(self) -> None:
        """Refuse what cannot be; raises ValueError."""
        if min(self.throughput_ratio, self.utilisation_gain) <= 0:
            raise ValueError("throughput ratio and utilisation gain: expected above 0")
        if self.packing_loss < 1 - ALMOST:
            raise ValueError(f"packing loss {self.packing_loss:g}: expected at least 1")


@dataclass(frozen=True, slots=True)
class Counts:
    """
    Hosts that the factors leave, one more factor at a time.

    ``same_use``: new hosts as idle as the old ones were; ``filled``: with perfect packing up to the
    ceiling; ``packed``: with the loss. ``kept``: hosts of the old kind, filled and packed likewise,
    when nothing is bought.
    """

    same_use: int
    filled: int
    packed: int
    kept: int


def whole(hosts: float) -> int:
    """Round a number of hosts up."""
    return math.ceil(hosts * (1 - ALMOST))


def count(old: int, factors: Factors) -> Counts:
    """Return what becomes of ``old`` hosts; ``kept`` is never more than there are."""
    ratio, gain, loss = factors.throughput_ratio, factors.utilisation_gain, factors.packing_loss
    return Counts(
        same_use=whole(old / ratio),
        filled=whole(old / (ratio * gain)),
        packed=whole(old / (ratio * gain) * loss),
        kept=min(old, whole(old / gain * loss)),
    )
