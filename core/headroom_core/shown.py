"""Settings as they are, for people: as TOML, and without what is secret."""

import dataclasses
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

HIDDEN = "(hidden)"
PLAIN_KEY = re.compile(r"[A-Za-z0-9_-]+")


def url_shown(url: str) -> str:
    """Return where a URL leads, without what may be a secret: user, path and query."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return HIDDEN
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    bare = parts.path in {"", "/"} and not parts.query and not parts.username
    return urlunsplit((parts.scheme, host + port, parts.path if bare else f"/{HIDDEN}", "", ""))


def _value(name: str, value: Any) -> str:
    if isinstance(value, str) and "://" in value:
        return json.dumps(url_shown(value), ensure_ascii=False)
    if isinstance(value, Path):
        return json.dumps(str(value), ensure_ascii=False)
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(_value(name, one) for one in value)}]"
    if isinstance(value, Mapping):
        pairs = (f"{_key(str(key))} = {_value(name, one)}" for key, one in value.items())
        return f"{{ {', '.join(pairs)} }}" if value else "{}"
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        said = {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
        return _value(name, {key: one for key, one in said.items() if one is not None})
    return json.dumps(value, ensure_ascii=False)


def _key(name: str) -> str:
    return name if PLAIN_KEY.fullmatch(name) else json.dumps(name, ensure_ascii=False)


def _is_table(value: Any) -> bool:
    if dataclasses.is_dataclass(value):
        return True
    inner = list(value.values()) if isinstance(value, Mapping) else []
    return bool(inner) and all(dataclasses.is_dataclass(one) for one in inner)


def lines(settings: Any, prefix: str = "") -> Iterator[str]:
    """Yield the TOML of a settings dataclass, or of a table of such; what is None is left out."""
    items = (
        settings.items()
        if isinstance(settings, Mapping)
        else (
            (field.name, getattr(settings, field.name)) for field in dataclasses.fields(settings)
        )
    )
    tables = []
    for name, value in items:
        if _is_table(value):
            tables.append((f"{prefix}{_key(str(name))}", value))
        elif value is not None:
            yield f"{_key(str(name))} = {_value(str(name), value)}"
    for name, value in tables:
        yield ""
        if dataclasses.is_dataclass(value):
            yield f"[{name}]"
        yield from lines(value, f"{name}.")
