"""``headroom doctor``: what keeps a collector from working here, and what to do about it."""

import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import httpx
import typer
from rich.console import Console
from rich.table import Table

from headroom_collector import ready
from headroom_collector.cli.client import CliError, client, default_data
from headroom_collector.config import CollectorConfig, load_config
from headroom_collector.http import HttpError, listen_tcp
from headroom_core.settings import SettingsError

FREE_BYTES = 1 << 30
COLOURS = {"good": "green", "note": "cyan", "bad": "red"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. ``state``: good, note or bad."""

    state: str
    what: str
    found: str


def folder(data: Path) -> Iterator[Finding]:
    """Look at the data folder: there, writable, with room."""
    if not data.exists():
        yield Finding("note", "data folder", f"{data} is not there yet; it is made at the start")
        return
    if not os.access(data, os.W_OK | os.X_OK):
        yield Finding("bad", "data folder", f"{data} cannot be written by this user: chown it")
        return
    free = shutil.disk_usage(data).free
    state = "good" if free > FREE_BYTES else "bad"
    advice = "" if free > FREE_BYTES else ": make room, at least 1 GiB"
    yield Finding(state, "data folder", f"{data} is writable, {free / 2**30:.1f} GiB free{advice}")


def running(data: Path) -> Iterator[Finding]:
    """Look for a collector that runs on this folder and ask it how it is."""
    try:
        with client(data) as http:
            http.get("/readyz")
            info = http.get("/admin/info").json()
    except CliError as error:
        yield Finding("note", "collector", str(error))
        return
    yield Finding("good", "collector", f"version {info['version']} runs and is ready")


def ports(data: Path, config: CollectorConfig) -> Iterator[Finding]:
    """Look whether the addresses are free, or held by our own collector."""
    found = ready.read(data)
    if found is not None and Path(f"/proc/{found.pid}").exists():
        yield Finding("good", "addresses", f"agents at {found.grpc}, HTTP at {found.http}")
        return
    for name, address in (("gRPC", config.listen.grpc), ("HTTP", config.listen.http)):
        try:
            listen_tcp(address).close()
            yield Finding("good", f"{name} address", f"{address} is free")
        except HttpError:
            yield Finding("bad", f"{name} address", f"{address} is in use or cannot be bound")


def agents(data: Path) -> Iterator[Finding]:
    """Ask a running collector which hosts are silent or unassigned."""
    try:
        with client(data) as http:
            hosts = http.get("/api/v1/hosts", params={"limit": 1000}).json()["items"]
    except (CliError, httpx.HTTPError, KeyError):
        return
    silent = [host["name"] for host in hosts if host["silent"]]
    if silent:
        yield Finding("bad", "silent hosts", f"{len(silent)}: {', '.join(silent[:10])}")
    unassigned = [host["name"] for host in hosts if not host["assigned"]]
    if unassigned:
        names = ", ".join(unassigned[:10])
        yield Finding(
            "note", "unassigned hosts", f"{len(unassigned)}: {names}; add them to the inventory"
        )


def sinks(config: CollectorConfig) -> Iterator[Finding]:
    """Ask a Prometheus that gets samples whether it takes those that agents send late."""
    url = config.sinks.remote_write.url
    if not url:
        return
    with httpx.Client(timeout=10.0) as http:
        yield from late(url, http)


def late(url: str, http: httpx.Client) -> Iterator[Finding]:
    """Look for ``out_of_order_time_window`` in the configuration of what listens at ``url``."""
    base = url.removesuffix("/api/v1/write")
    try:
        built = http.get(f"{base}/api/v1/status/buildinfo")
        answer = http.get(f"{base}/api/v1/status/config")
        # Others answer with a version that dashboards like to see, and nothing else.
        own = built.status_code == 200 and "revision" in built.json()["data"]
        text = answer.json()["data"]["yaml"] if own and answer.status_code == 200 else None
    except httpx.HTTPError as error:
        yield Finding("bad", "remote write", f"{url} does not answer: {type(error).__name__}")
        return
    except (ValueError, KeyError, TypeError):
        text = None
    if text is None:
        yield Finding("good", "remote write", f"{base} answers, and is no Prometheus")
    elif re.search(r"out_of_order_time_window:\s*(?!0s)\S", text):
        yield Finding("good", "remote write", f"the Prometheus at {base} takes late samples")
    else:
        advice = "set storage.tsdb.out_of_order_time_window, such as 2d, in its configuration"
        yield Finding(
            "bad",
            "remote write",
            f"the Prometheus at {base} refuses what agents send late: {advice}",
        )


def doctor(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    data: Annotated[Path | None, typer.Option("--data", help="The collector's folder.")] = None,
    config: Annotated[Path | None, typer.Option("--config", help="Configuration file.")] = None,
) -> None:
    """
    Look for what keeps the collector from working here; exit status 1 where something is bad.

    Example: headroom doctor --data /var/lib/headroom
    """
    findings: list[Finding] = []
    settings = CollectorConfig()
    if config is not None:
        try:
            settings = load_config(config)
            findings.append(Finding("good", "configuration", f"{config} is good"))
        except SettingsError as error:
            findings += [Finding("bad", "configuration", line) for line in error.lines]
    where = data or (settings.data if config else default_data())
    looks: list[Callable[[], Iterator[Finding]]] = [
        lambda: folder(where),
        lambda: ports(where, settings),
        lambda: running(where),
        lambda: agents(where),
        lambda: sinks(settings),
    ]
    for look in looks:
        findings += look()
    if as_json:
        print(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        show(findings)
    if any(finding.state == "bad" for finding in findings):
        raise typer.Exit(1)


def show(findings: list[Finding]) -> None:
    """Print the findings as a table."""
    table = Table("", "what", "found", box=None)
    for finding in findings:
        colour = COLOURS[finding.state]
        table.add_row(f"[{colour}]{finding.state}[/]", finding.what, finding.found)
    Console().print(table)
