"""The page in a real browser: its script fills it, keeps it up to date, and says when it cannot."""

import re
from pathlib import Path

from fastapi import FastAPI, Request, Response
from rigs.browser import browse, serving
from rigs.overviews import Tell
from rigs.samples import host_rows

HOSTILE = "<b onmouseover=alert(1)>x</b>"


def row(dom: str, name: str) -> str:
    """Return the row of that host as the browser has it."""
    rows = re.findall(r"<tr.*?</tr>", dom[dom.index('<tbody id="hosts">') :], re.DOTALL)
    return next((one for one in rows if f">{name}</bdi>" in one), "")


def test_the_script_brings_in_what_came_after_the_page(
    app: FastAPI, tell: Tell, tmp_path: Path
) -> None:
    tell("alpha", host_rows(cpu_utilisation_ratio=0.125, cpus=4))
    asked = []

    @app.middleware("http")
    async def news(request: Request, call_next) -> Response:
        asked.append(request.url.path)
        if asked.count("/view.json") == 2 and "late" not in asked:
            asked.append("late")
            tell("newcomer", host_rows(cpu_utilisation_ratio=0.5, cpus=4), simulated=True)
            tell(HOSTILE, host_rows(cpu_utilisation_ratio=0.3, cpus=4))
        return await call_next(request)

    with serving(app) as url:
        shown = browse(url, tmp_path / "browser", milliseconds=12_000)

    assert 'data-live="yes"' in shown.dom
    assert "You run 3 hosts." in shown.dom
    assert "12.5" in row(shown.dom, "alpha")
    newcomer = row(shown.dom, "newcomer")
    assert 'class="is-over"' in newcomer
    assert 'width="50"' in newcomer
    assert ">simulated</i>" in newcomer
    assert "&lt;b onmouseover=alert(1)&gt;x&lt;/b&gt;" in shown.dom
    assert re.search(r'<time id="at"[^>]* title="2026-11-24T12:00:00Z"', shown.dom)
    assert shown.console == []


def test_a_collector_that_stops_answering_is_said_and_the_figures_stay(
    app: FastAPI, tell: Tell, tmp_path: Path
) -> None:
    tell("alpha", host_rows(cpu_utilisation_ratio=0.125, cpus=4))

    @app.middleware("http")
    async def gone(request: Request, call_next) -> Response:
        if request.url.path == "/view.json":
            return Response(status_code=503)
        return await call_next(request)

    with serving(app) as url:
        shown = browse(url, tmp_path / "browser")

    assert 'data-live="no"' in shown.dom
    assert re.search(r'id="lost"[^>]*>The collector does not answer; what is shown is', shown.dom)
    assert "12.5" in row(shown.dom, "alpha")


def test_without_its_script_the_page_is_whole(app: FastAPI, tell: Tell, tmp_path: Path) -> None:
    tell("alpha", host_rows(cpu_utilisation_ratio=0.125, cpus=4))

    @app.middleware("http")
    async def scriptless(request: Request, call_next) -> Response:
        if request.url.path == "/static/app.js":
            return Response(status_code=404)
        return await call_next(request)

    with serving(app) as url:
        shown = browse(url, tmp_path / "browser")

    assert "data-live" not in shown.dom
    assert "12.5" in row(shown.dom, "alpha")
    assert "2026-11-24 12:00:00 UTC" in shown.dom


def test_the_headers_would_stop_what_a_page_brings_in_itself(app: FastAPI, tmp_path: Path) -> None:
    @app.get("/inline")
    def inline() -> Response:
        return Response(
            "<p style='color:red' id=p>x<script>p.id='ran'</script>", 200, {}, "text/html"
        )

    with serving(app) as url:
        shown = browse(f"{url}inline", tmp_path / "browser")

    assert "ran" not in re.findall(r'id="(\w+)"', shown.dom)
    assert any("Content Security Policy" in line for line in shown.console)
