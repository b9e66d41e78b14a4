"""The report: right out of a real collector in every form, traceable, comparable, and plain on faults."""

import contextlib
import csv
import io
import json
import re
import sys
import zlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from rigs.browser import serving
from rigs.journey import plain
from rigs.pages import Tags
from rigs.sample_report import planned
from rigs.samples import QUICK, HandClock

from headroom_collector.alerts.state import MIGRATIONS as ALERT_TABLES
from headroom_collector.api.app import make_app
from headroom_collector.api.services import Services
from headroom_collector.cli.__main__ import main
from headroom_collector.config import CollectorConfig
from headroom_collector.consolidation.live.book import MIGRATIONS as PLAN_TABLES
from headroom_collector.consolidation.live.room import plan_room
from headroom_collector.consolidation.money.file import load_prices
from headroom_collector.inventory.book import MIGRATIONS as INVENTORY_TABLES
from headroom_collector.inventory.book import Book
from headroom_collector.report.facts import Fact, changes
from headroom_collector.report.previous import PreviousError, read
from headroom_collector.report.write import as_csv, as_pdf
from headroom_collector.store.engine import open_store
from headroom_core.ceiling import Ceiling

SAMPLES = Path(__file__).parents[3] / "docs" / "samples"


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with planned(tmp_path_factory.mktemp("report"), hosts=9, days=2, limit=1.0) as found:
        yield found


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[str]:
    """A collector that nobody reports to."""
    clock = HandClock()
    tables = (*INVENTORY_TABLES, *ALERT_TABLES, *PLAN_TABLES)
    store = open_store(tmp_path / "store", QUICK, tables, clock)
    book = Book(store, None, clock)
    room = plan_room(store, book, Ceiling(), tmp_path, partial(load_prices, None), clock)
    config = CollectorConfig(data=tmp_path)
    given = Services(store, book, config, clock, "0.1.0", plans=room.runner)
    with serving(make_app(given, admin=False)) as found:
        yield found
    store.close()


@pytest.fixture
def run(monkeypatch, capfdbinary):
    """Runs ``headroom report``; returns the exit status, what it wrote, and its lines to people."""

    def run_(*arguments: object) -> tuple[int, bytes, str]:
        monkeypatch.setattr(sys, "argv", ["headroom", "report", *map(str, arguments)])
        code = 0
        try:
            main()
        except SystemExit as ended:
            code = int(ended.code or 0)
        said = capfdbinary.readouterr()
        return code, said.out, said.err.decode()

    return run_


@pytest.mark.parametrize(
    ("lang", "says"),
    [
        ("en", ["Simulated data: 9 of 9 hosts are simulated", "Empty and power off first"]),
        ("fr", ["Données simulées : 9 sur 9 hôtes sont simulés", "Vider et éteindre d’abord"]),
    ],
)
def test_the_report_is_one_file_in_both_languages(url, run, lang, says) -> None:
    code, body, _ = run("--url", url, "--lang", lang)
    tags = Tags(body.decode())

    assert code == 0
    assert f'<html lang="{lang}">' in body.decode()
    for text in says:
        assert text in plain(tags.text)
    for tag, attributes in tags.tags:
        assert tag not in {"img", "iframe", "object", "link"}, "everything is in the file"
        assert (attributes.get("href") or "#").startswith("#")
        assert tag != "script" or attributes.get("type") == "application/json"


def test_every_figure_has_its_unit_and_its_source(url, run) -> None:
    code, body, _ = run("--url", url, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(body.decode("utf-8-sig"))))
    by_key = {row["key"]: row for row in rows}

    assert code == 0
    assert len(by_key) == len(rows), "a key is there twice"
    assert float(by_key["hosts.present"]["value"]) == 9
    assert all("/api/v1/" in row["source"] for row in rows[1:])
    assert [row["key"] for row in rows[1:] if row["value"] and not row["unit"]] == []
    assert by_key["input.energy.pue"]["source"].count("default:") == 1
    assert by_key["plan.freed"]["source"].startswith("/api/v1/plans/")


def test_every_figure_shown_is_among_those_in_the_file(url, run, tmp_path) -> None:
    page, values = tmp_path / "r.html", tmp_path / "r.json"
    assert run("--url", url, "--output", page)[0] == 0
    assert run("--url", url, "--format", "json", "--output", values)[0] == 0

    assert read(page).values == read(values).values
    found = json.loads(values.read_text())
    assert {one["key"] for one in found["figures"]} >= {"waste.cost", "in_place.npv.5"}


def test_the_pdf_is_tagged_and_has_pages(url, run, tmp_path) -> None:
    target = tmp_path / "r.pdf"
    code, _, said = run("--url", url, "--format", "pdf", "--lang", "fr", "--output", target)
    body = target.read_bytes()

    assert code == 0
    assert body.startswith(b"%PDF-1.7")
    assert b"/StructTreeRoot" in unpacked(body)
    assert b"/Lang" in unpacked(body)
    assert f"wrote {target}" in said


def unpacked(pdf: bytes) -> bytes:
    """Return a PDF with what it packed, as it is and unpacked."""
    parts = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL)
    found = [pdf]
    for part in parts:
        with contextlib.suppress(zlib.error):
            found.append(zlib.decompress(part))
    return b"".join(found)


def test_a_pdf_loads_nothing_from_anywhere() -> None:
    made = as_pdf('<html lang="en"><title>t</title><img alt="" src="http://127.0.0.1:1/x"></html>')

    assert made.startswith(b"%PDF")


