"""What every sink's engine is to the sender: parts in, an answer out; and what an answer means."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from headroom_collector.sinks.source import Group


@dataclass(frozen=True, slots=True)
class Part:
    """Something that an engine takes or refuses as a whole, and how many values it holds."""

    data: bytes
    values: int


class Meaning(Enum):
    """What is to be done after an answer."""

    TAKEN = "taken"
    LATER = "later"
    """Nothing is wrong with what was sent: send it again."""
    REFUSED = "refused"
    """Something of it will never be taken."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Status of HTTP, 0 where there was none; ``wait_seconds`` is what the engine asked for."""

    status: int
    text: str
    wait_seconds: float | None = None

    def meaning(self) -> Meaning:
        """
        Return what is to be done.

        A 4xx other than 429 is for good (remote write 1.0 specification, "retries"). Prometheus
        with an out-of-order window answers a sample that is too old with 500 (its issue 13334),
        and would do so for ever.
        """
        if 200 <= self.status < 300:
            return Meaning.TAKEN
        if 400 <= self.status < 500 and self.status not in {401, 403, 404, 408, 429}:
            return Meaning.REFUSED
        if self.status == 500 and "too old sample" in self.text:
            return Meaning.REFUSED
        # Not let in, or not there: the engine's operator has to do something, no sample is bad.
        return Meaning.LATER


class Target(Protocol):
    """An engine."""

    name: str

    def encode(self, groups: Iterable[Group]) -> Iterator[Part]:
        """Yield what ``send`` takes."""
        ...

    def send(self, parts: Sequence[Part]) -> Answer:
        """Send parts in one request; never raises for what the network or the engine does."""
        ...

    def close(self) -> None:
        """Close its connections."""
        ...
