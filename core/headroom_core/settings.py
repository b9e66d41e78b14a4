"""
Settings from TOML into frozen dataclasses, strictly.

A dataclass is the schema: its fields' names are the keys, their annotations the types, nested
dataclasses the tables. Everything wrong is reported at once, each with file, key, what was
expected and the nearest valid spelling.
"""

import dataclasses
import difflib
import tomllib
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")

WORDS = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a text in quotes",
    Path: "a path in quotes",
    list: "a list",
    tuple: "a list",
    dict: "a table",
}


class SettingsError(ValueError):
    """Settings that cannot be used; ``lines`` has one line for each fault."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


def _particular(cls: Any, hints: Mapping[str, Any]) -> dict[str, type]:
    """Return the classes of tables whose default is of a more particular one than the hint."""
    makers: dict[str, Any] = {
        field.name: field.default_factory for field in dataclasses.fields(cls)
    }
    return {
        name: maker
        for name, maker in makers.items()
        if isinstance(maker, type)
        and dataclasses.is_dataclass(maker)
        and maker in _kin(hints[name])
    }


def _kin(hint: Any) -> list[type]:
    return hint.__subclasses__() if isinstance(hint, type) else []


@dataclasses.dataclass(slots=True)
class _Reader:
    source: str
    faults: list[str] = dataclasses.field(default_factory=list)
    unknown: list[str] = dataclasses.field(default_factory=list)

    def table(self, cls: type[T], table: Mapping[str, Any], prefix: str) -> T | None:
        hints = typing.get_type_hints(cls)
        fields = [field.name for field in dataclasses.fields(cls)]  # type: ignore[arg-type]
        for key in table:
            if key not in fields:
                near = difflib.get_close_matches(key, fields, n=1)
                hint = f"; did you mean '{near[0]}'?" if near else f"; known: {', '.join(fields)}"
                self.unknown.append(f"{self.source}: unknown key '{prefix}{key}'{hint}")
        before = len(self.faults)
        hints |= _particular(cls, hints)
        values = {
            key: self.value(hints[key], value, f"{prefix}{key}")
            for key, value in table.items()
            if key in fields
        }
        if len(self.faults) > before:
            return None
        try:
            return cls(**values)
        except (ValueError, TypeError) as error:
            self.faults.append(f"{self.source}: {prefix.rstrip('.') or 'settings'}: {error}")
            return None

    def value(self, hint: Any, value: Any, key: str) -> Any:
        if isinstance(hint, types.UnionType):
            arms = [arm for arm in typing.get_args(hint) if arm is not types.NoneType]
            return self.value(arms[0], value, key)
        if dataclasses.is_dataclass(hint) and isinstance(hint, type) and isinstance(value, dict):
            return self.table(hint, value, f"{key}.")
        origin = typing.get_origin(hint) or hint
        if origin in {tuple, list, dict} and isinstance(value, (list, dict)):
            return self.group(hint, origin, value, key)
        kin = {Path: str, float: int}.get(origin)
        if kin is not None and type(value) is kin:
            return origin(value)
        if origin in WORDS and type(value) is origin:
            return value
        return self.fault(origin, value, key)

    def group(self, hint: Any, origin: type, value: Any, key: str) -> Any:
        if (origin is dict) != isinstance(value, dict):
            return self.fault(origin, value, key)
        if isinstance(value, dict):
            inner = typing.get_args(hint)[1]
            return {name: self.value(inner, item, f"{key}.{name}") for name, item in value.items()}
        inner = typing.get_args(hint)[0]
        return origin(self.value(inner, item, f"{key}[{i}]") for i, item in enumerate(value))

    def fault(self, expected: type, value: Any, key: str) -> None:
        word = "a table" if dataclasses.is_dataclass(expected) else WORDS[expected]
        self.faults.append(f"{self.source}: '{key}' = {value!r}: expected {word}")


def read(cls: type[T], table: Mapping[str, Any], source: str) -> tuple[T, list[str]]:
    """
    Make a ``cls`` from ``table``; returns it with the lines about unknown keys.

    The caller decides: a collector refuses unknown keys, an agent warns, because a fleet in the
    middle of an upgrade has to start. Raises SettingsError for wrong types and values.
    """
    reader = _Reader(source)
    made = reader.table(cls, table, "")
    if reader.faults or made is None:
        raise SettingsError(reader.faults + reader.unknown)
    return made, reader.unknown


def load(path: Path) -> dict[str, Any]:
    """Read a TOML file; raises SettingsError with one line where it cannot be read."""
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except OSError as error:
        raise SettingsError([f"{path}: cannot be read: {error.strerror}"]) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError([f"{path}: is not valid TOML: {error}"]) from None
