"""Plans in words: the table, the tree of moves, and two plans beside each other, for people."""

import csv
import io
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.tree import Tree

from headroom_collector.cli.words import money

SHOWN = 20
"""VMs and hosts listed for people; all of them are in --json and --csv."""
Object = Mapping[str, Any]
"""A plan as --json prints it."""


def table(plan: Object) -> Table:
    """Return what matters most, a line each."""
    savings = plan["savings"]
    made = Table(show_header=False, box=None, pad_edge=False)
    for name, value in _rows(plan, savings):
        made.add_row(name, value)
    return made


def _rows(plan: Object, savings: Object) -> Iterator[tuple[str, str]]:
    hosts = len(plan["hosts_kept"]) + len(plan["hosts_freed"])
    yield "Hosts now", str(hosts)
    spare = len(plan["hosts_in_reserve"])
    yield "Hosts kept", f"{len(plan['hosts_kept'])}" + (f"  ({spare} in reserve)" if spare else "")
    yield "Hosts freed", str(len(plan["hosts_freed"]))
    yield "No plan keeps fewer than", f"{plan['lower_bound']}  ({plan['lower_bound_by']})"
    yield "Gap to that bound", f"{plan['gap_ratio']:.0%}"
    yield "Moves", str(len(plan["moves"]))
    yield "VMs that cannot comply", str(len(plan["cannot_comply"]))
    yield "Energy saved", f"{savings['energy_kwh_per_year']:,.0f} kWh a year"
    if savings.get("currency"):
        saved = money(savings["money_per_year_total"], savings["currency"])
        yield "Saved a year", saved
        for one in savings.get("tco", ()):
            if one["years"] == 5:
                band = f"{one['p10']:,.0f} to {one['p90']:,.0f}"
                yield (
                    "Worth in 5 years",
                    f"{one['p50']:,.0f} {savings['currency']}  (P10-P90: {band})",
                )
    yield "Took", f"{plan['seconds']:.1f} s, {plan['peak_memory_bytes'] / 2**20:,.0f} MiB"


def by_cluster(plan: Object) -> Table:
    """Return the plan by cluster."""
    made = Table(box=SIMPLE_HEAD, pad_edge=False)
    made.add_column("Cluster", overflow="fold")
    for title in ("Hosts", "Kept", "At least", "Freed", "Moves", "Saved kW"):
        made.add_column(title, justify="right", no_wrap=True)
    for row in plan["clusters"]:
        least = "-" if row["lower_bound"] is None else str(row["lower_bound"])
        saved = (row["power_watts_before"] - row["power_watts_after"]) / 1000
        made.add_row(
            escape(f"{row['site'] or '-'}/{row['cluster'] or '-'}"),
            str(row["hosts"]),
            str(row["hosts_kept"]),
            least,
            str(row["hosts_freed"]),
            str(row["moves"]),
            f"{saved:.1f}",
        )
    return made


def tree(plan: Object, most: int | None = None) -> Tree:
    """Return the moves as a tree: night, host that is emptied, VM and where it goes, in order."""
    root = Tree(f"{len(plan['moves'])} moves, in an order in which no host is overloaded")
    nights: dict[int, list[Object]] = defaultdict(list)
    for move in plan["moves"]:
        nights[move["night"]].append(move)
    freed = set(plan["hosts_freed"])
    left = len(plan["moves"]) if most is None else most
    for night, moves in nights.items():
        branch = root.add(f"night {night}: {len(moves)} moves")
        for source, group in _runs(moves):
            if left <= 0:
                branch.add("...")
                break
            note = " (is freed)" if source in freed else ""
            host = branch.add(escape(f"from {source or 'nowhere'}{note}"))
            for move in group[:left]:
                kind = ", becomes a VM" if move.get("virtualise") else ""
                host.add(escape(f"{move['vm']} -> {move['to']}{kind}"))
            left -= len(group)
    return root


def _runs(moves: Sequence[Object]) -> Iterator[tuple[str | None, list[Object]]]:
    """Yield the moves off the same host that follow on each other."""
    group: list[Object] = []
    for move in moves:
        if group and group[-1]["from"] != move["from"]:
            yield group[-1]["from"], group
            group = []
        group.append(move)
    if group:
        yield group[-1]["from"], group


