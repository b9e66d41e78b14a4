"""Settings as they were loaded, secrets left out, and what the page says of itself."""

from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from headroom_collector.api.money import inputs_out, prices
from headroom_collector.web.asked import Asked
from headroom_collector.web.queries import moment
from headroom_collector.web.tongue import foreign

Row = tuple[str, str]


def shown(value: Any) -> str:
    """Return a value as the configuration file writes it; an address without its secrets."""
    if value in (None, "", (), {}):
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str) and value.startswith(("http://", "https://")):
        return bare(value)
    if isinstance(value, (list, tuple)):
        return ", ".join(shown(one) for one in value)
    return foreign(str(value))


def bare(url: str) -> str:
    """Return an address without user, password, path and question: those may be secrets."""
    parts = urlsplit(url)
    hidden = "…" if parts.path.strip("/") or parts.query or parts.username else ""
    return foreign(
        f"{parts.scheme}://{parts.hostname or ''}{f':{parts.port}' if parts.port else ''}/{hidden}"
    )


def rows(value: Any, prefix: str = "") -> list[Row]:
    """Return every key of a configuration with its value, in the file's order."""
    if is_dataclass(value) and not isinstance(value, type):
        parts = [(field.name, getattr(value, field.name)) for field in fields(value)]
    elif isinstance(value, dict):
        parts = [(str(name), one) for name, one in value.items()]
    elif isinstance(value, tuple) and value and is_dataclass(value[0]):
        parts = [(str(number), one) for number, one in enumerate(value, start=1)]
    else:
        return [(prefix.rstrip("."), shown(value))]
    return [row for name, part in parts for row in rows(part, f"{prefix}{foreign(name)}.")]


def groups(config: Any) -> list[tuple[str, list[Row]]]:
    """Return the rows by their table, the keys without a table first."""
    found: dict[str, list[Row]] = {"": []}
    for key, text in rows(config):
        table, _, rest = key.partition(".")
        found.setdefault(table if rest else "", []).append((rest or key, text))
    return [(name, lines) for name, lines in found.items() if lines]


def view(asked: Asked) -> dict[str, Any]:
    """Return the figures of the view."""
    config = asked.given.config
    known = prices(config)
    inputs = inputs_out(known)
    return {
        "at": moment(asked.now),
        "simulated": "",
        "groups": groups(config),
        "inputs": inputs,
        "currency": known.currency,
        "source": str(config.estate or Path(config.data) / "estate.toml"),
        "unassigned": [foreign(name) for name in asked.given.book.unassigned()],
    }
