"""Answers of a moment ago, shared by everyone who looks at the page just then."""

from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")

AGE_SECONDS = 1.0
"""For so long an overview is still the present one: many viewers cost no more than one."""
LONG_SECONDS = 60.0
"""For so long an answer about days or years is."""
MOST = 50
"""Answers that are kept."""


class Recent(Generic[T]):
    """Keeps answers by what was asked. Safe from any thread."""

    def __init__(self, seconds: float = AGE_SECONDS) -> None:
        self._seconds = seconds
        self._lock = Lock()
        self._making: dict[Hashable, Lock] = {}
        self._made: dict[Hashable, tuple[float, T]] = {}

    def get(
        self, monotonic: Callable[[], float], make: Callable[[], T], key: Hashable = None
    ) -> T:
        """Return the answer; whoever comes while it is being made waits for that one."""
        with self._lock:
            making = self._making.setdefault(key, Lock())
        with making:
            found = self._made.get(key)
            if found is not None and monotonic() - found[0] < self._seconds:
                return found[1]
            made = make()
            with self._lock:
                self._made[key] = (monotonic(), made)
                while len(self._made) > MOST:
                    self._made.pop(next(iter(self._made)))
                    # Its lock stays: somebody may hold it.
            return made
