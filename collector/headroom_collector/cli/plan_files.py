"""``headroom plan --from``: a plan for an estate that is described by a folder of files."""

import json
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from types import FrameType
from typing import Any

from rich.console import Console
from rich.table import Table

from headroom_collector.cli.client import CliError
from headroom_collector.cli.words import money
from headroom_collector.consolidation.money.file import load_prices
from headroom_collector.consolidation.money.plan import with_money
from headroom_collector.consolidation.planner.course import Progress, silent
from headroom_collector.consolidation.planner.files import read_folder
from headroom_collector.consolidation.planner.model import Options, PlanError
from headroom_collector.consolidation.planner.plan import Plan, plan
from headroom_collector.consolidation.planner.report import (
    as_csv,
    as_object,
    confidence,
    gap_ratio,
)

SHOWN = 20
"""Moves and VMs listed for people; all of them are in --json and --csv."""


def say(progress: Progress) -> None:
    """Write one line of progress, over the last one, to standard error."""
    left = max(0.0, progress.limit - progress.elapsed)
    hosts = f", {progress.hosts} hosts (bound {progress.bound})" if progress.hosts else ""
    sys.stderr.write(f"\r{progress.stage}{hosts}, at most {left:.0f} s left\x1b[K")
    if progress.stage == "done":
        sys.stderr.write("\r\x1b[K")
    sys.stderr.flush()


def planned(folder: Path, asked: Mapping[str, Any]) -> Plan:
    """Read the folder and plan; raises CliError or SettingsError with what is wrong."""
    report = say if sys.stderr.isatty() else silent
    try:
        options = Options(**asked)
        prices = folder / "estate.toml"
        savings = with_money(load_prices(prices if prices.exists() else None))
        problem = read_folder(folder)
        with stop_asked() as stopped:
            return plan(problem, options, report, stopped=stopped, savings=savings)
    except PlanError as error:
        raise CliError(str(error)) from None


@contextmanager
def stop_asked() -> Iterator[Callable[[], bool]]:
    """Yield the question whether Ctrl-C was pressed, which then does nothing else; twice, it ends."""
    asked = Event()
    before = signal.getsignal(signal.SIGINT)

    def note(number: int, frame: FrameType | None) -> None:
        del number, frame
        asked.set()
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, note)
    try:
        yield asked.is_set
    finally:
        signal.signal(signal.SIGINT, before)


def show(found: Plan, console: Console) -> None:
    """Print a plan for people."""
    failed = [at for at, reason in found.aside.items() if reason]
    table = Table(show_header=False, box=None, pad_edge=False)
    rows = (
        ("Hosts now", str(len(found.problem.hosts))),
        ("Hosts kept", str(len(found.kept))),
        ("Hosts freed", str(len(found.freed))),
        ("No plan keeps fewer than", f"{found.bound.hosts}  ({found.bound.by})"),
        ("Gap to that bound", f"{gap_ratio(found):.0%}"),
        ("Moves", str(len(found.moves))),
        ("VMs that cannot comply", str(len(failed))),
        ("Energy saved", f"{found.savings['energy_kwh_per_year']:,.0f} kWh a year"),
        ("Saved a year", money(found.savings["money_per_year_total"], found.savings["currency"])),
        ("Took", f"{found.seconds:.1f} s, {found.peak_memory_bytes / 2**20:,.0f} MiB"),
    )
    for name, value in rows:
        table.add_row(name, value)
    console.print(table)
    for at in failed[:SHOWN]:
        console.print(
            f"{found.problem.vms[at].name} cannot comply: {found.aside[at]}",
            markup=False,
            highlight=False,
        )
    for reason in confidence(found.problem)["reasons"]:
        console.print(f"Not yet a reason to power hosts off: {reason}.", highlight=False)
    if len(failed) > SHOWN or found.moves:
        console.print("All VMs and moves: --json; the moves as a table: --csv.")


def plan_from(folder: Path, asked: Mapping[str, Any], *, as_json: bool, csv: bool) -> None:
    """Plan the estate in a folder and print the plan."""
    if as_json and csv:
        raise CliError("--json and --csv: expected one of them")
    found = planned(folder, asked)
    if as_json:
        print(json.dumps(as_object(found)))
    elif csv:
        print(as_csv(found), end="")
    else:
        show(found, Console())
