"""Times of the HTTP side: UTC nanoseconds inside, RFC 3339 with Z outside."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import HTTPException
from pydantic import Field

SECOND = 1_000_000_000

Moment = Annotated[str, Field(description="UTC, RFC 3339", examples=["2026-03-01T12:00:00.000Z"])]


def moment(time: int) -> str:
    """Return UTC nanoseconds as RFC 3339 with milliseconds and Z."""
    whole = datetime.fromtimestamp(time // SECOND, UTC)
    return f"{whole:%Y-%m-%dT%H:%M:%S}.{time % SECOND // 1_000_000:03d}Z"


def moment_or_none(time: int | None) -> str | None:
    """Return UTC nanoseconds as RFC 3339, None for what never happened."""
    return None if time is None else moment(time)


def parse(text: str, name: str) -> int:
    """Return UTC nanoseconds of RFC 3339 or of seconds since 1970; answers 400 otherwise."""
    try:
        seconds = float(text)
    except ValueError:
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            at = None
        if at is None or at.tzinfo is None:
            raise HTTPException(
                400, f"{name} = {text!r}: expected RFC 3339 such as 2026-03-01T12:00:00Z"
            ) from None
        seconds = at.timestamp()
    if not 0 <= seconds < 9e9:
        raise HTTPException(400, f"{name} = {text!r}: expected a time from 1970 to 2255")
    return int(seconds * 1e6) * 1000
