"""``headroom certificate``: certificates for agents, from the collector's own authority."""

from pathlib import Path
from typing import Annotated

import typer

from headroom_collector.cli.client import default_data
from headroom_collector.tls import Authority
from headroom_core.clock import SystemClock

app = typer.Typer(help="Certificates for agents on other hosts.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Certificates for agents on other hosts."""


@app.command()
def issue(
    host: Annotated[str, typer.Argument(help="Name of the host, as the page shall show it.")],
    data: Annotated[Path | None, typer.Option("--data", help="The collector's folder.")] = None,
) -> None:
    """
    Make key and certificate for the agent on HOST and print the folder to copy there.

    Example: headroom certificate issue web-17
    """
    authority = Authority.open((data or default_data()) / "tls", SystemClock())
    files = authority.issue_host(host)
    print(files.cert.parent)
