"""Words for people that several commands share: sums of money, shares, days, places."""

from collections.abc import Mapping
from typing import Any

UNKNOWN = "-"


def money(value: float | None, currency: str = "") -> str:
    """Say a sum, rounded to three digits or more; the currency in front where it is given."""
    if value is None:
        return UNKNOWN
    digits = max(0, len(str(int(abs(value)))) - 4)
    text = f"{round(value, -digits):,.0f}"
    return f"{currency} {text}" if currency else text


def counted(number: int, thing: str) -> str:
    """Say how many there are of a thing whose plural ends in s."""
    return f"{number} {thing}" if number == 1 else f"{number:,} {thing}s"


def share(value: float | None) -> str:
    """Say a ratio in percent."""
    return UNKNOWN if value is None else f"{value:.0%}"


def day(moment: str | None, *, at_least: bool = False) -> str:
    """Say the day of a time in RFC 3339, with a mark where it may have been before."""
    if moment is None:
        return UNKNOWN
    return f"<= {moment[:10]}" if at_least else moment[:10]


def place(row: Mapping[str, Any]) -> str:
    """Name a cluster with its site."""
    if not row["site"] and not row["cluster"]:
        return "(unassigned)"
    return f"{row['site'] or UNKNOWN}/{row['cluster'] or UNKNOWN}"


def years(value: float | None) -> str:
    """Say a length of time in years, or in months where it is short."""
    if value is None:
        return "never"
    if value <= 0:
        return "at once"
    if value >= 2:
        return f"{value:.1f} years"
    months = max(1, round(value * 12))
    return f"{months} month{'' if months == 1 else 's'}"
