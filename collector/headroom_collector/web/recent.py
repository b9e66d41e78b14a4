"""Overview of a moment ago, shared by everyone who looks at the page just then."""

from collections.abc import Callable
from threading import Lock

from headroom_collector.web.model import Overview

AGE_SECONDS = 1.0
"""For so long an overview is still the present one: many viewers cost no more than one."""


class Recent:
    """Keeps the last overview. Safe from any thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._made: tuple[float, Overview] | None = None

    def get(self, monotonic: Callable[[], float], make: Callable[[], Overview]) -> Overview:
        """Return the overview; whoever comes while it is being built waits for that one."""
        with self._lock:
            now = monotonic()
            if self._made is None or now - self._made[0] >= AGE_SECONDS:
                self._made = (now, make())
            return self._made[1]
