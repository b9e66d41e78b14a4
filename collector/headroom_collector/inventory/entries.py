"""Entries of the inventory, and the placement that they give a host."""

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from fnmatch import translate
from typing import Any

from headroom_core.estate import Placement
from headroom_core.identity import check_name
from headroom_core.settings import SettingsError

KEYS = ("site", "cluster", "class", "owner", "purchase_date")
"""What an entry may say, as the file spells it."""

PATTERN = re.compile(r"[*?\[]")
WILDCARDS = re.compile(r"[*?\[\]!]")
UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f]")


class InventoryError(SettingsError):
    """An inventory that cannot be used; ``lines`` has one line for each fault."""


def unknown_key(key: str, known: Sequence[str], what: str) -> str:
    """Return the clause about a key or column that does not exist, with the nearest spelling."""
    near = difflib.get_close_matches(key, known, n=1)
    hint = f"did you mean '{near[0]}'?" if near else f"known: {', '.join(known)}"
    return f"unknown {what} '{key}'; {hint}"


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry; ``name`` is a host or, with ``*``, ``?`` or ``[...]``, a pattern of hosts."""

    name: str
    placement: Placement
    where: str
    """File and line, for messages."""

    @property
    def is_pattern(self) -> bool:
        """Whether the entry stands for several hosts."""
        return bool(PATTERN.search(self.name))


@dataclass(frozen=True, slots=True)
class Inventory:
    """All entries. A host's own entry wins; otherwise the first pattern that fits."""

    exact: Mapping[str, Placement] = field(default_factory=dict)
    patterns: tuple[tuple[re.Pattern[str], Placement], ...] = ()

    def placement(self, host: str) -> Placement:
        """Return where that host stands; unassigned where no entry fits."""
        found = self.exact.get(host)
        if found is not None:
            return found
        for pattern, placement in self.patterns:
            if pattern.fullmatch(host):
                return placement
        return Placement()


def collect(entries: Sequence[Entry]) -> Inventory:
    """Make an inventory of entries; raises InventoryError for names that stand there twice."""
    first: dict[str, Entry] = {}
    faults = []
    for entry in entries:
        if entry.name in first:
            before = first[entry.name].where.rpartition(": ")[2]
            faults.append(
                f"{entry.where}: host '{entry.name}' is there already ({before}): remove one of them"
            )
        first.setdefault(entry.name, entry)
    if faults:
        raise InventoryError(faults)
    return Inventory(
        exact={entry.name: entry.placement for entry in entries if not entry.is_pattern},
        patterns=tuple(
            (re.compile(translate(entry.name)), entry.placement)
            for entry in entries
            if entry.is_pattern
        ),
    )


def _name(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"name = {value!r}: expected a text in quotes")  # noqa: TRY004 -- a fault of the file, not of a caller
    plain = WILDCARDS.sub("x", value) if PATTERN.search(value) else value
    check_name(plain)
    return value


def _text(key: str, value: Any) -> str:
    if not isinstance(value, str) or UNPRINTABLE.search(value):
        raise ValueError(f"{key} = {value!r}: expected a text on one line")
    return value.strip()


def _date(value: Any) -> date | None:
    if value in {"", None}:
        return None
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        shown = value if isinstance(value, str) else str(value)
        raise ValueError(
            f"purchase_date = {shown!r}: expected a date such as 2021-03-31"
        ) from None


def make_entry(name: Any, values: Mapping[str, Any], where: str, what: str) -> Entry:
    """
    Make an entry of raw values; ``what`` says whether the file has keys or columns.

    A host is assigned where it has a site and a cluster. Raises InventoryError with one line a
    fault.
    """
    faults = [unknown_key(key, KEYS, what) for key in values if key not in KEYS]
    made: dict[str, Any] = {}
    for key, make in (("name", _name), ("purchase_date", _date)):
        try:
            made[key] = make(name if key == "name" else values.get(key))
        except ValueError as error:
            faults.append(str(error))
    for key in KEYS[:4]:
        try:
            made[key] = _text(key, values.get(key, ""))
        except ValueError as error:
            faults.append(str(error))
    if faults:
        raise InventoryError([f"{where}: {fault}" for fault in faults])
    placement = Placement(
        site=made["site"],
        cluster=made["cluster"],
        host_class=made["class"],
        owner=made["owner"],
        purchase_date=made["purchase_date"],
        assigned=bool(made["site"] and made["cluster"]),
    )
    return Entry(made["name"], placement, where)