def test_what_changed_since_the_last_report_is_said(url, run, tmp_path) -> None:
    target = tmp_path / "r.html"
    assert run("--url", url, "--output", target)[0] == 0
    assert "No earlier report was given" in target.read_text()
    assert run("--url", url, "--output", target)[0] == 0
    again = plain(Tags(target.read_text()).text)
    assert "Since the report of 2026-11-24" in again
    assert "No figure changed." in again

    older = tmp_path / "old.csv"
    older.write_text(as_csv("2026-01-01T00:00:00Z", [Fact("hosts.present", 12, "hosts", "x")]))
    code, body, _ = run("--url", url, "--previous", older)
    shown = plain(" ".join(Tags(body.decode()).text.split()))
    assert code == 0
    assert "Since the report of 2026-01-01 00:00:" in shown
    assert re.search(r"hosts\.present\s*12\s*9\s*-3\s*hosts", shown)


@pytest.mark.parametrize(
    ("lang", "says", "not_there"),
    [
        ("en", "No host reports to this collector yet, so there is nothing to", "What is wasted"),
        ("fr", "Aucun hôte ne rend encore compte à ce collecteur : rien à", "Ce qui est gaspillé"),
    ],
)
def test_an_empty_estate_has_a_report_that_says_how_to_begin(
    empty, run, lang, says, not_there
) -> None:
    code, body, said = run("--url", empty, "--lang", lang)
    shown = plain(Tags(body.decode()).text)

    assert (code, said) == (0, "")
    assert says in shown
    assert "headroom enrol-token create --host HOST" in shown
    assert "headroom-agent enrol --token-file FILE" in shown
    assert not_there not in shown


def test_an_empty_estate_has_a_pdf_and_figures(empty, run, tmp_path) -> None:
    pdf, values = tmp_path / "r.pdf", tmp_path / "r.json"

    assert run("--url", empty, "--format", "pdf", "--output", pdf)[0] == 0
    assert run("--url", empty, "--format", "json", "--output", values)[0] == 0
    assert pdf.read_bytes().startswith(b"%PDF")
    assert read(values).values["hosts.present"] == 0


@pytest.mark.parametrize(
    ("lang", "titles"),
    [
        ("en", ["Hosts by age", "When the ceiling is reached"]),
        ("fr", ["Hôtes selon leur âge", "Quand le plafond sera atteint"]),
    ],
)
def test_ages_and_forecast_are_there_with_their_sources(url, run, lang, titles) -> None:
    shown = plain(Tags(run("--url", url, "--lang", lang)[1].decode()).text)
    facts = json.loads(run("--url", url, "--format", "json")[1])["figures"]
    by_key = {fact["key"]: fact for fact in facts}
    ages = [fact for key, fact in by_key.items() if key.startswith("hosts.age.")]
    fits = [fact for key, fact in by_key.items() if key.endswith(".fits_at_most")]

    assert [title for title in titles if title not in shown] == []
    assert sum(fact["value"] for fact in ages) == by_key["hosts.present"]["value"] == 9
    assert by_key["hosts.age.unknown"]["source"] == "/api/v1/refresh hosts_by_age.11.hosts"
    assert fits
    assert fits[0]["source"] == "/api/v1/forecast clusters.0.fits.at_most"
    assert fits[0]["value"] > 0


def test_what_is_not_known_is_no_change_and_no_zero() -> None:
    now = [Fact("a", None, "x", "s"), Fact("b", 2.0, "x", "s"), Fact("c", 1.0, "x", "s")]
    found = changes({"a": 1.0, "b": None, "c": 1.0}, now)

    assert [(one.key, one.difference) for one in found] == [("a", None), ("b", None)]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--url", "collector"], "expected http://HOST:PORT"),
        (["--url", "http://127.0.0.1:1"], "no collector answers at http://127.0.0.1:1"),
        (["--previous", "/nowhere/r.html"], "--previous /nowhere/r.html: cannot be read"),
        (["--previous", __file__], "has no figures of a report in it"),
        (["--url", "http://127.0.0.1:1", "--token-file", "/nowhere"], "--token-file /nowhere"),
    ],
)
def test_what_cannot_be_is_one_clear_line(run, arguments, says) -> None:
    code, out, said = run(*arguments)

    assert (code, out) == (1, b"")
    assert said.startswith("headroom: ")
    assert says in said
    assert len(said.splitlines()) == 1


def test_a_wrong_language_or_form_is_refused_with_those_there_are(run) -> None:
    for option, word in (("--lang", "de"), ("--format", "docx")):
        code, _, said = run(option, word)
        assert code == 2
        assert word in said
        assert ("'en'" if option == "--lang" else "'pdf'") in said


def test_a_folder_that_cannot_be_written_keeps_the_old_report(url, run, tmp_path) -> None:
    code, _, said = run("--url", url, "--output", tmp_path / "none" / "r.html")

    assert code == 1
    assert "cannot be written (No such file or directory)" in said


def test_a_text_that_a_spreadsheet_would_run_is_kept_from_it() -> None:
    made = as_csv("t", [Fact("k", 1.0, "=HYPERLINK()", "@x")])

    assert "'=HYPERLINK()" in made
    assert "'@x" in made


def test_a_file_that_is_no_report_is_named(tmp_path) -> None:
    path = tmp_path / "x.json"
    for text in ("{}", "[1", "key,value\na,b\n", "\x00", ""):
        path.write_text(text)
        with pytest.raises(PreviousError, match=r"x\.json"):
            read(path)


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_the_samples_are_marked_as_simulated(lang: str) -> None:
    text = (SAMPLES / f"report-{lang}.html").read_text()

    assert (
        "Simulated data: 60 of 60" if lang == "en" else "Données simulées : 60 sur 60"
    ) in plain(text)
    assert (SAMPLES / f"report-{lang}.pdf").read_bytes().startswith(b"%PDF")
    assert read(SAMPLES / f"report-{lang}.html").values["hosts.simulated"] == 60
