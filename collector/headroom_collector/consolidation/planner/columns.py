"""Columns of a CSV file with a head line: typed, each fault one line with file, line and column."""

import csv
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TypeVar

from headroom_collector.consolidation.planner.model import PlanError

Made = TypeVar("Made")
LARGEST = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a CSV file; an absent column reads as empty."""

    file: str
    line: int
    cells: Mapping[str, str]

    def text(self, column: str) -> str:
        """Return a cell without the blanks around it."""
        return self.cells.get(column, "").strip()

    def fault(self, column: str, expected: str) -> PlanError:
        """Return the error that names this cell."""
        value = self.text(column)
        return PlanError(
            f"{self.file}, line {self.line}: {column} is {value!r}: expected {expected}"
        )

    def needed(self, column: str) -> str:
        """Return a cell that may not be empty; raises PlanError."""
        if not self.text(column):
            raise self.fault(column, "a name")
        return self.text(column)

    def whole(self, column: str, *, least: int = 0) -> int:
        """Return a whole number of at least so much; raises PlanError."""
        number = self._number(column, float(least), f"a whole number from {least} on")
        if number is None or number != int(number) or number > LARGEST:
            raise self.fault(column, f"a whole number from {least} on")
        return int(number)

    def rounded(self, column: str) -> int:
        """Return a number rounded up to a whole one, 0 where empty; raises PlanError."""
        number = self._number(column, 0.0, "a number from 0 on")
        if number is not None and number > LARGEST:
            raise self.fault(column, f"a number up to {LARGEST}")
        return 0 if number is None else int(-(-number // 1))

    def ratio(self, column: str) -> float | None:
        """Return a number from 0 on, None where empty; raises PlanError."""
        return self._number(column, 0.0, "a number from 0 on, or nothing")

    def share(self, column: str) -> float | None:
        """Return a ratio above 0 and up to 1, None where empty; raises PlanError."""
        number = self._number(column, 0.0, "a ratio above 0 and up to 1, or nothing")
        if number is not None and not 0 < number <= 1:
            raise self.fault(column, "a ratio above 0 and up to 1, such as 0.40")
        return number

    def above(self, column: str) -> float:
        """Return a number above 0; raises PlanError."""
        number = self._number(column, 0.0, "a number above 0")
        if not number:
            raise self.fault(column, "a number above 0")
        return number

    def flag(self, column: str) -> bool:
        """Return yes or no, no where empty; raises PlanError."""
        text = self.text(column).lower()
        if text not in {"", "0", "1", "yes", "no", "true", "false"}:
            raise self.fault(column, "yes or no")
        return text in {"1", "yes", "true"}

    def _number(self, column: str, least: float, expected: str) -> float | None:
        text = self.text(column)
        if not text:
            return None
        try:
            number = float(text)
        except ValueError:
            raise self.fault(column, expected) from None
        if not least <= number < float("inf"):
            raise self.fault(column, expected)
        return number


def read_rows(path: Path, needed: tuple[str, ...], known: tuple[str, ...]) -> Iterator[Row]:
    """
    Yield a file's rows; raises PlanError.

    ``needed`` columns must be there, and no column may be neither needed nor ``known``: it might be
    a rule that is misspelt.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            head = [name.strip() for name in next(reader, [])]
            _check_head(path.name, head, needed, known)
            for cells in reader:
                if not any(cell.strip() for cell in cells):
                    continue
                if len(cells) != len(head):
                    raise PlanError(
                        f"{path.name}, line {reader.line_num}: {len(cells)} cells: "
                        f"expected {len(head)}, as in the head line"
                    )
                yield Row(path.name, reader.line_num, dict(zip(head, cells, strict=True)))
    except OSError as error:
        raise PlanError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise PlanError(f"{path.name}: byte {error.start} is no UTF-8: expected text") from None
    except csv.Error as error:
        raise PlanError(f"{path.name}: no CSV: {error}") from None


def _check_head(
    file: str, head: list[str], needed: tuple[str, ...], known: tuple[str, ...]
) -> None:
    if not head:
        raise PlanError(f"{file} is empty: expected a head line with {', '.join(needed)}")
    every = needed + known
    for name in head:
        if name not in every:
            close = get_close_matches(name, every, 1)
            hint = f"; did you mean {close[0]}?" if close else ""
            raise PlanError(
                f"{file}, line 1: column {name!r} is unknown: expected {', '.join(every)}{hint}"
            )
        if head.count(name) > 1:
            raise PlanError(f"{file}, line 1: column {name!r} is there twice: expected once")
    for name in needed:
        if name not in head:
            raise PlanError(
                f"{file}, line 1: column {name!r} is missing: expected {', '.join(needed)}"
            )


def unique(rows: Iterator[Row], column: str, make: Callable[[Row], Made]) -> list[Made]:
    """Make one thing of each row, whose names must differ; raises PlanError."""
    lines: dict[str, int] = {}
    found = []
    for row in rows:
        name = row.needed(column)
        if name in lines:
            raise row.fault(column, f"a name of its own; line {lines[name]} has it too")
        lines[name] = row.line
        found.append(make(row))
    return found
