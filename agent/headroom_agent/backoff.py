"""Waiting longer after each failure, with jitter, so that a fleet does not return at once."""

import random
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(slots=True)
class Backoff:
    """
    Seconds to wait after each failure in a row: doubled up to ``most``, then times 0.5 to 1.

    ``chance`` gives a number from 0 to 1.
    """

    first: float = 0.5
    most: float = 30.0
    chance: Callable[[], float] = random.random
    failures: int = 0

    def next(self) -> float:
        """Return the seconds to wait after one more failure."""
        ceiling = min(self.most, self.first * 2.0 ** min(self.failures, 16))
        self.failures += 1
        return ceiling * (0.5 + 0.5 * self.chance())

    def reset(self) -> None:
        """Begin anew after a success."""
        self.failures = 0
