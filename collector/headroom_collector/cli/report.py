"""``headroom report``: what there is, what is wasted, what can be freed and what it is worth."""

import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

import httpx
import typer
from rich.console import Console

from headroom_collector.cli.client import CliError, check, client
from headroom_collector.report.facts import changes, facts_of
from headroom_collector.report.gather import gather
from headroom_collector.report.previous import Previous, PreviousError, read
from headroom_collector.report.write import PdfError, as_csv, as_html, as_json, as_pdf
from headroom_collector.web.tongue import Tongue

Format = Literal["html", "pdf", "csv", "json"]
PATIENCE = 300.0
"""Seconds: waste and refresh look at weeks of a large estate."""


def reached(url: str, token_file: Path | None) -> httpx.Client:
    """Return a client of the collector at that address; raises CliError."""
    if not url.startswith(("http://", "https://")):
        raise CliError(f"--url {url}: expected http://HOST:PORT or https://HOST:PORT")
    headers = {}
    if token_file is not None:
        try:
            headers["Authorization"] = f"Bearer {token_file.read_text(encoding='utf-8').strip()}"
        except OSError as error:
            raise CliError(f"--token-file {token_file}: {error.strerror}") from None
    return httpx.Client(
        base_url=url.rstrip("/"),
        headers=headers,
        timeout=PATIENCE,
        event_hooks={"response": [check]},
    )


def asking(http: httpx.Client, where: str) -> Callable[[str], Any]:
    """Return what asks the collector for a path and says plainly where it cannot."""

    def ask(path: str) -> Any:
        try:
            return http.get(path, timeout=PATIENCE).json()
        except httpx.TransportError as error:
            raise CliError(
                f"no collector answers at {where} ({error}): is it running, is the address right?"
            ) from None
        except ValueError:
            raise CliError(f"{where}{path} did not answer in JSON: is that a collector?") from None

    return ask


def earlier(named: Path | None, output: Path | None) -> Previous | None:
    """Return the report to compare with: the one named, else the one about to be overwritten."""
    try:
        if named is not None:
            return read(named)
        if output is not None and output.suffix != ".pdf" and output.exists():
            return read(output)
    except PreviousError as error:
        if named is not None:
            raise CliError(f"--previous {error}") from None
    return None


def save(path: Path, body: bytes) -> None:
    """Write a file whole or not at all; raises CliError."""
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as made:
            made.write(body)
        os.chmod(made.name, 0o644)  # noqa: PTH101 - a report is there to be read
        os.replace(made.name, path)  # noqa: PTH105 - beside the line above
    except OSError as error:
        raise CliError(f"--output {path}: cannot be written ({error.strerror})") from None


def report(
    *,
    lang: Annotated[Literal["en", "fr"], typer.Option(help="Language of the report.")] = "en",
    form: Annotated[Format, typer.Option("--format", help="Form of the report.")] = "html",
    output: Annotated[
        Path | None, typer.Option(help="File to write; standard output without it.")
    ] = None,
    url: Annotated[
        str, typer.Option(help="Collector's address; without it the one of --data.")
    ] = "",
    token_file: Annotated[
        Path | None, typer.Option(help="With --url: file with a token of role read.")
    ] = None,
    previous: Annotated[
        Path | None,
        typer.Option(help="Earlier report (html, json, csv) to compare with."),
    ] = None,
    data: Annotated[Path | None, typer.Option(help="Data folder of the collector.")] = None,
) -> None:
    """
    Write the report for those who sign: state, waste, plan, refresh, cost of ownership.

    Without --previous it is compared with the report that it overwrites.

    Examples: headroom report --lang fr --format pdf --output headroom.pdf;
    headroom report --url https://headroom.example.com --token-file token --format csv
    """
    if form == "pdf" and output is None and sys.stdout.isatty():
        raise CliError("a PDF is nothing for a terminal: name a file with --output")
    before = earlier(previous, output)
    console = Console(stderr=True)
    where = url or "the collector"
    with (
        reached(url, token_file) if url else client(data) as http,
        console.status("asking the collector") as status,
    ):
        found = gather(asking(http, where), lambda path: status.update(f"asking for {path}"))
        facts = facts_of(found)
        time = found["overview"]["at"]
        if form in {"csv", "json"}:
            text = as_csv(time, facts) if form == "csv" else as_json(time, facts) + "\n"
            body = text.encode()
        else:
            changed = changes(before.values, facts) if before else []
            html = as_html(
                Tongue(lang),
                found,
                facts,
                changed,
                before.at if before else "",
                url or "localhost",
            )
            status.update("setting the pages")
            body = html.encode() if form == "html" else _pdf(html)
    if output is None:
        sys.stdout.buffer.write(body)
        return
    save(output, body)
    console.print(f"wrote {output} ({len(body) / 1000:,.0f} kB)", highlight=False)


def _pdf(html: str) -> bytes:
    try:
        return as_pdf(html)
    except PdfError as error:
        raise CliError(str(error)) from None
