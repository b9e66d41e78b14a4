"""Page as HTML and as JSON: the templates filled with a view."""

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from headroom_collector.web import fill
from headroom_collector.web.view import Row, View
from headroom_collector.web.words import ENGLISH

HERE = Path(__file__).parent
LISTS = ("alerts", "clusters", "hosts")
SLOT = re.compile(r"<!--(\w+)-->")


@dataclass(frozen=True, slots=True)
class Page:
    """The templates with their words filled in: the frame and one row of each list."""

    frame: str
    rows: dict[str, str]

    def html(self, view: View) -> str:
        """Return the whole document; it needs no script to be read."""
        slots = {name: self._list(name, view.lists[name]) for name in LISTS}
        slots["rows"] = "\n".join(
            f'<template id="{name}-row">{self.rows[name]}</template>' for name in LISTS
        )
        # The slots last: what a figure brings in is escaped and cannot pass for one.
        frame = fill.figures(self.frame, view.texts, keep=True)
        return SLOT.sub(lambda match: slots[match[1]], frame)

    def _list(self, name: str, rows: list[Row]) -> str:
        return "\n".join(fill.figures(self.rows[name], row) for row in rows)


@cache
def page() -> Page:
    """Read the templates, once."""
    folder = HERE / "templates"

    def template(name: str) -> str:
        text = (folder / f"{name}.html").read_text(encoding="utf-8")
        return fill.words(text.strip(), ENGLISH)

    return Page(template("page"), {name: template(name) for name in LISTS})


def document(view: View) -> bytes:
    """Return the JSON document that the page's script fills itself from."""
    text = json.dumps(
        {"texts": view.texts, "lists": view.lists}, ensure_ascii=False, separators=(",", ":")
    )
    return text.encode()
