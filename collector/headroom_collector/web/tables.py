"""Tables over many rows: what was asked of them, and one page of the answer."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

T = TypeVar("T")
ROWS = 50
"""Rows on a page of a table."""


@dataclass(frozen=True, slots=True)
class Order:
    """By which column a table is sorted, and which way."""

    column: str
    down: bool

    @property
    def text(self) -> str:
        """Return it as it stands in an address."""
        return f"-{self.column}" if self.down else self.column

    def turned(self, column: str, *, down: bool) -> str:
        """Return what a click on that column asks for: it, or the other way round."""
        if column == self.column:
            return column if self.down else f"-{column}"
        return f"-{column}" if down else column

    def aria(self, column: str) -> str:
        """Return the value of aria-sort of that column."""
        if column != self.column:
            return "none"
        return "descending" if self.down else "ascending"


def order_of(text: str, known: Sequence[str], default: str) -> Order:
    """Return the order asked for; the default where it is none."""
    chosen = text if text.lstrip("-") in known else default
    return Order(chosen.lstrip("-"), chosen.startswith("-"))


@dataclass(frozen=True, slots=True)
class Slice(Generic[T]):
    """One page of a table. Pages count from 1."""

    rows: Sequence[T]
    page: int
    pages: int
    total: int

    @property
    def first(self) -> int:
        """Number of its first row, from 1; 0 where there is none."""
        return (self.page - 1) * ROWS + 1 if self.total else 0

    @property
    def last(self) -> int:
        """Number of its last row."""
        return self.first + len(self.rows) - 1 if self.total else 0


def page_of(query: Mapping[str, str]) -> int:
    """Return the page asked for, from 1."""
    text = query.get("page", "1")
    return max(1, int(text)) if text.isascii() and text.isdigit() and len(text) < 8 else 1


def cut(rows: Sequence[T], order: Order, key: Callable[[T], Any], page: int) -> Slice[T]:
    """Sort and return one page; what is unknown comes last either way round."""
    known = [row for row in rows if key(row) is not None]
    loose = [row for row in rows if key(row) is None]
    known.sort(key=key, reverse=order.down)
    ordered = known + loose
    pages = max(1, -(-len(ordered) // ROWS))
    page = min(page, pages)
    return Slice(ordered[(page - 1) * ROWS : page * ROWS], page, pages, len(ordered))
