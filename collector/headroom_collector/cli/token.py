"""``headroom token``: bearer tokens for programs that use the HTTP side."""

import json
import re
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from headroom_collector.cli.client import CliError, client
from headroom_collector.roles import Role

app = typer.Typer(help="Tokens for programs that use page and API.", no_args_is_help=True)

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
Data = Annotated[Path | None, typer.Option("--data", help="The collector's folder.")]


@app.callback()
def group() -> None:
    """Tokens for programs that use page and API."""


def seconds(text: str, flag: str) -> float:
    """Return the seconds of a length of time such as 90s, 15m, 1h, 7d; raises CliError."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smhdw])", text)
    if found is None or float(found[1]) <= 0:
        raise CliError(f"{flag} {text}: expected a length of time such as 90s, 15m, 1h or 7d")
    return float(found[1]) * UNITS[found[2]]


@app.command()
def create(
    name: Annotated[str, typer.Option("--name", help="Who uses it, as the audit log names it.")],
    role: Annotated[Role, typer.Option(help="What it may do.")] = Role.READ,
    ttl: Annotated[str, typer.Option(help="How long it is good for: 30d, 12h; '' for ever.")] = "",
    data: Data = None,
) -> None:
    """
    Make a token and print it: once, nothing keeps it.

    Example: headroom token create --name grafana --role read > grafana.token
    """
    wish = {
        "name": name,
        "role": role.value,
        "ttl_seconds": seconds(ttl, "--ttl") if ttl else None,
    }
    with client(data) as http:
        made = http.post("/admin/tokens", json=wish).json()
    print(made["token"])
    until = f", good until {made['expires']}" if made["expires"] else ""
    print(f"token {made['id']} for {name}, role {role.value}{until}", file=sys.stderr)


@app.command("list")
def list_tokens(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    data: Data = None,
) -> None:
    """
    List the tokens that were made.

    Example: headroom token list
    """
    with client(data) as http:
        found = http.get("/admin/tokens").json()
    if as_json:
        print(json.dumps(found, indent=2))
        return
    table = Table("id", "name", "role", "created", "good until", box=None)
    for token in found:
        until = "revoked" if token["revoked"] else token["expires"] or "for ever"
        table.add_row(token["id"], token["name"], token["role"], token["created"], until)
    Console().print(table)


@app.command()
def revoke(
    token: Annotated[str, typer.Argument(help="Its id, as `headroom token list` has it.")],
    data: Data = None,
) -> None:
    """
    Let a token be good for nothing from now on.

    Example: headroom token revoke 3f1c9a5b7e21
    """
    with client(data) as http:
        http.post(f"/admin/tokens/{token}/revoke")
    print(f"token {token} is revoked")
