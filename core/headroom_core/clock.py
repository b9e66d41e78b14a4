"""Time, passed in wherever it is needed."""

import time
from typing import Protocol


class Clock(Protocol):
    """Wall and monotonic time."""

    def now(self) -> int:
        """UTC nanoseconds since 1970."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> int:
        """UTC nanoseconds since 1970."""
        return time.time_ns()

    def monotonic(self) -> float:
        """Seconds that never go back."""
        return time.monotonic()
