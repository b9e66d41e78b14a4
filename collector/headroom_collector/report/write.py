"""The report as HTML, PDF, CSV or JSON."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from headroom_collector.report import draw
from headroom_collector.report.facts import Change, Fact
from headroom_collector.report.gather import Gathered
from headroom_collector.web.evidence import told
from headroom_collector.web.tongue import NONE, Tongue, foreign
from headroom_collector.web.views.plan import reason
from headroom_collector.web.views.waste import kind

FORMATS = ("html", "pdf", "csv", "json")
COLUMNS = ("key", "value", "unit", "low", "high", "source")
TEMPLATES = Path(__file__).parent / "templates"


class PdfError(Exception):
    """The PDF cannot be made here; the text says what is missing and what to do."""


def as_json(time: str, facts: Sequence[Fact]) -> str:
    """Return the figures as one JSON object."""
    return json.dumps({"time": time, "figures": [fact.row() for fact in facts]}, indent=1)


def as_csv(time: str, facts: Sequence[Fact]) -> str:
    """Return the figures as CSV, one a row, dots as decimal marks; spreadsheets read its mark."""
    made = io.StringIO()
    writer = csv.DictWriter(made, COLUMNS, extrasaction="ignore", lineterminator="\r\n")
    writer.writeheader()
    writer.writerow({"key": "report.time", "source": time})
    for fact in facts:
        row = {name: "" if text is None else text for name, text in fact.row().items()}
        writer.writerow({name: _safe(text) for name, text in row.items()})
    return "\ufeff" + made.getvalue()


def _safe(text: Any) -> Any:
    """Keep a spreadsheet from running a text as a formula."""
    return f"'{text}" if isinstance(text, str) and text[:1] in "=+-@\t\r" and text else text


def _words(t: Tongue, given: Gathered) -> Mapping[str, Any]:
    """Return what the template says in the reader's language."""
    return {
        "kind_of": lambda text: kind(t, text),
        "told": lambda text: told(t, text),
        "reason": lambda text: reason(t, text),
        "day": lambda text: t.day(datetime.fromisoformat(text)),
        "currency": given["prices"]["currency"],
    }


def as_html(
    t: Tongue,
    given: Gathered,
    facts: Sequence[Fact],
    changed: Sequence[Change],
    since: str,
    address: str,
) -> str:
    """Return the report as one file that needs no other; ``since``: of which report, or empty."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(foreign=foreign)
    made.globals.update(NONE=NONE, draw=draw)
    time = given["overview"]["at"]
    # "<" as its escape: nothing that a name holds can end the element.
    figures = as_json(time, facts).replace("<", "\\u003c")
    return made.get_template("report.html").render(
        t=t,
        say=t.say,
        time=time,
        overview=given["overview"],
        totals=given["overview"]["totals"],
        waste=given["waste"],
        refresh=given["refresh"],
        forecast=given["forecast"],
        energy=given["energy"],
        plans=given.plan,
        plan=(given.plan or {}).get("plan"),
        inputs=given["prices"]["inputs"],
        facts=facts,
        by_key={fact.key: fact for fact in facts},
        changed=changed,
        since=since,
        address=address,
        figures=figures,
        style=(TEMPLATES / "report.css").read_text(encoding="utf-8"),
        **_words(t, given),
    )


def as_pdf(html: str) -> bytes:
    """Return the report as a tagged PDF that loads nothing; raises PdfError."""
    try:
        import weasyprint  # noqa: PLC0415  # an extra, and its libraries may be missing
    except ImportError:
        raise PdfError(
            "PDF needs WeasyPrint: pip install 'headroom[report]'; or write --format html and"
            " print it from a browser, its paper form is the same"
        ) from None
    except OSError as error:
        raise PdfError(
            f"PDF needs Pango ({error}): apt-get install libpangoft2-1.0-0 libharfbuzz-subset0"
            " fonts-dejavu-core; or write --format html and print it from a browser"
        ) from None

    # No protocol is allowed: a report loads nothing, whatever a name in it looks like.
    fetcher = weasyprint.urls.URLFetcher(allowed_protocols=())
    document = weasyprint.HTML(string=html, url_fetcher=fetcher)
    made: bytes = document.write_pdf(pdf_variant="pdf/ua-1")
    return made
