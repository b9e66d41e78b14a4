"""``headroom bench``: measures, and prints what it measured."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Annotated

import typer

from headroom_collector.bench import agent, alerts, energy, ingest, plan, query, security
from headroom_collector.bench.report import Figure, as_json, as_table
from headroom_collector.cli.client import CliError

Bench = Callable[..., Iterator[Figure]]


def benches(case: str | None = None) -> Mapping[str, Bench]:
    """Return every benchmark by the name that others read by; with only that case where it can."""
    return {
        "agent": partial(agent.figures, case=case),
        "alerts": partial(alerts.figures, case=case),
        "energy": partial(energy.figures, case=case),
        "ingest": partial(ingest.figures, case=case),
        "plan": partial(plan.figures, case=case),
        "query": partial(query.figures, case=case),
        "security": partial(security.figures, case=case),
    }


def run(names: list[str], *, short: bool, case: str | None = None) -> Iterator[Figure]:
    """Run the named benchmarks one after the other."""
    for name in names:
        yield from benches(case)[name](short=short)


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
    known = benches()
    if name != "all" and name not in known:
        raise CliError(f"no benchmark is called {name!r}: expected all, {', '.join(known)}")
    names = list(known) if name == "all" else [name]
    found = (one for one in run(names, short=short, case=case) if case in {None, one.case})
    if json:
        for line in as_json(found):
            print(line, flush=True)
    else:
        as_table(found)
