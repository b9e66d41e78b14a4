"""``headroom bench``: measures, and prints what it measured."""

from collections.abc import Iterator
from importlib import import_module
from typing import Annotated

import typer

from headroom_collector.bench.report import Figure, as_json, as_table
from headroom_collector.cli.client import CliError

BENCHES = ("agent", "alerts", "energy", "ingest", "plan", "query", "security")
"""A module of headroom_collector.bench each, loaded where it is run: no other command waits for it."""


def run(names: list[str], *, short: bool, case: str | None = None) -> Iterator[Figure]:
    """Run the named benchmarks one after the other."""
    for name in names:
        module = import_module(f"headroom_collector.bench.{name}")
        yield from module.figures(short=short, case=case)


def bench(
    name: Annotated[
        str, typer.Argument(help="agent, alerts, energy, ingest, plan, query, security, or all.")
    ] = "all",
    *,
    case: Annotated[str | None, typer.Option(help="Only figures of this case.")] = None,
    short: Annotated[bool, typer.Option("--short", help="The short form, for CI.")] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """
    Measure Headroom here, beside its peers where they are installed.

    Example: headroom bench agent --short --json
    """
    if name != "all" and name not in BENCHES:
        raise CliError(f"no benchmark is called {name!r}: expected all, {', '.join(BENCHES)}")
    names = list(BENCHES) if name == "all" else [name]
    found = (one for one in run(names, short=short, case=case) if case in {None, one.case})
    if json:
        for line in as_json(found):
            print(line, flush=True)
    else:
        as_table(found)
