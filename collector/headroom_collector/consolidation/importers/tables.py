"""Tables that other tools export: CSV or a workbook's sheet, read by their head lines."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from headroom_collector.consolidation.planner.model import PlanError

FORMS = (
    *("%m/%d/%Y %I:%M:%S %p", "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %H:%M"),
    *("%d.%m.%Y %H:%M:%S", "%d/%m/%Y %H:%M:%S", "%Y/%m/%d %H:%M:%S"),
)
"""Times that are no ISO 8601, as PowerShell writes them by the machine's language; month first."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table: ``rows`` by the names of the head line; ``name`` for messages."""

    name: str
    head: Sequence[str]
    rows: Sequence[Mapping[str, Any]]

    def need(self, columns: Sequence[str]) -> None:
        """Refuse a table without these columns; raises PlanError."""
        for column in columns:
            if column not in self.head:
                have = ", ".join(str(one) for one in self.head[:12])
                raise PlanError(f"{self.name}: column {column!r} is missing: it has {have}")


@dataclass(frozen=True, slots=True)
class Found:
    """Hosts and VMs by the columns of hosts.csv and vms.csv; a VM's ``off``: it does not run."""

    hosts: Sequence[Mapping[str, Any]]
    vms: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Sample:
    """What a VM used at a moment (Unix seconds): MHz, MiB, or one of them."""

    vm: str
    at: int
    mhz: float | None
    mib: float | None


def read_csv(path: Path) -> Sheet:
    """Read a CSV with commas or semicolons; a leading #TYPE line is left out. Raises PlanError."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError:
        lines = path.read_text(encoding="utf-16").splitlines()
    except OSError as error:
        raise PlanError(f"{path}: cannot be read: {error.strerror}") from None
    lines = [line for line in lines if line.strip() and not line.startswith("#TYPE")]
    if not lines:
        raise PlanError(f"{path.name} is empty: expected a head line")
    comma = ";" if lines[0].count(";") > lines[0].count(",") else ","
    rows = list(csv.reader(lines, delimiter=comma))
    head = [cell.strip() for cell in rows[0]]
    return Sheet(path.name, head, [dict(zip(head, row, strict=False)) for row in rows[1:]])


def read_xlsx(path: Path, sheet: str) -> Sheet:
    """Read a workbook's sheet; raises PlanError, also where openpyxl is not installed."""
    try:
        from openpyxl import load_workbook  # noqa: PLC0415 - optional: CSV needs nothing
    except ImportError:
        raise PlanError(
            f"{path}: reading .xlsx needs openpyxl: pip install 'headroom[sheets]', or export CSV"
        ) from None
    try:
        book = load_workbook(path, read_only=True, data_only=True)
    except (OSError, KeyError, ValueError) as error:
        raise PlanError(f"{path}: cannot be read as a workbook: {error}") from None
    if sheet not in book.sheetnames:
        raise PlanError(f"{path}: no sheet {sheet!r}: it has {', '.join(book.sheetnames)}")
    rows = [list(row) for row in book[sheet].iter_rows(values_only=True)]
    head = [str(cell or "").strip() for cell in (rows[0] if rows else [])]
    every = [dict(zip(head, row, strict=False)) for row in rows[1:] if any(row)]
    return Sheet(f"{path.name}, {sheet}", head, every)


def number(sheet: Sheet, row: Mapping[str, Any], column: str) -> float:
    """Return a number, thousands separated or not; raises PlanError."""
    value = row.get(column)
    text = str(value or "0").replace(" ", "").replace("\u00a0", "")
    if text.count(",") == 1 and "." not in text and len(text.rpartition(",")[2]) != 3:
        text = text.replace(",", ".")
    try:
        return float(text.replace(",", ""))
    except ValueError:
        raise PlanError(f"{sheet.name}: {column} is {value!r}: expected a number") from None


def moment(sheet: Sheet, row: Mapping[str, Any], column: str) -> int:
    """Return Unix seconds; times without an offset are taken as UTC. Raises PlanError."""
    value = row.get(column)
    text = str(value or "").strip()
    if text.isdigit():
        return int(text)
    for form in (None, *FORMS):
        try:
            at = datetime.fromisoformat(text) if form is None else datetime.strptime(text, form)  # noqa: DTZ007 - given UTC below
        except ValueError:
            continue
        return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp())
    raise PlanError(
        f"{sheet.name}: {column} is {value!r}: expected a time such as 2026-03-01T12:00:00Z"
    )
