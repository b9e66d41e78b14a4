"""``headroom waste``: what does no useful work, since when, by which evidence, and what it costs."""

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from headroom_collector.cli.client import client
from headroom_collector.cli.words import counted, day, money

SHOWN = 40


def table(report: Mapping[str, Any], limit: int) -> Table:
    """Return the findings as a table for 80 columns, the dearest first."""
    made = Table(box=SIMPLE_HEAD, pad_edge=False)
    made.add_column("What", no_wrap=True)
    made.add_column("Name and evidence", overflow="fold")
    made.add_column("Since", no_wrap=True)
    made.add_column(f"{report['currency']}\na year", justify="right", no_wrap=True)
    for found in report["findings"][:limit]:
        where = f" on {found['host']}" if found["host"] not in {"", found["name"]} else ""
        cost = money(found["cost_per_year"])
        made.add_row(
            found["kind"],
            f"{escape(found['name'] + where)}\n[dim]{escape(found['evidence'])}[/dim]",
            day(found["since"], at_least=found["at_least"]),
            cost if found["counted"] else f"({cost})",
        )
    return made


def remarks(report: Mapping[str, Any], limit: int) -> Iterator[str]:
    """Yield what the table leaves out, one line each."""
    kinds = Counter(found["kind"] for found in report["findings"])
    if len(report["findings"]) > limit:
        yield f"{len(report['findings']) - limit} more; --limit shows more, --json all of them."
    if kinds:
        yield "Found: " + ", ".join(f"{count} {kind}" for kind, count in kinds.most_common()) + "."
    yield f"Together {money(report['total_per_year'], report['currency'])} a year, nothing twice."
    if any(not found["counted"] for found in report["findings"]):
        yield "(in brackets): within another finding or an indication, not in the sum."
    if any(found["at_least"] for found in report["findings"]):
        yield "<=: it was so when the history begins."
    if report["history_days"] < report["needed_days"]:
        yield (
            f"Only {counted(report['history_days'], 'day')} of history: verdicts on what does nothing need"
            f" {report['needed_days']}."
        )
    for key, word in (("age", "age"), ("power", "power")):
        missing = report[f"hosts_of_unknown_{key}"]
        if missing:
            yield f"The {word} of {missing} of {report['hosts']} hosts is unknown and not counted."
    if report["hosts_simulated"]:
        yield f"{report['hosts_simulated']} of these hosts are simulated."
    yield "Costs rest on the figures that `headroom refresh --inputs` lists."


def show(report: Mapping[str, Any], console: Console, limit: int) -> None:
    """Print the report for people."""
    hosts, vms = counted(report["hosts"], "host"), counted(report["vms"], "virtual machine")
    looked = f"{hosts} and {vms} looked at"
    if not report["findings"]:
        console.print(f"Nothing found: {looked}.", highlight=False)
    else:
        console.print(table(report, limit))
    for line in remarks(report, limit):
        console.print(line, markup=False, highlight=False)


def waste(
    *,
    limit: Annotated[int, typer.Option(help="Findings to show.", min=1)] = SHOWN,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    data: Annotated[Path | None, typer.Option(help="Data folder of the collector.")] = None,
) -> None:
    """Show what does no useful work, and what it costs a year."""
    with client(data) as http:
        response = http.get("/api/v1/waste")
    if as_json:
        print(response.text)
    else:
        show(response.json(), Console(), limit)
