"""Log lines as logfmt on standard error: one line an event, the same for every process."""

import logging
import sys
import time


def quote(value: object) -> str:
    """Return ``value`` as a logfmt value; control characters escaped, so that a line stays one."""
    text = str(value)
    plain = text.encode("unicode_escape").decode("ascii") if not text.isprintable() else text
    if plain and not any(mark in plain for mark in ' ="'):
        return plain
    escaped = plain.replace('"', '\\"')
    return f'"{escaped}"'


class Formatter(logging.Formatter):
    """``time=... level=... logger=... msg="..."``, the time in UTC."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line for one event; an exception is its type and text, never a traceback."""
        when = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        parts = [
            f"time={when}.{int(record.msecs):03d}Z",
            f"level={record.levelname.lower()}",
            f"logger={record.name}",
            f"msg={quote(record.getMessage())}",
        ]
        if record.exc_info and record.exc_info[1] is not None:
            error = record.exc_info[1]
            parts.append(f"error={quote(f'{type(error).__name__}: {error}')}")
        return " ".join(parts)


def set_up(level: str) -> None:
    """Send everything from ``level`` (debug, info, warning, error) up to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Formatter())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
