"""Pages of a list: a limit, and a cursor that callers hand back without looking inside."""

import base64
import json
from collections.abc import Callable, Iterable, Sequence
from typing import Annotated, Any, Generic, TypeVar

from fastapi import HTTPException, Query
from pydantic import BaseModel, Field

T = TypeVar("T")

Limit = Annotated[int, Query(ge=1, le=1000, description="Most items in the answer")]
Cursor = Annotated[
    str, Query(max_length=2000, description="next_cursor of the page before; empty for the first")
]
Key = tuple[Any, ...]


class Page(BaseModel, Generic[T]):
    """One page of a list."""

    items: list[T]
    total: int = Field(description="Items on all pages together, now")
    next_cursor: str | None = Field(description="Cursor of the next page; null on the last")


def encode(key: Key) -> str:
    """Return a cursor that stands behind the item with this key."""
    return base64.urlsafe_b64encode(json.dumps(key).encode()).decode().rstrip("=")


def decode(cursor: str) -> Key:
    """Return the key in a cursor; answers 400 where it is none of ours."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        key = json.loads(base64.urlsafe_b64decode(padded.encode("ascii")))
    except (ValueError, RecursionError):
        key = None
    if not isinstance(key, list):
        raise HTTPException(400, "cursor: is not a next_cursor of this list; leave it out")
    return tuple(key)


def sort_key(value: float | str | None, *names: str, reverse: bool = False) -> Key:
    """Return a key by value, then by names; what is unknown comes last either way round."""
    return ((value is None) != reverse, 0 if value is None else value, *names)


def cut(
    items: Iterable[T],
    key: Callable[[T], Key],
    limit: int,
    cursor: str = "",
    *,
    reverse: bool = False,
) -> tuple[Sequence[T], str | None, int]:
    """
    Sort, and return one page with the cursor of the next and the number of items in all.

    The cursor names the last item's key, not a position: what comes or goes between two pages
    neither repeats nor hides another item.
    """
    ordered = sorted(items, key=key, reverse=reverse)
    total = len(ordered)
    if cursor:
        after = decode(cursor)
        try:
            ordered = [
                item for item in ordered if (key(item) < after if reverse else key(item) > after)
            ]
        except TypeError:
            raise HTTPException(
                400, "cursor: is of a list sorted otherwise; leave it out"
            ) from None
    page = ordered[:limit]
    return page, encode(key(page[-1])) if len(ordered) > limit else None, total
