"""Texts of the dashboards in other languages than the code's English, from one table."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

SPOKEN = frozenset({"title", "description", "label", "legendFormat", "alias", "displayName"})
"""Keys of a dashboard whose values people read."""

NAMED = {"byName": "options", "displayName": "value", "custom.fillBelowTo": "value"}
"""Settings, by their id, that name a column or a line by its text, and the key where it stands."""
FIELD = "Value"
"""Grafana's own name of the field of values, the same in every language."""
SILENT = frozenset({"__auto", "v"})
PLAIN = re.compile(r"\{\{\w+\}\}|\$\w+|\b95 %")
"""What needs no translation: labels' values, and figures."""
LETTER = re.compile(r"[A-Za-z]")


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
            named = NAMED.get(value.get("id", ""))
            return {
                name: self.known(item)
                if name == named and item != FIELD
                else self.spoken(item, name)
                for name, item in value.items()
            }
        if isinstance(value, list):
            return [self.spoken(item) for item in value]
        return self.of(value) if key in SPOKEN and isinstance(value, str) else value

    def known(self, text: Any) -> Any:
        """Return a name in this language where it is one of ours."""
        return self.table.get(text, text) if isinstance(text, str) else text

    def of(self, text: str) -> str:
        """Return a text in this language; raises UntranslatedError."""
        if text in SILENT or not LETTER.search(PLAIN.sub("", text)):
            return text
        if "\n\n" in text:
            return "\n\n".join(self.of(part) for part in text.split("\n\n"))
        if text not in self.table:
            raise UntranslatedError(f"no {self.language} for: {text}")
        return self.table[text]


ENGLISH = Texts()
