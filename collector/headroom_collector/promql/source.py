"""What the evaluator asks of whatever keeps the samples."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from headroom_collector.promql.matching import Matcher
from headroom_collector.promql.model import Samples


@dataclass(frozen=True, slots=True)
class Hints:
    """
    Which samples are wanted, in milliseconds.

    For each moment from ``start`` to ``end``, ``step`` apart, those of the ``window`` before it;
    ``function`` is what is made of them, empty for the newest value; ``resolution`` is the step of
    the query's outermost evaluation, 0 for an instant.
    """

    start: int
    end: int
    step: int
    window: int
    function: str
    resolution: int


class Source(Protocol):
    """Reads samples; may leave out what the hints do not want, and never a wanted one."""

    def select(self, matchers: Sequence[Matcher], hints: Hints) -> Samples:
        """Return the series that all matchers let pass; raises PromqlError, StoreError."""
        ...
