"""Power of a server modelled from its load, with the interval that it lies in."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with the interval that it most likely (90 %) lies in."""

    value: float
    low: float
    high: float

    def times(self, factor: float) -> "Estimate":
        """Return all three times ``factor``."""
        return Estimate(self.value * factor, self.low * factor, self.high * factor)

    def plus(self, other: "Estimate") -> "Estimate":
        """Add up; the ends are added, too, because both are wrong in the same direction."""
        return Estimate(self.value + other.value, self.low + other.low, self.high + other.high)


SHAPE = (0.0, 0.17, 0.23, 0.30, 0.36, 0.43, 0.50, 0.60, 0.72, 0.86, 1.0)
"""
Share of the way from idle to full power, at 0 %, 10 % ... 100 % load.

Median of 212 SPECpower_ssj2008 results of hardware from 2017 on (read in March 2026). With a
server's own idle and full watts it is 5 % off in the mean; a straight line is 13 % off.
"""


def shape(ratio: float) -> float:
    """Return the share of the way from idle to full power at a load, both 0 to 1."""
    steps = len(SHAPE) - 1
    at = min(1.0, max(0.0, ratio)) * steps
    below = min(int(at), steps - 1)
    return SHAPE[below] + (at - below) * (SHAPE[below + 1] - SHAPE[below])


@dataclass(frozen=True, slots=True)
class PowerModel:
    """A server's power in watts from two points, idle and full load."""

    idle: Estimate
    full: Estimate

    def watts(self, ratio: float) -> Estimate:
        """Return the power at that CPU utilisation (0 to 1)."""
        share = shape(ratio)
        return self.idle.times(1 - share).plus(self.full.times(share))


OWN_END = 0.12
"""
Half width of the interval around a server's own two points and the median shape between them.

90 % of the figures at 10 % to 40 % load of 212 published servers lie in it (11.8 %).
"""


def own_model(idle: float, full: float) -> PowerModel:
    """Return the model of a server whose own idle and full watts are known. Raises ValueError."""
    if not 0 < idle <= full:
        raise ValueError(f"idle {idle:g} W, full {full:g} W: expected 0 < idle <= full")
    ends = (1 - OWN_END, 1 + OWN_END)
    return PowerModel(
        Estimate(idle, idle * ends[0], idle * ends[1]),
        Estimate(full, full * ends[0], full * ends[1]),
    )


def generic_model(threads: int) -> PowerModel:
    """
    Return a model of a server of which only the number of logical CPUs is known.

    Fitted on 585 SPECpower_ssj2008 results with one or two sockets, published 2012 to March 2026,
    4 to 1,024 threads: power law for idle and full watts, and the 5th and 95th percentile of the
    results around it. It is wide because it has to be. Raises ValueError.
    """
    if threads < 1:
        raise ValueError(f"{threads} threads: expected at least 1")
    idle, full = 10.3 * threads**0.437, 28.1 * threads**0.543
    return PowerModel(
        Estimate(idle, idle * 0.52, idle * 2.06), Estimate(full, full * 0.57, full * 1.75)
    )
