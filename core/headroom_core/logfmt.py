"""Log lines on standard error, as logfmt or JSON: one line an event, the same for every process."""

import json
import logging
import sys
import time
from collections.abc import Iterator
from types import MappingProxyType


def quote(value: object) -> str:
    """Return ``value`` as a logfmt value; control characters escaped, so that a line stays one."""
    text = str(value)
    plain = text.encode("unicode_escape").decode("ascii") if not text.isprintable() else text
    if plain and not any(mark in plain for mark in ' ="'):
        return plain
    escaped = plain.replace('"', '\\"')
    return f'"{escaped}"'


def fields(record: logging.LogRecord) -> Iterator[tuple[str, str]]:
    """Yield what a line says; an exception is its type and text, never a traceback."""
    when = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
    yield "time", f"{when}.{int(record.msecs):03d}Z"
    yield "level", record.levelname.lower()
    yield "logger", record.name
    yield "msg", record.getMessage()
    if record.exc_info and record.exc_info[1] is not None:
        error = record.exc_info[1]
        yield "error", f"{type(error).__name__}: {error}"


class Formatter(logging.Formatter):
    """``time=... level=... logger=... msg="..."``, the time in UTC."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line for one event."""
        return " ".join(f"{name}={quote(value)}" for name, value in fields(record))


class JsonFormatter(logging.Formatter):
    """The same as one JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line for one event."""
        return json.dumps(dict(fields(record)))


FORMATTERS = MappingProxyType({"logfmt": Formatter, "json": JsonFormatter})


def set_up(level: str, form: str = "logfmt") -> None:
    """Send everything from ``level`` (debug, info, warning, error) up to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(FORMATTERS[form]())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
