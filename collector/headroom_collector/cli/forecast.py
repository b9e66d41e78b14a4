"""``headroom forecast``: when each cluster passes its ceiling, and how many more machines fit."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from headroom_collector.cli.client import client
from headroom_collector.cli.words import UNKNOWN, day, place, share

Cluster = Mapping[str, Any]
NAMED = 3
"""Clusters that a note names."""


def trend(found: Cluster) -> str:
    """Say the trend: points of percent a month, with its band."""
    if found["slope_ratio_per_day"] is None:
        return f"{found['days']} days: too few"
    low, high = (found[key] * 3000 for key in ("slope_low", "slope_high"))
    if found["direction"] == "steady":
        return f"none ({low:+.1f} to {high:+.1f})"
    return f"{found['slope_ratio_per_day'] * 3000:+.1f} ({low:+.1f} to {high:+.1f})"


def passes(found: Cluster) -> str:
    """Say when the ceiling is passed."""
    crossing = found["crossing"]
    if crossing is None:
        return UNKNOWN
    if crossing["passed"]:
        return "passed"
    if crossing["likely"]:
        later = day(crossing["latest"]) if crossing["latest"] else "later"
        return f"{day(crossing['likely'])}\n{day(crossing['earliest'])} to {later}"
    if crossing["earliest"]:
        return f"not before\n{day(crossing['earliest'])}"
    return f"not within\n{found['horizon_days']:.0f} days"


def fits(found: Cluster) -> str:
    """Say how many more machines fit."""
    if found["fits"] is None:
        return UNKNOWN
    return f"{found['fits']['at_least']} to {found['fits']['at_most']}"


def table(report: Mapping[str, Any]) -> Table:
    """Return the clusters as a table for 80 columns."""
    made = Table(box=SIMPLE_HEAD, pad_edge=False)
    made.add_column("Cluster", overflow="fold")
    made.add_column("Now", justify="right", no_wrap=True)
    made.add_column("Ceiling", justify="right", no_wrap=True)
    made.add_column("Points a month", no_wrap=True)
    made.add_column("Passes it", no_wrap=True)
    made.add_column("VMs fit", justify="right", no_wrap=True)
    for found in report["clusters"]:
        mark = "\n[magenta]simulated[/magenta]" if found["hosts_simulated"] else ""
        made.add_row(
            escape(place(found)) + mark,
            share(found["level_ratio"]),
            share(found["ceiling_ratio"]),
            trend(found),
            passes(found),
            fits(found),
        )
    return made


def remarks(report: Mapping[str, Any]) -> Iterator[str]:
    """Yield what the table leaves out, one line each."""
    yield "Now: 95th percentile of a busy weekday, all hosts of the cluster together."
    yield "Bands hold 80 %; a trend is carried on over three times its history at most."
    for found in report["clusters"]:
        vm = found["median_vm"]
        if vm is not None and found["fits"] is not None:
            yield (
                f"{place(found)}: the median VM of {vm['count']} uses {vm['cpu_mean']:.2f} of"
                f" {vm['vcpus']:.0f} vCPUs ({vm['cpu_peak']:.2f} at most),"
                f" {vm['memory_bytes'] / (1 << 30):.1f} GiB."
            )
    yield from notes(report["clusters"])


def notes(clusters: Iterable[Cluster]) -> Iterator[str]:
    """Yield each note once, with the clusters that it is about."""
    about: dict[str, list[str]] = {}
    for found in clusters:
        for note in found["notes"]:
            about.setdefault(note, []).append(place(found))
    for note, places in about.items():
        rest = f" and {len(places) - NAMED} more" if len(places) > NAMED else ""
        yield f"{', '.join(places[:NAMED])}{rest}: {note}"


def show(report: Mapping[str, Any], console: Console) -> None:
    """Print the report for people."""
    if not report["clusters"]:
        console.print("No host has reported yet: start an agent, then ask again.")
        return
    console.print(table(report))
    for line in remarks(report):
        console.print(line, markup=False, highlight=False)


def forecast(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    data: Annotated[Path | None, typer.Option(help="Data folder of the collector.")] = None,
) -> None:
    """Show when each cluster passes its ceiling, and how many more virtual machines fit."""
    with client(data) as http:
        response = http.get("/api/v1/forecast")
    if as_json:
        print(response.text)
    else:
        show(response.json(), Console())
