"""``headroom plan``: how many hosts each cluster needs at least, and the plan that frees the others."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from headroom_collector.cli import plan_live
from headroom_collector.cli import plan_words as words
from headroom_collector.cli.client import CliError, client
from headroom_collector.cli.plan_files import plan_from
from headroom_collector.consolidation.cluster import RELIABLE_SECONDS, span
from headroom_collector.consolidation.planner.folder import MARGIN, Memory
from headroom_collector.consolidation.planner.model import Options, PlanError
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
        "A bound, not yet a plan of moves: whole virtual machines may need more hosts,"
        " and fewer do where hypervisors are emptied that use much themselves."
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


def print_plan(found: Mapping[str, Any], *, as_json: bool, as_csv: bool, moves: bool) -> None:
    """Print a plan's object as asked."""
    if as_json:
        print(json.dumps(found))
    elif as_csv:
        print(words.as_csv(found), end="")
    else:
        words.show(found, Console(), moves=moves)


def _bound(data: Path | None, ceiling: float | None, *, as_json: bool) -> bool:
    """Show the bound; False where there is nothing to plan."""
    with client(data) as http:
        params = None if ceiling is None else {"ceiling": ceiling}
        response = http.get("/api/v1/headroom", params=params)
    report = response.json()
    if as_json:
        print(response.text)
    else:
        show(report, Console())
    return bool(report["clusters"])


def _live(
    data: Path | None, asked: Mapping[str, Any], *, as_json: bool, as_csv: bool, moves: bool
) -> None:
    """Show the bound, then plan what runs and show the plan."""
    quiet = as_json or as_csv
    if not quiet and not _bound(data, asked.get("ceiling"), as_json=False):
        return
    found = plan_live.planned(data, asked)
    if not quiet:
        Console().print(f"Plan {found['id']}:", highlight=False)
    print_plan(found["plan"], as_json=as_json, as_csv=as_csv, moves=moves)


def plan(
    *,
    source: Annotated[
        Path | None,
        typer.Option("--from", help="Plan the estate that this folder of files describes."),
    ] = None,
    mode: Annotated[
        str, typer.Option(help="repack (fewest hosts, or least energy) or empty (fewest moves).")
    ] = "repack",
    objective: Annotated[
        str, typer.Option(help="What a repack makes small: hosts or energy.")
    ] = "hosts",
    ceiling: Annotated[
        float | None,
        typer.Option(
            help="Share of its CPU that a host may use, such as 0.50; else the policy's."
        ),
    ] = None,
    quantile: Annotated[float, typer.Option(help="Share of samples under the ceiling.")] = 1.0,
    hard_cap: Annotated[float, typer.Option(help="Limit of the samples above the ceiling.")] = 1.0,
    reserve: Annotated[int, typer.Option(help="Hosts of each cluster that may fail at once.")] = 0,
    reserve_cap: Annotated[
        float, typer.Option(help="What the hosts that are left may reach then.")
    ] = 0.8,
    moves_a_night: Annotated[int, typer.Option(help="Moves in one night; 0 is no limit.")] = 0,
    memory: Annotated[
        str, typer.Option(help="Memory that counts: provisioned, or consumed plus a margin.")
    ] = "provisioned",
    memory_margin: Annotated[
        float, typer.Option(help="Margin on consumed memory, a ratio.")
    ] = MARGIN,
    time_limit: Annotated[
        float, typer.Option(help="Seconds after which the best plan is taken.")
    ] = 10.0,
    curve: Annotated[
        bool, typer.Option("--curve", help="What other ceilings would give.")
    ] = False,
    bound: Annotated[
        bool, typer.Option("--bound", help="Only how many hosts are needed at least.")
    ] = False,
    moves: Annotated[bool, typer.Option("--moves", help="Print every move, as a tree.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the plan as JSON.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print the moves as CSV.")] = False,
    data: Annotated[Path | None, typer.Option(help="Data folder of the collector.")] = None,
) -> None:
    """
    Plan the consolidation: which hosts can be freed, by which moves, and what that saves.

    Plans what the running collector has measured; with --from, an estate that was never monitored
    (docs/plan-files.md). Ctrl-C takes the best plan so far. See also: headroom plans.

    Examples: headroom plan --mode empty --moves; headroom plan --from estate --curve
    """
    chosen = ceiling_ratio(ceiling)
    if as_json and as_csv:
        raise CliError("--json and --csv: expected one of them")
    asked: dict[str, Any] = {
        "mode": mode,
        "objective": objective,
        "quantile": quantile,
        "hard_cap": hard_cap,
        "reserve": reserve,
        "reserve_cap": reserve_cap,
        "moves_a_night": moves_a_night,
        "time_limit": time_limit,
        "curve": curve,
    }
    counted = _memory(asked, memory, memory_margin)
    if bound:
        _bound(data, chosen, as_json=as_json)
    elif source is not None:
        asked["ceiling"] = DEFAULT_RATIO if chosen is None else chosen
        found = plan_from(source, asked, counted)
        print_plan(found, as_json=as_json, as_csv=as_csv, moves=moves)
    else:
        asked |= {"ceiling": chosen, "memory": memory, "memory_margin": memory_margin}
        _live(data, asked, as_json=as_json, as_csv=as_csv, moves=moves)


def _memory(asked: Mapping[str, Any], counted: str, margin: float) -> Memory:
    """Check the options before anything is asked of a collector; raises CliError."""
    try:
        Options(**asked)
        return Memory(counted, margin)  # type: ignore[arg-type]  # refused there in one line
    except PlanError as error:
        raise CliError(str(error)) from None
