"""``headroom enrol-token``: tokens with which hosts get their first certificate."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from headroom_collector import ready
from headroom_collector.cli.client import client, default_data
from headroom_collector.cli.token import Data, seconds

app = typer.Typer(help="Tokens with which hosts enrol.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Tokens with which hosts enrol."""


@app.command()
def create(
    host: Annotated[str, typer.Option("--host", help="The host's name, or a pattern: 'web-*'.")],
    ttl: Annotated[str, typer.Option(help="How long the token is good for: 15m, 1h, 2d.")] = "1h",
    data: Data = None,
) -> None:
    """
    Make a token for one host and print its file: once, nothing keeps it.

    Example: headroom enrol-token create --host web-17 --ttl 1h > web-17.token
    """
    wish = {"host": host, "ttl_seconds": seconds(ttl, "--ttl")}
    with client(data) as http:
        made = http.post("/admin/enrol-tokens", json=wish).json()
    print(made["token"], end="")
    where = _grpc(data)
    print(
        f"token {made['id']} for {host}, good for one use until {made['expires']}; on the host:\n"
        f"  headroom-agent enrol --collector {where} --token-file FILE"
        f" --ca-fingerprint {made['fingerprint']}",
        file=sys.stderr,
    )


def _grpc(data: Path | None) -> str:
    found = ready.read(data or default_data())
    return found.grpc if found is not None else "HOST:9440"


@app.command("list")
def list_tokens(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    data: Data = None,
) -> None:
    """
    List the tokens of late and what became of them.

    Example: headroom enrol-token list
    """
    with client(data) as http:
        found = http.get("/admin/enrol-tokens").json()
    if as_json:
        print(json.dumps(found, indent=2))
        return
    table = Table("id", "host", "created", "good until", "used by", box=None)
    for token in found:
        table.add_row(
            token["id"], token["host"], token["created"], token["expires"], token["used_by"] or ""
        )
    Console().print(table)
