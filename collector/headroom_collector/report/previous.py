"""Figures of an earlier report, read out of the file that it was written to."""

import csv
import io
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

MARK = re.compile(
    r'<script type="application/json" id="headroom-figures">(.*?)</script>', re.DOTALL
)
MOST_BYTES = 50_000_000


class PreviousError(Exception):
    """A file that is no report with figures in it; the text says which and what to do."""


@dataclass(frozen=True, slots=True)
class Previous:
    """An earlier report: when it was made (RFC 3339), its values by key."""

    at: str
    values: Mapping[str, float | None]


def _number(text: object) -> float | None:
    return None if text in {"", None} else float(str(text))


def _of_csv(text: str) -> Previous:
    rows = list(csv.DictReader(io.StringIO(text)))
    at = next((row["source"] for row in rows if row["key"] == "report.time"), "")
    if not at:
        raise ValueError("no report.time")
    return Previous(at, {row["key"]: _number(row["value"]) for row in rows})


def _of_json(text: str) -> Previous:
    found = json.loads(text)
    return Previous(found["time"], {one["key"]: _number(one["value"]) for one in found["figures"]})


def read(path: Path) -> Previous:
    """Read a report in HTML, JSON or CSV; raises PreviousError."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise PreviousError(f"{path}: is larger than any report")
        text = path.read_text(encoding="utf-8-sig")
        marked = MARK.search(text)
        if marked:
            return _of_json(marked[1])
        return _of_json(text) if text.lstrip().startswith("{") else _of_csv(text)
    except OSError as error:
        raise PreviousError(f"{path}: cannot be read ({error.strerror})") from None
    except (ValueError, KeyError, TypeError):
        raise PreviousError(
            f"{path}: has no figures of a report in it; expected one that `headroom report` wrote"
            " as html, json or csv (a PDF cannot be read back)"
        ) from None
