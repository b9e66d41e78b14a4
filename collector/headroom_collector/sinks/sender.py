"""The sender: parts to an engine, those that it refuses found and counted."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from headroom_collector.sinks.target import Answer, Meaning, Part, Target

MOST_PARTS = 5_000
MOST_BYTES = 2 << 20
MOST_REQUESTS = 200
"""Requests after which what is still refused of a chunk is given up as a whole."""


class UnreachableError(Exception):
    """The engine takes nothing now; the text says why, ``wait_seconds`` what it asked for."""

    def __init__(self, answer: Answer) -> None:
        what = f"status {answer.status}" if answer.status else "no answer"
        super().__init__(f"{what}: {' '.join(answer.text.split())}")
        self.wait_seconds = answer.wait_seconds


@dataclass(slots=True)
class Tally:
    """Values that were taken, and those that the engine will never take; why, of the last one."""

    sent: int = 0
    refused: int = 0
    reason: str = ""


def chunks(parts: Iterable[Part]) -> Iterator[list[Part]]:
    """Gather parts into requests of a bounded size."""
    found: list[Part] = []
    size = 0
    for part in parts:
        if found and (len(found) >= MOST_PARTS or size + len(part.data) > MOST_BYTES):
            yield found
            found, size = [], 0
        found.append(part)
        size += len(part.data)
    if found:
        yield found


def deliver(target: Target, parts: Sequence[Part], tally: Tally) -> None:
    """
    Have an engine take a chunk; raises UnreachableError where it takes nothing now.

    Engines refuse a request as a whole because of one sample in it, so what is refused is halved
    until the culprits are found, within a bound. A part that the engine has already is taken
    again without harm: it is the same series, time and value.
    """
    waiting = [list(parts)]
    requests = 0
    while waiting:
        some = waiting.pop()
        answer = target.send(some)
        requests += 1
        meaning = answer.meaning()
        if meaning is Meaning.REFUSED and answer.status >= 500:
            meaning = target.send(some).meaning()  # said twice it is for good
        if meaning is Meaning.LATER:
            raise UnreachableError(answer)
        values = sum(part.values for part in some)
        if meaning is Meaning.TAKEN:
            tally.sent += values
        elif len(some) == 1 or requests >= MOST_REQUESTS:
            tally.refused += values
            tally.reason = f"status {answer.status}: {' '.join(answer.text.split())}"
        else:
            half = len(some) // 2
            waiting += [some[half:], some[:half]]
