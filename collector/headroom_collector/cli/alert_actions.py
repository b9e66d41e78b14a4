"""``headroom alerts silence`` and its like: what people say about alerts."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from headroom_collector.cli.client import CliError, client
from headroom_collector.cli.hosts import end_of, user

Data = Annotated[Path | None, typer.Option(help="Data folder of the collector.")]
Matches = Annotated[
    list[str],
    typer.Argument(help="LABEL=PATTERN, such as host=web-*.", metavar="LABEL=PATTERN..."),
]


def matchers(texts: list[str]) -> dict[str, str]:
    """Return labels and their patterns; raises CliError."""
    found = {}
    for text in texts:
        name, equals, pattern = text.partition("=")
        if not (name and equals and pattern):
            raise CliError(f"{text!r}: expected LABEL=PATTERN such as host=web-* or site=fra1")
        found[name] = pattern
    return found


def _words(match: dict[str, Any]) -> str:
    return escape(" ".join(f"{name}={pattern}" for name, pattern in match.items()))


def silence(
    match: Matches,
    *,
    until: Annotated[str, typer.Option(help="90m, 4h, 2d, 1w, or a time.")],
    reason: Annotated[str, typer.Option(help="Why, for those who ask later.")],
    starts: Annotated[str | None, typer.Option("--from", help="A time; without it now.")] = None,
    data: Data = None,
) -> None:
    """
    Have nobody told of alerts whose labels fit, until then.

    Example: headroom alerts silence 'host=web-*' --until 4h --reason "kernel upgrade"
    """
    now = datetime.now(UTC)
    wish = {
        "match": matchers(match),
        "starts": None if starts is None else end_of(starts, now),
        "ends": end_of(until, now),
        "reason": reason,
        "author": user(),
    }
    with client(data) as http:
        made = http.post("/admin/silences", json=wish).json()
    Console().print(f"Silence {made['id']}: {_words(made['match'])} until {made['ends']}.")


def silences(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    data: Data = None,
) -> None:
    """Show the silences that hold or will."""
    with client(data) as http:
        found = http.get("/admin/silences").json()
    if as_json:
        print(json.dumps(found, indent=2))
        return
    if not found:
        Console().print("Nothing is silenced.")
        return
    table = Table("Id", "What", "From", "Until", "By", "Why", header_style="bold")
    for one in found:
        told = (one["id"], _words(one["match"]), one["starts"], one["ends"])
        table.add_row(*told, escape(one["author"]), escape(one["reason"]))
    Console().print(table)


def unsilence(
    silence_id: Annotated[str, typer.Argument(help="Id of the silence.", metavar="ID")],
    *,
    data: Data = None,
) -> None:
    """End a silence now."""
    with client(data) as http:
        http.post(f"/admin/silences/{silence_id}/end").json()
    Console().print(f"Silence {silence_id} is over; what still fires is told of.")


def ack(
    rule: Annotated[str, typer.Argument(help="Name of the rule.", metavar="RULE")],
    host: Annotated[str, typer.Argument(help="Host.", metavar="HOST")],
    *,
    reason: Annotated[str, typer.Option(help="What you found, for those who ask later.")] = "",
    data: Data = None,
) -> None:
    """Take an alert on: it is not repeated while it lasts; its end is told all the same."""
    wish = {"rule": rule, "host": host, "author": user(), "reason": reason}
    with client(data) as http:
        http.post("/admin/alerts/acknowledge", json=wish).json()
    Console().print(f"{escape(rule)} of {escape(host)} is yours now.")
