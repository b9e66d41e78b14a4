"""``headroom refresh``: what if old hosts were emptied, powered off, or replaced by newer ones."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from headroom_collector.cli import refresh_words as words
from headroom_collector.cli.client import CliError, client
from headroom_collector.consolidation.money.file import load_prices
from headroom_collector.consolidation.refresh.generations import GenerationError
from headroom_collector.consolidation.refresh.report import scenario_json
from headroom_collector.consolidation.refresh.scenario import parse, run


def scenario(years: str, estate: Path | None, console: Console, *, as_json: bool) -> None:
    """Compute a scenario, without any collector; raises CliError, SettingsError."""
    prices = load_prices(estate)
    try:
        found = run(*parse(years), prices)
    except GenerationError as error:
        raise CliError(f"--scenario {years}: {error}") from None
    report = scenario_json(found, prices)
    if as_json:
        print(json.dumps(report))
    else:
        words.show_scenario(report, console)


def inputs(data: Path | None, console: Console, *, as_json: bool) -> None:
    """Show what costs and savings rest on."""
    with client(data) as http:
        response = http.get("/api/v1/prices")
    if as_json:
        print(response.text)
    else:
        words.show_inputs(response.json(), console)


def refresh(  # one option each
    *,
    model: Annotated[str, typer.Option(help="Server to buy.")] = "median-2025",
    older_than: Annotated[
        float | None, typer.Option(help="Replace hosts of that age in years and above.", min=0)
    ] = None,
    price: Annotated[float | None, typer.Option(help="Price of the server.", min=0)] = None,
    reserve: Annotated[int, typer.Option(help="Spare hosts to keep a cluster.", min=0)] = 0,
    scenario_years: Annotated[
        str | None,
        typer.Option("--scenario", help="1,000 hosts of one year by ones of another: 2008-2012."),
    ] = None,
    estate: Annotated[
        Path | None, typer.Option(help="Prices for a scenario: an estate.toml.")
    ] = None,
    show_inputs: Annotated[
        bool, typer.Option("--inputs", help="Show the prices in use, with their sources.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    data: Annotated[Path | None, typer.Option(help="Data folder of the collector.")] = None,
) -> None:
    """
    Show what emptying hosts saves without a purchase, and what replacing old ones adds.

    Examples: headroom refresh --older-than 5 --price 20000; headroom refresh --scenario 2008-2012
    """
    console = Console()
    if scenario_years is not None:
        scenario(scenario_years, estate, console, as_json=as_json)
        return
    if estate is not None:
        raise CliError(
            "--estate goes with --scenario: for your own hosts put it into the collector's data"
            " folder as estate.toml"
        )
    if show_inputs:
        inputs(data, console, as_json=as_json)
        return
    asked = {"model": model, "older_than": older_than, "price": price, "reserve": reserve}
    with client(data) as http:
        response = http.get(
            "/api/v1/refresh",
            params={key: value for key, value in asked.items() if value is not None},
        )
    if as_json:
        print(response.text)
    else:
        words.show(response.json(), console)