def emptying(plan: Object) -> Table:
    """Return the curve of hosts freed by moves, with energy and money, in at most twenty lines."""
    stages = plan["emptying"]
    made = Table(box=SIMPLE_HEAD, pad_edge=False)
    for title in ("Freed", "Moves", "kWh a year", "Money a year"):
        made.add_column(title, justify="right", no_wrap=True)
    step = max(1, -(-len(stages) // SHOWN))
    currency = plan["savings"].get("currency")
    for at, stage in enumerate(stages, 1):
        if at % step and at != len(stages):
            continue
        known = stage["money_per_year"] is not None and currency
        saved = money(stage["money_per_year"], currency) if known else "-"
        made.add_row(
            str(stage["hosts_freed"]),
            str(stage["moves"]),
            f"{stage['energy_kwh_per_year']:,.0f}",
            saved,
        )
    return made


def remarks(plan: Object) -> Iterator[str]:
    """Yield what the tables leave out, one line each."""
    reasons = plan["cannot_comply_reasons"]
    for name in plan["cannot_comply"][:SHOWN]:
        yield f"{name} cannot comply: {reasons[name]}"
    check = plan.get("holdout")
    if check:
        share = check["samples_above_ceiling_ratio"]
        yield (
            f"Planned on all but the last week, {share:.2%} of that week's host-samples were above"
            f" the ceiling (highest {check['highest_utilisation_ratio']:.0%})."
        )
    for reason in plan["confidence"]["reasons"]:
        yield f"Not yet a reason to power hosts off: {reason}."


def show(plan: Object, console: Console, *, moves: bool = False) -> None:
    """Print a plan for people; ``moves``: the whole tree of them."""
    console.print(table(plan))
    if len(plan["clusters"]) > 1:
        console.print(by_cluster(plan))
    if plan["emptying"]:
        console.print(emptying(plan))
    for point in plan.get("ceiling_curve", ()):
        console.print(
            f"Ceiling {point['ceiling_ratio']:.0%}: {point['hosts_kept']} hosts"
            f" (at least {point['lower_bound']})",
            highlight=False,
        )
    for line in remarks(plan):
        console.print(line, markup=False, highlight=False)
    if moves:
        console.print(tree(plan))
    elif plan["moves"]:
        console.print(tree(plan, SHOWN) if len(plan["moves"]) <= SHOWN else _hint(plan))
    if len(plan["cannot_comply"]) > SHOWN:
        console.print("All VMs that cannot comply: --json.")


def _hint(plan: Object) -> str:
    return f"{len(plan['moves'])} moves: --moves shows them as a tree, --csv as a table."


def as_csv(plan: Object) -> str:
    """Return the moves as CSV, in their order."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("step", "night", "vm", "from", "to"))
    for step, move in enumerate(plan["moves"], 1):
        writer.writerow((step, move["night"], move["vm"], move["from"], move["to"]))
    return text.getvalue()


def plans(lines: Sequence[Mapping[str, Any]]) -> Table:
    """Return the plans that are kept as a table for 80 columns."""
    made = Table(box=SIMPLE_HEAD, pad_edge=False)
    for title in ("Plan", "Begun", "Aim", "State"):
        made.add_column(title, no_wrap=True)
    for title in ("Kept", "Freed", "Moves", "kWh/year"):
        made.add_column(title, justify="right", no_wrap=True)
    for line in lines:
        asked, found = line["asked"], line["summary"]
        aim = asked.get("mode", "")
        if asked.get("objective") == "energy":
            aim = "energy"
        numbers = [
            f"{found[key]:,.0f}" if key in found else "-"
            for key in ("hosts_kept", "hosts_freed", "moves", "energy_kwh_per_year")
        ]
        made.add_row(
            line["id"], line["started"][:16].replace("T", " "), aim, line["state"], *numbers
        )
    return made


def outcome(found: Mapping[str, Any]) -> Iterator[str]:
    """Yield what happened since a plan, one line each."""
    freed = len(found["hosts_freed_by_now"])
    yield (
        f"{found['days']:.1f} days ago: {freed} of {found['hosts_freed_forecast']} hosts are off,"
        f" {found['vms_where_planned']} of {found['vms_moved_by_plan']} VMs are where it put them."
    )
    if found["energy_kwh_measured"] is not None:
        yield (
            f"Energy since then: {found['energy_kwh_measured']:,.1f} kWh measured,"
            f" {found['energy_kwh_forecast']:,.1f} forecast,"
            f" {found['energy_kwh_without_plan']:,.1f} without the plan."
        )
    yield from (f"{note[0].upper()}{note[1:]}." for note in found["notes"])


def comparison(found: Mapping[str, Any]) -> Iterator[str]:
    """Yield how two plans differ, one line each."""
    for key, values in found["asked_differently"].items():
        yield f"{key.replace('_', ' ')}: {values[0]} -> {values[1]}"
    for key, value in found["difference"].items():
        if value:
            yield f"{key.replace('_', ' ')}: {value:+,g}"
    yield f"VMs placed elsewhere: {len(found['placed_elsewhere'])}"
    for side, key in (("first", "freed_only_by_one"), ("second", "freed_only_by_other")):
        hosts = found[key]
        more = ", ..." if len(hosts) > SHOWN else ""
        if hosts:
            yield f"freed only by the {side}: {', '.join(hosts[:SHOWN])}{more}"
