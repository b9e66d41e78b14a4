"""Texts of the dashboards in other languages than the code's English, from one table."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

SPOKEN = frozenset({"title", "description", "label", "legendFormat", "alias", "displayName"})
"""Keys of a dashboard whose values people read."""


class UntranslatedError(ValueError):
    """A text that the table does not have."""


@dataclass(frozen=True, slots=True)
class Texts:
    """One language: ``table`` from the English text to its own; the English one is empty."""

    language: str = "en"
    table: Mapping[str, str] = field(default_factory=dict)

    def spoken(self, value: Any, key: str = "") -> Any:
        """Return a dashboard's JSON in this language; raises UntranslatedError."""
        if self.language == "en":
            return value
        if isinstance(value, dict):
            if key == "renameByName":
                return {name: self.of(text) for name, text in value.items()}
            return {name: self.spoken(item, name) for name, item in value.items()}
        if isinstance(value, list):
            return [self.spoken(item) for item in value]
        return self.of(value) if key in SPOKEN and isinstance(value, str) else value

    def of(self, text: str) -> str:
        """Return a text in this language; raises UntranslatedError."""
        if not text:
            return text
        if "\n\n" in text:
            return "\n\n".join(self.of(part) for part in text.split("\n\n"))
        if text not in self.table:
            raise UntranslatedError(f"no {self.language} for: {text}")
        return self.table[text]


ENGLISH = Texts()
