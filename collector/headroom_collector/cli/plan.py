"""``headroom plan``: how many hosts each cluster needs at least, and how many can be freed at most."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from headroom_collector.cli.client import CliError, client
from headroom_collector.consolidation.cluster import RELIABLE_SECONDS, span

UNKNOWN = "-"
COLUMNS = (
    "Site",
    "Cluster",
    "Ceiling",
    "Present",
    "Needed\nat least",
    "Can be freed\nat most",
    "VMs\nper host",
    "Power",
    "History",
    "How sure",
)
TEXT_COLUMNS = 2
"""Of these columns the first are text; the figures after them stand to the right."""


def ceiling_ratio(value: float | None) -> float | None:
    """Check the ceiling asked about; raises CliError."""
    if value is not None and not 0 < value <= 1:
        hint = f"; did you mean {value / 100:g}?" if 1 < value <= 100 else ""
        raise CliError(f"--ceiling {value:g}: expected a ratio above 0 and up to 1{hint}")
    return value


def _figure(value: float | None, form: str = "{:.0f}", unit: str = "") -> str:
    return UNKNOWN if value is None else form.format(value) + unit


def power(watts: float | None, known: int, present: int) -> str:
    """Say a power in watts or kilowatts, and of how many hosts where it is not all."""
    if watts is None:
        return UNKNOWN
    text = f"{watts / 1000:,.1f} kW" if watts >= 10_000 else f"{watts:,.0f} W"
    return text if known == present else f"{text} ({known} of {present} hosts)"


def certainty(cluster: Mapping[str, Any]) -> str:
    """Say how far a cluster's bound can be relied on."""
    basis = cluster["basis"]
    if cluster["hosts_needed"] is None:
        return "nothing measured yet"
    if basis["history_seconds"] >= RELIABLE_SECONDS:
        length = "enough history"
    else:
        length = f"too short: {span(RELIABLE_SECONDS)} are needed"
    return f"{length}, {basis['completeness_ratio']:.0%} measured"


def _row(cluster: Mapping[str, Any]) -> list[str]:
    known, present = cluster["hosts_with_power"], cluster["hosts_present"]
    name = escape(cluster["cluster"] or "(unassigned)")
    return [
        escape(cluster["site"] or "(unassigned)"),
        f"{name} [magenta](simulated)[/magenta]" if cluster["simulated"] else name,
        f"{cluster['ceiling_ratio']:.0%}",
        str(present),
        _figure(cluster["hosts_needed"]) + (" !" if cluster["beyond"] else ""),
        _figure(cluster["hosts_freeable"]),
        _figure(cluster["vms_per_host"], "{:.1f}"),
        power(cluster["power_watts"], known, present),
        span(cluster["basis"]["history_seconds"]),
        certainty(cluster),
    ]


def table(report: Mapping[str, Any]) -> Table:
    """Return the report's clusters as a table, the estate's total at its foot."""
    total = report["total"]
    made = Table(show_footer=len(report["clusters"]) > 1, header_style="bold")
    history = total["history_seconds"]
    feet = [
        "Estate",
        "",
        "",
        str(total["hosts_present"]),
        _figure(total["hosts_needed"]),
        _figure(total["hosts_freeable"]),
        _figure(total["vms_per_host"], "{:.1f}"),
        power(total["power_watts"], total["hosts_with_power"], total["hosts_present"]),
        UNKNOWN if history is None else span(history),
        "",
    ]
    for number, (title, foot) in enumerate(zip(COLUMNS, feet, strict=True)):
        figures = TEXT_COLUMNS <= number < len(COLUMNS) - 1
        made.add_column(title, footer=foot, justify="right" if figures else "left")
    for cluster in report["clusters"]:
        made.add_row(*_row(cluster))
    return made


def show(report: Mapping[str, Any], console: Console) -> None:
    """Print the report for people."""
    if not report["clusters"]:
        console.print("No host has reported yet: start an agent, then ask again.")
        return
    if report["what_if"]:
        console.print(f"What if the ceiling were {report['ceiling_ratio']:.0%} everywhere:")
    console.print(table(report))
    console.print(
        "This is a bound, not yet a plan of moves: no plan can use fewer hosts than needed at"
        " least; whole virtual machines may need more."
    )
    if report["total"]["simulated"]:
        console.print("Simulated hosts are among these figures.", style="magenta")
    beyond = [cluster for cluster in report["clusters"] if cluster["beyond"]]
    for cluster in beyond:
        console.print(
            f"! {escape(cluster['site'])}/{escape(cluster['cluster'])}: demand was more than all"
            " its hosts may carry under the ceiling; nothing can be freed there.",
            style="yellow",
        )


def plan(
    *,
    ceiling: Annotated[
        float | None,
        typer.Option(help="What if: this ceiling for every host, a ratio such as 0.50."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the report as JSON, with all it rests on.")
    ] = False,
    data: Annotated[Path | None, typer.Option(help="Data folder of the collector.")] = None,
) -> None:
    """Show how many hosts are needed at least under the ceiling, cluster by cluster."""
    chosen = ceiling_ratio(ceiling)
    with client(data) as http:
        response = http.get(
            "/api/v1/headroom", params=None if chosen is None else {"ceiling": chosen}
        )
    if as_json:
        print(response.text)
    else:
        show(response.json(), Console())
