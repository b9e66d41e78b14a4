"""``headroom hosts targets``: the hosts as targets, in a file that Prometheus reads."""

import json
import os
from pathlib import Path
from typing import Annotated

import typer

from headroom_collector.cli.client import CliError, client


def targets(
    context: typer.Context,
    *,
    output: Annotated[
        Path | None, typer.Option(help="File for file_sd_configs; without it, print.")
    ] = None,
    port: Annotated[int, typer.Option(help="Port of what is scraped.")] = 9100,
    suffix: Annotated[str, typer.Option(help="Domain after each name: .example.net")] = "",
    site: Annotated[str | None, typer.Option(help="Only hosts of this site.")] = None,
    cluster: Annotated[str | None, typer.Option(help="Only hosts of this cluster.")] = None,
    data: Annotated[Path | None, typer.Option(help="Data folder of the collector.")] = None,
) -> None:
    """
    Write hosts as targets for Prometheus (file_sd_configs).

    Prometheus can ask the collector itself, too: see docs/fleet.md.

    Example: headroom hosts targets --output /etc/prometheus/headroom.json
    """
    asked = {"site": site, "cluster": cluster, "suffix": suffix, "port": str(port)}
    query = {name: value for name, value in asked.items() if value is not None}
    with client(data or context.obj) as http:
        found = http.get("/api/v1/sd/prometheus", params=query).json()
    text = json.dumps(found, indent=2) + "\n"
    if output is None:
        print(text, end="")
        return
    # Prometheus reads the file whenever it changes, so it changes as a whole.
    beside = output.with_name(f".{output.name}.{os.getpid()}")
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(output)
    except OSError as error:
        raise CliError(f"{output} cannot be written: {error.strerror}") from None
    print(f"{len(found)} hosts in {output}")
