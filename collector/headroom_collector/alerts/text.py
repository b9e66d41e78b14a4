"""Texts of one rule."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Text:
    """
    Texts of one rule, each with the places {host}, {value}, {level}, {window} and {since}.

    ``fires`` and ``over`` fit one line.
    """

    fires: str
    over: str
    figure: str
    meaning: str
    todo: str
