from collections.abc import Iterator
from dataclasses import dataclass

import pytest


@dataclass(slots=True)
class SetClock:
    """A clock that a test sets."""

    time: int = 1_800_000_000_000_000_000

    def now(self) -> int:
        return self.time

    def monotonic(self) -> float:
        return self.time / 1e9


@pytest.fixture
def clock() -> Iterator[SetClock]:
    return SetClock()
