"""What a receiver made of a letter."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Answer:
    """
    What a receiver made of a letter; ``retry`` says whether asking again can help.

    ``after_seconds``: how long the receiver asked to be left alone.
    """

    accepted: bool
    retry: bool = False
    reason: str = ""
    after_seconds: float = 0.0
