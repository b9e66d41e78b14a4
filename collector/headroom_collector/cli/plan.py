"""``headroom plan``: how many hosts each cluster needs at least, and how many can be freed at most."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from headroom_collector.cli.client import CliError, client
from headroom_collector.cli.plan_files import plan_from
from headroom_collector.consolidation.cluster import RELIABLE_SECONDS, span
from headroom_core.ceiling import DEFAULT_RATIO

UNKNOWN = "-"
COMPLETE = 0.95
"""Share of measured samples below which a cluster gets a line of its own, a ratio."""

Cluster = Mapping[str, Any]
"""One of the report's clusters, as the API gives it."""


def ceiling_ratio(value: float | None) -> float | None:
    """Check the ceiling asked about; raises CliError."""
    if value is not None and not 0 < value <= 1:
        hint = f"; did you mean {value / 100:g}?" if 1 < value <= 100 else ""
        raise CliError(f"--ceiling {value:g}: expected a ratio above 0 and up to 1{hint}")
    return value


def _figure(value: float | None, form: str = "{:.0f}", unit: str = "") -> str:
    return UNKNOWN if value is None else form.format(value) + unit


def name(cluster: Cluster) -> str:
    """Name a cluster with its site, for people."""
    if not cluster["site"] and not cluster["cluster"]:
        return "(unassigned)"
    return f"{cluster['site'] or '-'}/{cluster['cluster'] or '-'}"


def power(watts: float | None, *, partial: bool) -> str:
    """Say a power in watts or kilowatts, with a star where it is not that of all hosts."""
    if watts is None:
        return UNKNOWN
    text = f"{watts / 1000:,.1f} kW" if watts >= 10_000 else f"{watts:,.0f} W"
    return f"{text}*" if partial else text


def certainty(cluster: Cluster) -> str:
    """Say how far a cluster's bound can be relied on, and on how much history it rests."""
    seconds = cluster["basis"]["history_seconds"]
    if cluster["hosts_needed"] is None:
        return "no data yet"
    return f"{'good' if seconds >= RELIABLE_SECONDS else 'low'} ({span(seconds)})"


def _partial(found: Mapping[str, Any]) -> bool:
    return bool(found["hosts_with_power"] < found["hosts_present"])


def _figures(found: Mapping[str, Any]) -> list[str]:
    return [
        str(found["hosts_present"]),
        _figure(found["hosts_needed"]),
        _figure(found["hosts_freeable"]),
        _figure(found["vms_per_host"], "{:.1f}"),
        power(found["power_watts"], partial=_partial(found)),
    ]


def table(report: Mapping[str, Any]) -> Table:
    """Return the report's clusters as a table for 80 columns, the estate's total at its foot."""
    clusters, total = report["clusters"], report["total"]
    ceilings = {cluster["ceiling_ratio"] for cluster in clusters}
    made = Table(show_footer=len(clusters) > 1, box=SIMPLE_HEAD, pad_edge=False)
    made.add_column("Cluster", footer="Estate", overflow="fold")
    titles = ("Hosts", "Needed\nat least", "Freeable\nat most", "VMs/\nhost", "Power")
    for title, foot in zip(titles, _figures(total), strict=True):
        made.add_column(title, footer=foot, justify="right", no_wrap=True)
    if len(ceilings) > 1:
        made.add_column("Ceiling", justify="right", no_wrap=True)
    made.add_column("How sure", no_wrap=True)
    for cluster in clusters:
        mark = "\n[magenta]simulated[/magenta]" if cluster["simulated"] else ""
        ceiling = [f"{cluster['ceiling_ratio']:.0%}"] if len(ceilings) > 1 else []
        cells = [*_figures(cluster), *ceiling, certainty(cluster)]
        made.add_row(escape(name(cluster)) + mark, *cells)
    return made


def remarks(report: Mapping[str, Any]) -> Iterator[str]:
    """Yield what the table leaves out, one line each."""
    yield (
        "A bound, not yet a plan of moves: no plan can use fewer hosts than needed at least;"
        " whole virtual machines may need more."
    )
    clusters = report["clusters"]
    if any(certainty(cluster).startswith("low") for cluster in clusters):
        yield f"low: less than {span(RELIABLE_SECONDS)} of history."
    if _partial(report["total"]) and report["total"]["power_watts"] is not None:
        known, present = report["total"]["hosts_with_power"], report["total"]["hosts_present"]
        yield f"*: power is known of {known} of {present} hosts; the sum is theirs."
    for cluster in clusters:
        share = cluster["basis"]["completeness_ratio"]
        if cluster["hosts_needed"] is not None and share < COMPLETE:
            yield (
                f"{name(cluster)}: {1 - share:.0%} of the samples are missing and were filled with"
                " each host's own 95th percentile."
            )
        if cluster["beyond"]:
            yield (
                f"{name(cluster)}: demand was more than all its hosts may carry under the ceiling;"
                " nothing can be freed there."
            )
    if report["total"]["simulated"]:
        yield "Simulated hosts are among these figures."


def show(report: Mapping[str, Any], console: Console) -> None:
    """Print the report for people."""
    if not report["clusters"]:
        console.print("No host has reported yet: start an agent, then ask again.")
        return
    ceiling = f"{report['ceiling_ratio']:.0%}"
    if report["what_if"]:
        console.print(f"What if the ceiling were {ceiling} everywhere:")
    else:
        console.print(f"Under the estate's ceiling of {ceiling} CPU:")
    console.print(table(report))
    for line in remarks(report):
        console.print(line, markup=False, highlight=False)


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
    source: Annotated[
        Path | None,
        typer.Option("--from", help="Plan the estate that this folder of files describes."),
    ] = None,
    mode: Annotated[
        str, typer.Option(help="With --from: repack (fewest hosts) or empty (fewest moves).")
    ] = "repack",
    quantile: Annotated[
        float, typer.Option(help="With --from: share of samples under the ceiling.")
    ] = 1.0,
    hard_cap: Annotated[
        float, typer.Option(help="With --from: limit of the samples above the ceiling.")
    ] = 1.0,
    reserve: Annotated[
        int, typer.Option(help="With --from: hosts of each cluster that may fail at once.")
    ] = 0,
    moves_a_night: Annotated[
        int, typer.Option(help="With --from: moves in one night; 0 is no limit.")
    ] = 0,
    time_limit: Annotated[
        float, typer.Option(help="With --from: seconds after which the best plan is taken.")
    ] = 10.0,
    curve: Annotated[
        bool, typer.Option("--curve", help="With --from: what other ceilings would give.")
    ] = False,
    as_csv: Annotated[
        bool, typer.Option("--csv", help="With --from: print the moves as CSV.")
    ] = False,
) -> None:
    """
    Show how many hosts are needed at least under the ceiling, cluster by cluster.

    With --from, plan an estate that was never monitored: docs/plan-files.md describes the files.
    """
    chosen = ceiling_ratio(ceiling)
    if source is not None:
        asked = {
            "mode": mode,
            "ceiling": DEFAULT_RATIO if chosen is None else chosen,
            "quantile": quantile,
            "hard_cap": hard_cap,
            "reserve": reserve,
            "moves_a_night": moves_a_night,
            "time_limit": time_limit,
            "curve": curve,
        }
        plan_from(source, asked, as_json=as_json, csv=as_csv)
        return
    with client(data) as http:
        response = http.get(
            "/api/v1/headroom", params=None if chosen is None else {"ceiling": chosen}
        )
    if as_json:
        print(response.text)
    else:
        show(response.json(), Console())
