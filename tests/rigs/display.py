"""Panels drawn by Grafana's own libraries in a real browser."""

import json
import os
import re
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from rigs.browser import browse

FOLDER = Path(__file__).parents[1] / "display"
Json = dict[str, Any]
PAGE = (
    '<!doctype html><html><head><meta charset="utf-8"><link rel="stylesheet" href="{folder}/main.css">'
    '</head><body><div id="root"></div><script>window.input={input};</script>'
    '<script src="{folder}/main.js"></script></body></html>'
)


@dataclass(frozen=True)
class Drawn:
    """What was shown of each panel, by its title, and the colours of the theme."""

    shown: dict[str, list[Json]]
    colours: dict[str, str]
    dom: str


def bundle() -> Path:
    """Return the folder of the bundle; without it fail in CI and skip elsewhere, saying why."""
    made = FOLDER / "build"
    if (made / "main.js").is_file():
        return made
    reason = "Grafana's libraries are not bundled: make display"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def frame(series: Json, name: str, column: int, field: str = "Value") -> Json:
    """Return a series of Prometheus' answer as Grafana's data source makes a frame of it."""
    points = series.get("values", [series.get("value")])
    values = [float(value) for _, value in points]
    return {
        "column": column,
        "fields": [
            {"name": "Time", "type": "time", "values": [at * 1000 for at, _ in points]},
            {
                "name": field,
                "type": "number",
                "values": values,
                "labels": series["metric"],
                "config": {"displayNameFromDS": name},
            },
        ],
    }


def draw(
    panels: list[Json], folder: Path, *, theme: str = "dark", size: tuple[int, int] = (1280, 900),
    picture: Path | None = None,
) -> Drawn:  # fmt: skip
    """Draw panels, each with its ``frames``, and return what was shown."""
    page = folder / "page.html"
    given = json.dumps({"panels": panels, "theme": theme, "width": size[0]})
    page.write_text(PAGE.replace("{folder}", str(bundle())).replace("{input}", given))
    more = ["--allow-file-access-from-files", f"--window-size={size[0]},{size[1]}"]
    if picture is not None:
        more.append(f"--screenshot={picture}")
    found = browse(page.as_uri(), folder / "browser", *more, milliseconds=5000)
    match = re.search(r'id="result">(.*?)</script>', found.dom, re.DOTALL)
    assert match, found.console
    result = json.loads(unescape(match[1]))
    shown = {each["title"]: each["values"] for each in result.pop("shown")}
    return Drawn(shown, result, found.dom)
