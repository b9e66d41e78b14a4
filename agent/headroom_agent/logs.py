"""The agent's log on standard error, as logfmt or JSON: one line an event."""

import json
import logging
import sys
import time
from typing import TextIO

LEVELS = {
    logging.DEBUG: "debug",
    logging.INFO: "info",
    logging.WARNING: "warning",
    logging.ERROR: "error",
}


def quote(text: str) -> str:
    """Return ``text`` as a logfmt value: one line, in quotes."""
    inner = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{inner}"'


def _time(record: logging.LogRecord) -> str:
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
    return f"{stamp}.{int(record.msecs):03d}Z"


def _level(record: logging.LogRecord) -> str:
    return LEVELS.get(record.levelno, record.levelname.lower())


class Logfmt(logging.Formatter):
    """Formats ``time=... level=... msg="..."``, time in UTC."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        return f"time={_time(record)} level={_level(record)} msg={quote(record.getMessage())}"


class Json(logging.Formatter):
    """The same as one JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        parts = {"time": _time(record), "level": _level(record), "msg": record.getMessage()}
        return json.dumps(parts)


def make_logger(
    verbose: bool, stream: TextIO | None = None, form: str = "logfmt"
) -> logging.Logger:
    """Return the agent's logger, writing ``form`` to ``stream`` (standard error when not given)."""
    logger = logging.getLogger("headroom_agent")
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(Json() if form == "json" else Logfmt())
    logger.handlers[:] = [handler]
    logger.setLevel(logging.DEBUG if verbose else logging.INFO)
    logger.propagate = False
    return logger
