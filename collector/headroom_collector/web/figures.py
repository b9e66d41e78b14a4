"""Figures as people read them: with a unit, short, and never a 0 for what is not known."""

import unicodedata

NONE = "–"  # noqa: RUF001 - the dash that tables have where there is no figure
NBSP = "\u00a0"
JOINER = "\u2060"
"""Keeps a line from breaking."""
GIB = 1024**3
STEPS = ((86_400, "d"), (3_600, "h"), (60, "min"))


def percent(ratio: float | None, digits: int = 1) -> str:
    """Return a ratio (0..1) as a percentage."""
    return NONE if ratio is None else f"{ratio * 100:.{digits}f}{NBSP}%"


def ceiling(ratio: float) -> str:
    """Return a ceiling (0..1) as a percentage without needless digits."""
    return f"{ratio * 100:.4g}{NBSP}%"


def age(seconds: float) -> str:
    """Return a length of time in its greatest unit, rounded down: 12 s, 3 min, 5 h, 2 d."""
    for size, unit in STEPS:
        if seconds >= size:
            return f"{int(seconds // size)}{NBSP}{unit}"
    return f"{max(0, int(seconds))}{NBSP}s"


def watts(value: float | None) -> str:
    """Return a power in W, from 10,000 W on in kW."""
    if value is None:
        return NONE
    if abs(value) >= 10_000:
        return f"{value / 1000:,.1f}{NBSP}kW"
    return f"{value:,.0f}{NBSP}W" if abs(value) >= 10 else f"{value:.1f}{NBSP}W"


def span(low: float, high: float) -> str:
    """Return the two ends of a power, the unit once where it is the same."""
    first, last = watts(low), watts(high)
    amount, _, unit = first.partition(NBSP)
    return f"{amount if last.endswith(NBSP + unit) else first}{NONE}{JOINER}{last}"


def gibibytes(size: int | None) -> str:
    """Return bytes in GiB."""
    if size is None:
        return NONE
    amount = size / GIB
    return f"{amount:,.0f}{NBSP}GiB" if amount >= 100 else f"{amount:.1f}{NBSP}GiB"


def number(value: float | None, digits: int = 0) -> str:
    """Return a plain number."""
    return NONE if value is None else f"{value:,.{digits}f}"


def foreign(text: str) -> str:
    """
    Return a text from outside with what cannot be seen made visible.

    Control characters and those that turn the direction of writing (Unicode categories Cc, Cf,
    Zl, Zp, Cs) could make a name look like another one.
    """
    return "".join(
        "\N{REPLACEMENT CHARACTER}"
        if unicodedata.category(sign) in {"Cc", "Cf", "Zl", "Zp", "Cs"}
        else sign
        for sign in text
    )
