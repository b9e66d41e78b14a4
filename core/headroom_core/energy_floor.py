"""Idle floor of a host: what it draws with nothing to do, which is saved when it is switched off."""

import math
from collections import deque
from dataclasses import dataclass, field

IDLE_RATIO = 0.05
LEAST_READINGS = 30
MOST_READINGS = 200
PERCENTILE = 0.05


@dataclass(slots=True)
class IdleFloor:
    """The 5th percentile of the power that was drawn at less than 5 % CPU, of the last readings."""

    seen: deque[float] = field(default_factory=lambda: deque(maxlen=MOST_READINGS))

    def learn(self, ratio: float, watts: float) -> None:
        """Take the CPU utilisation and the power of one interval."""
        if ratio < IDLE_RATIO:
            self.seen.append(watts)

    def watts(self) -> float | None:
        """Return the floor; None until the host was idle often enough."""
        if len(self.seen) < LEAST_READINGS:
            return None
        ordered = sorted(self.seen)
        return ordered[math.floor(PERCENTILE * (len(ordered) - 1))]
