"""Texts and figures in the reader's language: English or French, by CLDR's habits of each."""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from headroom_collector.web.words import TEXTS

LANGUAGES = ("en", "fr")
NONE = "–"  # noqa: RUF001 - the dash that tables have where there is no figure
NBSP = "\u00a0"
THIN = "\u202f"
JOINER = "\u2060"
"""Keeps a line from breaking."""
GIB = 1024**3
STEPS = ((86_400, "unit_day"), (3_600, "unit_hour"), (60, "unit_minute"))
SIGNS = {"EUR": "€", "USD": "$", "GBP": "£"}
HIDDEN = {"Cc", "Cf", "Zl", "Zp", "Cs"}


def foreign(text: str) -> str:
    """
    Return a text from outside with what cannot be seen made visible.

    Control characters and those that turn the direction of writing (Unicode categories Cc, Cf,
    Zl, Zp, Cs) could make a name look like another one.
    """
    return "".join(
        "\N{REPLACEMENT CHARACTER}" if unicodedata.category(sign) in HIDDEN else sign
        for sign in text
    )


def stamp(time: datetime) -> str:
    """Return a time as the machine-readable UTC text, to the second."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True, slots=True)
class Tongue:
    """One language: ``code`` is en or fr. What is not known is a dash, never a 0."""

    code: str = "en"

    def say(self, key: str, /, **figures: object) -> str:
        """Return a text with its figures filled in; KeyError for one that does not exist."""
        text = TEXTS[key][LANGUAGES.index(self.code)]
        return text.format(**figures) if figures else text

    def known(self, key: str) -> bool:
        """Whether there is such a text."""
        return key in TEXTS

    def count(self, noun: str, number: int) -> str:
        """Return a number with its noun, such as 1 host; French counts 0 as one."""
        one = number == 1 or (self.code == "fr" and number == 0)
        return self.say(f"{noun}_one" if one else f"{noun}_many", n=self.number(number))

    def number(self, value: float | None, digits: int = 0) -> str:
        """Return a plain number."""
        if value is None:
            return NONE
        text = f"{value:,.{digits}f}"
        if self.code == "en":
            return text
        return text.replace(",", THIN).replace(".", ",")

    def rounded(self, value: float | None) -> str:
        """Return a number to three digits, or whole where it has more."""
        if value is None:
            return NONE
        size = abs(value)
        digits = 0 if size >= 100 or value == int(value) else 1 if size >= 10 else 2
        if size >= 10_000:
            value = round(value, 3 - len(str(int(size))))
        return self.number(value, digits)

    def percent(self, ratio: float | None, digits: int = 1) -> str:
        """Return a ratio (0..1) as a percentage."""
        return NONE if ratio is None else f"{self.number(ratio * 100, digits)}{NBSP}%"

    def ceiling(self, ratio: float) -> str:
        """Return a ceiling (0..1) as a percentage without needless digits."""
        text = f"{ratio * 100:.4g}"
        return f"{text if self.code == 'en' else text.replace('.', ',')}{NBSP}%"

    def ceilings(self, low: float, high: float) -> str:
        """Return one ceiling, or the lowest and the highest."""
        if low == high:
            return self.ceiling(low)
        return self.say("ceilings", low=self.ceiling(low), high=self.ceiling(high))

    def age(self, seconds: float | None) -> str:
        """Return a length of time in its greatest unit, rounded down: 12 s, 3 min, 5 h, 2 d."""
        if seconds is None:
            return NONE
        for size, unit in STEPS:
            if seconds >= size:
                return f"{int(seconds // size)}{NBSP}{self.say(unit)}"
        return f"{max(0, int(seconds))}{NBSP}s"

    def ago(self, seconds: float) -> str:
        """Say how long ago, or how far ahead, something is."""
        if seconds < -1:
            return self.say("ahead", age=self.age(-seconds))
        return self.say("ago", age=self.age(seconds))

    def watts(self, value: float | None) -> str:
        """Return a power in W, from 10,000 W on in kW."""
        if value is None:
            return NONE
        if abs(value) >= 10_000:
            return f"{self.number(value / 1000, 1)}{NBSP}kW"
        return f"{self.number(value, 0 if abs(value) >= 10 else 1)}{NBSP}W"

    def kwh(self, value: float | None) -> str:
        """Return an energy in kWh, from 10,000 kWh on in MWh."""
        if value is None:
            return NONE
        if abs(value) >= 10_000:
            return f"{self.rounded(value / 1000)}{NBSP}MWh"
        return f"{self.rounded(value)}{NBSP}kWh"

    def kilograms(self, value: float | None) -> str:
        """Return a mass in kg, from 10,000 kg on in tonnes."""
        if value is None:
            return NONE
        if abs(value) >= 10_000:
            return f"{self.rounded(value / 1000)}{NBSP}t"
        return f"{self.rounded(value)}{NBSP}kg"

    def span(self, low: str, high: str) -> str:
        """Return the two ends of a figure, the unit once where it is the same."""
        amount, _, unit = low.rpartition(NBSP)
        first = amount if amount and high.endswith(NBSP + unit) else low
        return f"{first}{NONE}{JOINER}{high}"

    def gibibytes(self, size: float | None) -> str:
        """Return bytes in GiB, from 10,000 GiB on in TiB; French writes Gio and Tio."""
        if size is None:
            return NONE
        byte = "B" if self.code == "en" else "o"
        amount = size / GIB
        if amount >= 10_000:
            return f"{self.number(amount / 1024, 1)}{NBSP}Ti{byte}"
        return f"{self.number(amount, 0 if amount >= 100 else 1)}{NBSP}Gi{byte}"

    def money(self, value: float | None, currency: str, digits: int = 0) -> str:
        """Return a sum, rounded to four figures where it has more; the currency by habit."""
        if value is None:
            return NONE
        size = abs(value)
        if size >= 10_000:
            value = round(value, 4 - len(str(int(size))))
        sign = SIGNS.get(currency, foreign(currency))
        if self.code == "fr":
            return f"{self.number(value, digits)}{NBSP}{sign}"
        gap = "" if currency in SIGNS else NBSP
        minus = "-" if value < 0 else ""
        return f"{minus}{sign}{gap}{self.number(abs(value), digits)}"

    def clock(self, time: datetime) -> str:
        """Return a time as people read it where no script puts it into their own zone."""
        return time.strftime("%Y-%m-%d %H:%M:%S UTC")

    def day(self, time: date) -> str:
        """Return a day."""
        return time.strftime("%d/%m/%Y" if self.code == "fr" else "%Y-%m-%d")

    def list(self, items: Iterable[str]) -> str:
        """Return items with commas between them."""
        return ", ".join(items)


def chosen(cookie: str, accepted: str) -> Tongue:
    """Return the language of a cookie, else the best of an Accept-Language header, else English."""
    if cookie in LANGUAGES:
        return Tongue(cookie)
    wanted: list[tuple[float, int, str]] = []
    for place, part in enumerate(accepted.split(",")):
        name, _, quality = part.partition(";q=")
        try:
            weight = float(quality) if quality else 1.0
        except ValueError:
            weight = 0.0
        wanted.append((-weight, place, name.strip().lower()[:2]))
    found = next(
        (code for weight, _, code in sorted(wanted) if weight < 0 and code in LANGUAGES), ""
    )
    return Tongue(found or "en")
