"""Reports of ``headroom refresh`` for people: tables for 80 columns, and the sentences beside them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from headroom_collector.cli.words import UNKNOWN, money, place, share, years

Report = Mapping[str, Any]

STEPS = {
    "retirement": "1 power off what does nothing",
    "consolidation": "2 empty and power off",
    "refresh": "3 buy newer for the old",
}


def _table(*columns: tuple[str, bool]) -> Table:
    made = Table(box=SIMPLE_HEAD, pad_edge=False)
    for title, number in columns:
        made.add_column(title, justify="right" if number else "left", overflow="fold")
    return made


def steps(lines: Sequence[Report], currency: str) -> Table:
    """Return the steps as a table; what needs no purchase stands first."""
    made = _table(
        ("Step", False), ("Out", True), ("In", True), ("MWh/year", True),
        (f"{currency} a year", True),
    )  # fmt: skip
    for line in lines:
        made.add_row(
            STEPS[line["step"]],
            str(line["hosts_out"]),
            str(line["hosts_in"]),
            f"{line['kwh_per_year'] / 1000:,.1f}",
            money(line["money_per_year"]),
        )
    together = sum(line["money_per_year"] for line in lines)
    energy = sum(line["kwh_per_year"] for line in lines) / 1000
    made.add_row("together", "", "", f"{energy:,.1f}", money(together), style="bold")
    return made


def by_line(lines: Sequence[Report], currency: str) -> Iterator[str]:
    """Yield the savings by cost line, over all steps."""
    for key in lines[0]["saved_per_year"]:
        amounts = [line["saved_per_year"][key] for line in lines]
        known = [amount for amount in amounts if amount is not None]
        said = money(sum(known), currency) if known else "unknown, not counted"
        yield f"  {key.replace('.', ' ')}: {said} a year"


def worth(found: Report, currency: str, title: str) -> Iterator[str]:
    """Yield what a step is worth over the years."""
    once = {key: value for key, value in found["once"].items() if value}
    spent = ", ".join(f"{key} {money(value)}" for key, value in once.items()) or "nothing"
    yield f"{title}: spent once in {currency}: {spent}."
    for outcome, band in _pairs(found):
        yield (
            f"  {outcome['years']} years: worth {money(outcome['npv'], currency)} now"
            f" (P10 {money(band['p10'])}, P50 {money(band['p50'])}, P90 {money(band['p90'])});"
            f" total cost {money(outcome['today'])} -> {money(outcome['change'])}"
        )
    if found["outcomes"]:
        yield f"  pays back: {years(found['outcomes'][0]['payback_years'])}"
    if any(one["npv"] < band["p10"] for one, band in _pairs(found)):
        yield "  defaults lie at the cautious end of their ranges: the bands lie above"


def _pairs(found: Report) -> Iterator[tuple[Report, Report]]:
    return zip(found["outcomes"], found["bands"], strict=True)


def break_even(found: Report, currency: str) -> Iterator[str]:
    """Yield the price up to which buying pays."""
    known = {y: one for y, one in found["break_even_price_by_years"].items() if one is not None}
    if known:
        said = ", ".join(f"{money(one)} over {y} years" for y, one in known.items())
        yield f"  buying pays below a price per host of ({currency}) {said}"
    if not found["outcomes"]:
        yield "  the price of the new hosts is not known: state it with --price or in estate.toml"


def carbon(found: Report, saved: str) -> str:
    """Say the carbon of the change."""
    months = found["payback_months"]
    until = "never made up for" if months is None else f"made up for in {months:.0f} months"
    return (
        f"Carbon: {found[saved] / 1000:,.1f} t CO2e a year less in use;"
        f" {found['embodied_kg'] / 1000:,.1f} t for making the new hosts, {until}."
    )


def _cost_sections(report: Report) -> Iterator[str]:
    currency = report["currency"]
    part = report["in_place_share"]
    if part is not None:
        yield f"{share(part)} of the yearly savings needs no purchase. By line, all steps:"
        yield from by_line(report["lines"], currency)
    yield from worth(report["in_place"], currency, "Empty and power off")
    if report["lines"][-1]["hosts_in"]:
        yield from worth(report["refresh"], currency, "Buying, on top of that")
        yield from break_even(report["refresh"], currency)


def factors(found: Report, old: int, new: int) -> str:
    """Say the three factors as the product that they are."""
    return (
        f"{old} / (throughput ratio {found['throughput_ratio']:.2f}"
        f" x utilisation gain {found['utilisation_gain']:.2f})"
        f" x packing loss {found['packing_loss']:.2f} = {new}"
    )


def clusters(report: Report) -> Table:
    """Return what becomes of each cluster."""
    made = _table(
        ("Cluster", False), ("Hosts", True), ("Old", True), ("Idle", True), ("Emptied", True),
        ("Replaced", True), ("Bought", True), ("History", False),
    )  # fmt: skip
    for part in report["clusters"]:
        cells = [part[f"hosts_{key}"] for key in ("emptied", "replaced", "bought")]
        made.add_row(
            escape(place(part)),
            str(part["hosts"]),
            str(part["hosts_old"]),
            str(part["hosts_retired"]),
            *(UNKNOWN if cell is None else str(cell) for cell in cells),
            "long enough" if part["reliable"] else "too short",
        )
    return made


def show(report: Report, console: Console) -> None:
    """Print the what-if for people."""
    if not report["clusters"]:
        console.print("No host has reported yet: start an agent, then ask again.")
        return
    said = f"Hosts of {report['older_than_years']:g} years and above by {report['model']['name']}"
    _print(console, f"{said} ({report['model']['source']}):")
    direct = report["direct"]
    if direct is None:
        _print(console, "No host is known to be that old.")
    else:
        _print(console, factors(direct, direct["hosts_old"], direct["hosts_needed"]))
        low, high = direct["hosts_needed_low"], direct["hosts_needed_high"]
        decides = " Memory decides in a cluster at least." if direct["memory_decides"] else ""
        _print(console, f"From {low} (the bound) to {high} (the worst packing known).{decides}")
    console.print(clusters(report))
    console.print(steps(report["lines"], report["currency"]))
    for line in _cost_sections(report):
        _print(console, line)
    _print(console, carbon(report["carbon"], "saved_kg_per_year"))
    for note in report["notes"]:
        _print(console, f"Note: {note}")
    if report["not_counted"]:
        _print(console, "Not counted, unknown: " + ", ".join(report["not_counted"]) + ".")
    if report["hosts_simulated"]:
        _print(console, f"{report['hosts_simulated']} of these hosts are simulated.")


def show_scenario(report: Report, console: Console) -> None:
    """Print a scenario for people."""
    old, new, hosts = report["old"], report["new"], report["hosts"]
    given = report["assumptions"]
    _print(
        console,
        f"{hosts['today']} hosts of {old['year']} at {given['mean_ratio']:.0%} CPU on average,"
        f" replaced by hosts of {new['year']} under a ceiling of {given['ceiling_ratio']:.0%}"
        f" ({old['source']}, {old['date']}; CPU alone):",
    )
    _print(console, factors(report["factors"], hosts["today"], hosts["packed"]))
    _print(console, f"  {hosts['same_use']} by throughput alone, as idle as before")
    _print(console, f"  {hosts['filled']} filled up to the ceiling, perfectly packed")
    _print(console, f"  {hosts['packed']} with the packing loss of measured work")
    _print(console, f"  {hosts['kept']} of the old ones, filled likewise, with nothing bought")
    claim = report["claim_of_200"]
    words = {True: "holds", False: "does not hold"}
    _print(
        console,
        f"'1,000 by 200 or fewer' {words[claim['by_speed_alone']]} by throughput alone and"
        f" {words[claim['filled']]} with hosts filled up to the ceiling.",
    )
    for key, unit, scale in (("watts", "kW", 1000), ("cores", "cores", 1)):
        said = " -> ".join(f"{report[key][at] / scale:,.0f}" for at in _STATES)
        _print(console, f"{unit}: {said} (today, emptied, replaced)")
    console.print(steps(report["lines"], report["currency"]))
    for line in _cost_sections(report):
        _print(console, line)
    _print(console, carbon(report["carbon"], "saved_kg"))


_STATES = ("today", "emptied", "replaced")


def show_inputs(report: Report, console: Console) -> None:
    """Print every input with its source."""
    made = _table(("Input", False), ("Value", True), ("Range", False), ("Source", False))
    for one in report["inputs"]:
        if one["value"] is None:
            made.add_row(escape(one["key"]), "unknown", "", "not counted until you state it")
            continue
        spread = "" if one["low"] == one["high"] else f"{one['low']:g} to {one['high']:g}"
        unit = one["unit"].replace("money", report["currency"])
        mark = "[bold]yours[/bold]" if one["origin"] == "yours" else "default"
        said = ", ".join(part for part in (one["source"], one["date"], one["method"]) if part)
        made.add_row(
            escape(one["key"]), f"{one['value']:g}\n{unit}", spread, f"{mark}: {escape(said)}"
        )
    console.print(made)
    _print(console, f"Models: {', '.join(report['models'])}.")


def _print(console: Console, text: str) -> None:
    console.print(text, markup=False, highlight=False)
