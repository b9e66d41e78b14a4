"""``headroom alerts``: what fires, since when, whether on-call knows, and what people say to it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from headroom_collector.cli import alert_actions, alert_trial
from headroom_collector.cli.client import client

STYLES = {"firing": "bold red", "clearing": "yellow", "pending": "cyan", "fired": "bold red"}
UNKNOWN = "-"


def figure(value: float | None, unit: str) -> str:
    """Say a value with its unit."""
    if value is None:
        return UNKNOWN
    if unit == "ratio":
        return f"{value:.1%}"
    return f"{value:.4g} s" if unit == "seconds" else f"{value:.4g}"


def _time(moment: str | None) -> str:
    """Say a moment to the minute, still UTC; the API has it exactly."""
    return UNKNOWN if moment is None else f"{moment[5:16].replace('T', ' ')}Z"


def _word(word: str) -> str:
    style = STYLES.get(word, "green")
    return f"[{style}]{word}[/{style}]"


def _host(alert: Mapping[str, Any]) -> str:
    # An alert about a cluster, a site or the estate has no host.
    name = escape(alert["host"] or "-")
    return f"{name} [magenta](simulated)[/magenta]" if alert["simulated"] else name


def _where(alert: Mapping[str, Any]) -> str:
    place = "/".join(part for part in (alert["site"], alert["cluster"]) if part)
    return escape(place) or "(unassigned)"


def told(alert: Mapping[str, Any]) -> str:
    """Say whether on-call was told, or who took it on."""
    if alert["acknowledged"]:
        return f"taken on by {escape(alert['acknowledged'])}"
    if alert["notified"] is not None:
        return _time(alert["notified"])
    if alert["problem"]:
        return f"[yellow]no: {escape(alert['problem'])}[/yellow]"
    return "no"


def open_table(items: list[dict[str, Any]]) -> Table:
    """Return the open alerts as a table."""
    made = Table(header_style="bold", box=box.SIMPLE, padding=(0, 1, 0, 0))
    for title in ("State", "Rule", "Host", "Where", "Value", "Level", "Since", "Told"):
        made.add_column(title, justify="right" if title in {"Value", "Level"} else "left")
    for alert in items:
        made.add_row(
            _word(alert["state"]),
            escape(alert["rule"]),
            _host(alert),
            _where(alert),
            figure(alert["value"], alert["unit"]),
            figure(alert["level"], alert["unit"]),
            _time(alert["started"]),
            told(alert),
        )
    return made


def past_table(items: list[dict[str, Any]]) -> Table:
    """Return lines of the history as a table."""
    made = Table(header_style="bold", box=box.SIMPLE, padding=(0, 1, 0, 0))
    for title in ("When", "What", "Rule", "Host", "Where", "Value", "Level", "Since", "Note"):
        made.add_column(title, justify="right" if title in {"Value", "Level"} else "left")
    for past in items:
        late = "samples came late, nobody was told then" if past["historical"] else ""
        made.add_row(
            _time(past["time"]),
            _word(past["event"]),
            escape(past["rule"]),
            _host(past),
            _where(past),
            figure(past["value"], past["unit"]),
            figure(past["level"], past["unit"]),
            _time(past["started"]),
            escape("; ".join(part for part in (past["reason"], late) if part)),
        )
    return made


def show(page: Mapping[str, Any], console: Console, *, past: bool = False) -> None:
    """Print a page for people."""
    items = page["items"]
    if not items:
        console.print("No alert has fired yet." if past else "No alert is open.")
        return
    console.print(past_table(items) if past else open_table(items))
    if page["next_cursor"] is not None:
        console.print(f"{len(items)} of {page['total']} shown; --limit shows more.")


app = typer.Typer(help="Show alerts; silence them, take them on, or try rules out.")
app.command("silence")(alert_actions.silence)
app.command("silences")(alert_actions.silences)
app.command("unsilence")(alert_actions.unsilence)
app.command("ack")(alert_actions.ack)
app.command("test")(alert_trial.trial)


@app.callback(invoke_without_command=True)
def alerts(
    context: typer.Context,
    *,
    host: Annotated[str, typer.Option(help="Only the alerts of this host.")] = "",
    history: Annotated[
        bool, typer.Option("--history", help="What fired and resolved, newest first.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Most lines.")] = 100,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    data: Annotated[Path | None, typer.Option(help="Data folder of the collector.")] = None,
) -> None:
    """Show the alerts that are open, or with --history those that were."""
    if context.invoked_subcommand is not None:
        return
    path = "/api/v1/alerts/history" if history else "/api/v1/alerts"
    wanted: dict[str, str | int] = {"limit": limit} | ({"host": host} if host else {})
    with client(data) as http:
        page = http.get(path, params=wanted).json()
    if as_json:
        print(json.dumps(page, indent=2))
    else:
        show(page, Console(), past=history)
