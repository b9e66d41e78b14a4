"""The agent's log: one logfmt line each, on standard error."""

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


class Logfmt(logging.Formatter):
    """Formats ``time=... level=... msg="..."``, time in UTC."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        level = LEVELS.get(record.levelno, record.levelname.lower())
        return (
            f"time={stamp}.{int(record.msecs):03d}Z level={level} msg={quote(record.getMessage())}"
        )


def make_logger(verbose: bool, stream: TextIO | None = None) -> logging.Logger:
    """Return the agent's logger, writing to ``stream`` (standard error when not given)."""
    logger = logging.getLogger("headroom_agent")
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(Logfmt())
    logger.handlers[:] = [handler]
    logger.setLevel(logging.DEBUG if verbose else logging.INFO)
    logger.propagate = False
    return logger
