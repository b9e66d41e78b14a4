"""Errors of a query, by the types that Prometheus' HTTP API names."""


class PromqlError(Exception):
    """A query that has no answer; the text is one line for the one who asked."""

    kind = "execution"
    status = 422


class BadDataError(PromqlError):
    """The question itself is wrong: syntax, a parameter, a range."""

    kind = "bad_data"
    status = 400


class LimitError(PromqlError):
    """The answer would take more than a query may: series, samples."""


class LateError(PromqlError):
    """The query took longer than it may."""

    kind = "timeout"
    status = 503


class UnavailableError(PromqlError):
    """What evaluates queries is not there."""

    kind = "unavailable"
    status = 503


class BusyError(PromqlError):
    """Too many queries run already."""

    kind = "unavailable"
    status = 503
