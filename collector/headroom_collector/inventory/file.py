"""
The inventory's file: TOML or CSV, read strictly.

In TOML a host is ``[hosts."NAME"]``, or one of ``[[hosts]]`` with a name; in CSV it is a row under
``host,site,cluster,class,owner,purchase_date``. A name may be a pattern such as ``web-*``.
"""

import csv
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from headroom_collector.inventory.entries import (
    KEYS,
    Entry,
    Inventory,
    InventoryError,
    collect,
    make_entry,
    unknown_key,
)
from headroom_core.settings import SettingsError, load

COLUMNS = ("host", *KEYS)
TABLE = re.compile(r"""^\s*\[\s*hosts\s*\.\s*(?:"([^"]*)"|'([^']*)'|([A-Za-z0-9_-]+))\s*\]""")
ITEM = re.compile(r"^\s*\[\[\s*hosts\s*\]\]")


def _numbered(text: str, pattern: re.Pattern[str]) -> Iterator[tuple[int, re.Match[str]]]:
    for number, line in enumerate(text.splitlines(), start=1):
        found = pattern.match(line)
        if found:
            yield number, found


def _tables(path: Path, text: str, hosts: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    lines = {
        next(group for group in found.groups() if group is not None): number
        for number, found in _numbered(text, TABLE)
    }
    for name, values in hosts.items():
        where = f"{path}: line {lines[name]}" if name in lines else f"{path}: hosts.{name}"
        yield where, name, values


def _items(path: Path, text: str, hosts: list[Any]) -> Iterator[tuple[str, Any, Any]]:
    lines = [number for number, _ in _numbered(text, ITEM)]
    for index, item in enumerate(hosts):
        where = f"line {lines[index]}" if len(lines) == len(hosts) else f"host {index + 1}"
        if isinstance(item, dict) and "name" in item:
            values = {key: value for key, value in item.items() if key != "name"}
            yield f"{path}: {where}", item["name"], values
        else:
            raise InventoryError([f"{path}: {where}: expected a table with a name"])


def _toml(path: Path, text: str) -> Iterator[tuple[str, Any, Any]]:
    table = load(path)
    for key in table:
        if key != "hosts":
            raise InventoryError([f"{path}: {unknown_key(key, ['hosts'], 'key')}"])
    hosts = table.get("hosts", {})
    if isinstance(hosts, dict):
        yield from _tables(path, text, hosts)
    elif isinstance(hosts, list):
        yield from _items(path, text, hosts)
    else:
        raise InventoryError([f'{path}: hosts: expected tables such as [hosts."web-01"]'])


def _header(path: Path, header: list[str]) -> None:
    faults = [
        f"{path}: line 1: {unknown_key(column, COLUMNS, 'column')}"
        for column in header
        if column not in COLUMNS
    ]
    if len(header) == 1 and re.search(r"[;\t]", header[0]):
        faults = [f"{path}: line 1: expected columns with commas between them"]
    elif "host" not in header:
        faults.append(f"{path}: line 1: no column 'host'; expected {','.join(COLUMNS)}")
    faults += [
        f"{path}: line 1: column '{column}' is there twice"
        for column in sorted({column for column in header if header.count(column) > 1})
    ]
    if faults:
        raise InventoryError(faults)


def _csv(path: Path, text: str) -> Iterator[tuple[str, Any, Any]]:
    rows = csv.reader(text.splitlines(), strict=True)
    header = [column.strip() for column in next(rows, [])]
    _header(path, header)
    for row in rows:
        where = f"{path}: line {rows.line_num}"
        if not any(value.strip() for value in row):
            continue
        if len(row) != len(header):
            raise InventoryError(
                [f"{where}: {len(row)} values for {len(header)} columns: check the commas"]
            )
        values = {column: value.strip() for column, value in zip(header, row, strict=True)}
        yield where, values.pop("host"), values


def _entries(path: Path, text: str) -> tuple[list[Entry], list[str]]:
    is_csv = path.suffix.lower() == ".csv"
    entries, faults = [], []
    for where, name, values in (_csv if is_csv else _toml)(path, text):
        if not isinstance(values, dict):
            faults.append(f"{where}: expected a table with {', '.join(KEYS)}")
            continue
        try:
            entries.append(make_entry(name, values, where, "column" if is_csv else "key"))
        except InventoryError as error:
            faults += error.lines
    return entries, faults


def load_inventory(path: Path) -> Inventory:
    """Read a ``.csv`` or else a TOML file; raises InventoryError with one line a fault."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        entries, faults = _entries(path, text)
    except OSError as error:
        raise InventoryError([f"{path}: cannot be read: {error.strerror}"]) from None
    except UnicodeDecodeError:
        raise InventoryError([f"{path}: is not text in UTF-8"]) from None
    except csv.Error as error:
        raise InventoryError([f"{path}: is not valid CSV: {error}"]) from None
    except InventoryError:
        raise
    except SettingsError as error:
        raise InventoryError(error.lines) from None
    if faults:
        raise InventoryError(faults)
    return collect(entries)
