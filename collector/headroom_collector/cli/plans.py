"""``headroom plans``: the plans that are kept, one of them with what happened since, two compared."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from headroom_collector.cli import plan_live
from headroom_collector.cli import plan_words as words
from headroom_collector.cli.client import CliError
from headroom_collector.cli.plan import print_plan
from headroom_collector.consolidation.importers.convert import convert
from headroom_collector.consolidation.planner.model import PlanError

app = typer.Typer(no_args_is_help=False, invoke_without_command=True)


@app.callback()
def plans(
    context: typer.Context,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
    data: Annotated[Path | None, typer.Option(help="Data folder of the collector.")] = None,
) -> None:
    """List the plans that are kept; see show and compare."""
    if context.invoked_subcommand:
        return
    found = plan_live.listed(data)
    if as_json:
        print(json.dumps(found))
    elif found:
        Console().print(words.plans(found))
    else:
        print("No plan is kept yet: headroom plan makes one.")


@app.command("show")
def show_plan(
    plan_id: Annotated[str, typer.Argument(metavar="PLAN", help="Its id.")],
    *,
    moves: Annotated[bool, typer.Option("--moves", help="Print every move, as a tree.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print the moves as CSV.")] = False,
    data: Annotated[Path | None, typer.Option(help="Data folder of the collector.")] = None,
) -> None:
    """Show a plan that is kept, and what happened since it was made."""
    found = plan_live.shown(data, plan_id)
    shown = found if as_json else found["plan"]
    print_plan(shown, as_json=as_json, as_csv=as_csv, moves=moves)
    if not as_json and not as_csv and found["outcome"]:
        for line in words.outcome(found["outcome"]):
            print(line)


@app.command("compare")
def compare_plans(
    one: Annotated[str, typer.Argument(help="Id of a plan.")],
    other: Annotated[str, typer.Argument(help="Id of another one.")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
    data: Annotated[Path | None, typer.Option(help="Data folder of the collector.")] = None,
) -> None:
    """Show how two plans differ."""
    found = plan_live.compared(data, one, other)
    if as_json:
        print(json.dumps(found))
        return
    for line in words.comparison(found):
        print(line)


@app.command("import")
def import_estate(
    platform: Annotated[str, typer.Argument(help="vmware, proxmox or hyperv.")],
    source: Annotated[Path, typer.Argument(help="RVTools workbook, or folder of exports.")],
    *,
    out: Annotated[Path, typer.Option(help="Folder to write, for headroom plan --from.")],
    performance: Annotated[
        list[Path] | None, typer.Option(help="vmware: CSV of Get-Stat; may be given again.")
    ] = None,
) -> None:
    """
    Turn what a platform exports into the folder that headroom plan --from reads.

    Example: headroom plans import vmware RVTools.xlsx --performance stats.csv --out estate
    """
    try:
        found = convert(platform, source, performance or [], out)
    except PlanError as error:
        raise CliError(str(error)) from None
    print(f"{out}: {found.hosts} hosts, {found.vms} VMs, {found.samples} samples")
    for note in found.notes:
        print(note)
    print(f"Next: headroom plan --from {out}")
