"""Functions of values at one moment, as Prometheus 2.42 defines them (promql/functions.go)."""

from collections.abc import Callable, Mapping

import numpy as np

from headroom_collector.promql.model import Floats, Ints

Arguments = list[Floats]
Instant = Callable[[Floats, Arguments], Floats]
"""From values (series, steps) and scalar arguments (steps,) each to values."""
DAY = 86_400


def _of(function: Callable[[Floats], Floats]) -> Instant:
    return lambda values, _: function(values)


def _clamp(values: Floats, arguments: Arguments) -> Floats:
    low, high = arguments
    found = _go_max(low, _go_min(high, values))
    return np.where(np.isnan(low) | np.isnan(high), np.nan, found)


def _go_min(a: Floats, b: Floats) -> Floats:
    """Return the smaller, or NaN where either is, as Go's math.Min does."""
    return np.minimum(a, b)


def _go_max(a: Floats, b: Floats) -> Floats:
    return np.maximum(a, b)


def _round(values: Floats, arguments: Arguments) -> Floats:
    """Round to a multiple; ties go up. The inverse is used as Prometheus does, digit for digit."""
    nearest = arguments[0] if arguments else np.ones(1)
    inverse = 1.0 / nearest
    return np.floor(values * inverse + 0.5) / inverse


def _sign(values: Floats) -> Floats:
    return np.sign(values)


INSTANT: Mapping[str, Instant] = {
    "abs": _of(np.abs),
    "acos": _of(np.arccos),
    "acosh": _of(np.arccosh),
    "asin": _of(np.arcsin),
    "asinh": _of(np.arcsinh),
    "atan": _of(np.arctan),
    "atanh": _of(np.arctanh),
    "ceil": _of(np.ceil),
    "clamp": _clamp,
    "clamp_max": lambda values, arguments: _go_min(arguments[0], values),
    "clamp_min": lambda values, arguments: _go_max(arguments[0], values),
    "cos": _of(np.cos),
    "cosh": _of(np.cosh),
    "deg": lambda values, _: values * 180 / np.pi,
    "exp": _of(np.exp),
    "floor": _of(np.floor),
    "ln": _of(np.log),
    "log10": _of(np.log10),
    "log2": _of(np.log2),
    "rad": lambda values, _: values * np.pi / 180,
    "round": _round,
    "sgn": _of(_sign),
    "sin": _of(np.sin),
    "sinh": _of(np.sinh),
    "sqrt": _of(np.sqrt),
    "tan": _of(np.tan),
    "tanh": _of(np.tanh),
}


def _date(values: Floats, unit: str) -> Ints:
    """Return moments (seconds since 1970, UTC) in whole days, months or years since 1970."""
    seconds = np.trunc(values).astype(np.int64).astype("datetime64[s]")
    return seconds.astype(f"datetime64[{unit}]").astype(np.int64)


def _month_start(values: Floats, ahead: int = 0) -> Ints:
    months = (_date(values, "M") + ahead).astype("datetime64[M]")
    return months.astype("datetime64[D]").astype(np.int64)


def _year_start(values: Floats) -> Ints:
    years = _date(values, "Y").astype("datetime64[Y]")
    return years.astype("datetime64[D]").astype(np.int64)


def _second(values: Floats) -> Ints:
    return np.trunc(values).astype(np.int64) % DAY


CALENDAR: Mapping[str, Callable[[Floats], Ints]] = {
    "day_of_month": lambda values: _date(values, "D") - _month_start(values) + 1,
    "day_of_week": lambda values: (_date(values, "D") + 4) % 7,
    "day_of_year": lambda values: _date(values, "D") - _year_start(values) + 1,
    "days_in_month": lambda values: _month_start(values, 1) - _month_start(values),
    "hour": lambda values: _second(values) // 3600,
    "minute": lambda values: _second(values) // 60 % 60,
    "month": lambda values: _date(values, "M") % 12 + 1,
    "year": lambda values: _date(values, "Y") + 1970,
}
"""From seconds since 1970; numbers beyond ``DATES`` are no date."""
DATES = 1e11
"""Seconds before and after 1970 that still have a date: some 3,000 years."""


def on_calendar(name: str, values: Floats) -> Floats:
    """Return what a function of the calendar says of these moments, NaN where it is no date."""
    dates = np.abs(values) <= DATES
    return np.where(dates, CALENDAR[name](np.where(dates, values, 0.0)).astype(np.float64), np.nan)
