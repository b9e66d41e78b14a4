"""Power at the wall from power of the components: a straight line that is learnt while both are known."""

import math
from dataclasses import dataclass

from headroom_core.energy import Estimate

LEAST_POINTS = 60
LEAST_SPREAD = 0.05
"""Least standard deviation of the components' watts, as a share of their mean: no slope without."""
MEMORY = 20_000.0
"""Points after which old ones have faded to a third: about two days at one in 10 s."""
NINETY = 1.645
"""Standard deviations to either side that hold 90 % of a normal distribution."""


@dataclass(slots=True)
class Fit:
    """
    Weighted least squares of wall watts over component watts, one point at a time.

    A whole server draws a constant more than its CPUs (fans, disks, board), and a little more again
    for each watt of theirs (losses of the power supply): Khan et al., 2016, found 5.6 % as the
    largest error of such a line.
    """

    points: float = 0.0
    mean_x: float = 0.0
    mean_y: float = 0.0
    xx: float = 0.0
    xy: float = 0.0
    yy: float = 0.0

    def learn(self, component: float, wall: float) -> None:
        """Take one pair of watts, of the same interval."""
        keep = 1 - 1 / MEMORY
        self.points = self.points * keep + 1
        from_x, from_y = component - self.mean_x, wall - self.mean_y
        self.mean_x += from_x / self.points
        self.mean_y += from_y / self.points
        self.xx = self.xx * keep + from_x * (component - self.mean_x)
        self.xy = self.xy * keep + from_x * (wall - self.mean_y)
        self.yy = self.yy * keep + from_y * (wall - self.mean_y)

    @property
    def ready(self) -> bool:
        """Whether there were points enough, and far enough apart, for a line."""
        if self.points < LEAST_POINTS or self.mean_x <= 0:
            return False
        return math.sqrt(self.xx / self.points) >= LEAST_SPREAD * self.mean_x and self.xy > 0

    @property
    def slope(self) -> float:
        """Watts at the wall for each watt of the components; only where ``ready``."""
        return self.xy / self.xx

    def spread(self) -> float:
        """Return the standard deviation around the line, in watts; only where ``ready``."""
        left = max(0.0, self.yy - self.xy * self.xy / self.xx)
        return math.sqrt(left / max(1.0, self.points - 2))

    def watts(self, component: float) -> float:
        """Return the line's watts at the wall; only where ``ready``."""
        return self.mean_y + self.slope * (component - self.mean_x)

    def estimate(self, component: float) -> Estimate | None:
        """Return watts at the wall with the interval of 90 %; None where there is no line."""
        if not self.ready:
            return None
        value, ends = self.watts(component), NINETY * self.spread()
        if value <= 0:
            return None
        return Estimate(value, max(0.0, value - ends), value + ends)


@dataclass(slots=True)
class Shaper:
    """
    Energy at the wall between two readings of a slow gauge, in the shape that the components give.

    The gauge sets the level, the components' counters what happened in between. ``level`` is how
    far the gauge was from the line of late.
    """

    fit: Fit
    level: float = 0.0
    weight: float = 0.1

    def gauge(self, wall: float, component: float) -> None:
        """Take a reading of the gauge, with the components' watts of that moment."""
        self.fit.learn(component, wall)
        if self.fit.ready:
            self.level += self.weight * (wall - self.fit.watts(component) - self.level)

    def joules(self, seconds: float, component_joules: float) -> float | None:
        """Return the energy of an interval; None until the line is known."""
        if seconds <= 0 or not self.fit.ready:
            return None
        return (self.fit.watts(component_joules / seconds) + self.level) * seconds
