"""``headroom up``: collector, an agent on this machine and simulated hosts, with one command."""

import re
import signal
import socket
import subprocess
import threading
import time
import tomllib
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.panel import Panel

from headroom_collector import ready
from headroom_collector.app import prepare_folder
from headroom_collector.cli import processes
from headroom_collector.cli.client import CliError, client, default_data
from headroom_collector.cli.collector import Config, Data, Grpc, Hook, Http, Inventory, merge
from headroom_collector.config import CollectorConfig
from headroom_collector.tls import Authority
from headroom_core.clock import SystemClock

READY_SECONDS = 60.0
AGENT = "headroom_agent"
FLEET = "headroom_agent.fleet"
ENROL_SECONDS = 300.0
HISTORY_SECONDS = "7200"
"""Past that simulated hosts bring along, so that there is something to see at once."""


def host_name() -> str:
    """Return this machine's name, made fit to name a host."""
    name = re.sub(r"[^A-Za-z0-9._-]", "-", socket.gethostname()).strip("._-")
    return name or "localhost"


def wait_ready(child: processes.Child, data: Path, stop: threading.Event) -> ready.Ready | None:
    """Wait for the collector; None where it was told to stop. Raises CliError."""
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        found = ready.read(data)
        if found is not None and found.pid == child.process.pid:
            return found
        if child.code() is not None:
            # It has said why, in one line.
            raise typer.Exit(1)
        if stop.wait(0.05):
            return None
    raise CliError(
        f"the collector was not ready within {READY_SECONDS:.0f} s; see its lines above"
    )


def collector_arguments(
    config: CollectorConfig, file: Path | None, inventory: Path | None
) -> list[str]:
    """Return the flags that make a collector run with this configuration."""
    flags = ["--data", str(config.data), "--log-level", "warning"]
    flags += ["--grpc", config.listen.grpc, "--http", config.listen.http]
    flags += ["--webhook", config.alerts.webhook.url]
    flags += ["--config", str(file)] if file else []
    return [*flags, "--inventory", str(inventory)] if inventory else flags


def fleet_inventory(hosts: int) -> str:
    """Return the inventory of that many simulated hosts, as TOML; raises CliError."""
    try:
        return processes.output(FLEET, ["--inventory", str(hosts)]) if hosts else ""
    except subprocess.CalledProcessError as error:
        raise CliError(f"--fleet {hosts}: {error.stderr.strip()}") from None


def placed(config: CollectorConfig, simulated: str) -> Path | None:
    """Return the inventory to use: the user's, else one of the simulated hosts, written down."""
    if not simulated or config.inventory is not None:
        return config.inventory
    path = config.data / "inventory-simulated.toml"
    path.write_text(simulated, encoding="utf-8")
    return path


def enrolled(config: CollectorConfig, at: ready.Ready, authority: Authority) -> Path:
    """Return the folder of this machine's certificate, which enrols first where it has to."""
    folder = config.data / "agent" / "tls"
    if authority.issued(folder / "cert.pem", folder / "key.pem", host_name()):
        return folder
    token = config.data / "agent" / "enrol.token"
    try:
        with client(config.data) as http:
            asked = {"host": host_name(), "ttl_seconds": ENROL_SECONDS}
            made = http.post("/admin/enrol-tokens", json=asked).json()
        token.touch(mode=0o600)
        token.write_text(made["token"], encoding="utf-8")
        wish = ["enrol", "--collector", at.grpc, "--token-file", str(token), "--tls", str(folder)]
        processes.output(AGENT, [*wish, "--ca-fingerprint", made["fingerprint"]])
    except subprocess.CalledProcessError as error:
        raise CliError(f"the agent on this machine cannot enrol: {error.stderr.strip()}") from None
    finally:
        token.unlink(missing_ok=True)
    return folder


def start_agents(
    config: CollectorConfig, at: ready.Ready, interval: float, simulated: str
) -> list[processes.Child]:
    """Start the agent on this machine and the simulated hosts, each with its certificate."""
    authority = Authority.open(config.data / "tls", SystemClock())
    spool = config.data / "agent" / "spool.db"
    spool.parent.mkdir(exist_ok=True)
    own = enrolled(config, at, authority)
    common = ["--collector", at.grpc, "--interval", str(interval)]
    children = [
        processes.start("agent", AGENT, [*common, "--tls", str(own), "--spool", str(spool)])
    ]
    names = list(tomllib.loads(simulated).get("hosts", {}))
    for name in names:
        authority.issue_host(name)
    if names:
        root = config.data / "tls" / "hosts"
        fleet = [*common, "--hosts", str(len(names)), "--tls-root", str(root)]
        # What it remembers keeps a restart from sending the same past under another epoch.
        fleet += ["--history", HISTORY_SECONDS, "--memory", str(config.data / "fleet.json")]
        children.append(processes.start("simulated hosts", FLEET, fleet))
    return children


def announce(console: Console, config: CollectorConfig, at: ready.Ready, hosts: int) -> None:
    """Say where to look."""
    scheme = "https" if config.http.web_config else "http"
    lines = [
        f"[bold]Page[/]        {scheme}://{at.http}/",
        f"[bold]API[/]         {scheme}://{at.http}/api/openapi.json",
        f"[bold]Prometheus[/]  {scheme}://{at.http}/metrics and /metrics/fleet",
        f"[bold]Agents[/]      {at.grpc}; this machine is {host_name()}",
        f"[bold]Data[/]        {config.data}",
    ]
    if hosts:
        lines.append(f"[bold]Fleet[/]       {hosts} hosts that are simulated, and marked so")
    if config.alerts.webhook.url:
        lines.append("[bold]Alerts[/]      go to the webhook")
    title = "Headroom is ready; Ctrl-C stops it"
    console.print(Panel("\n".join(lines), title=title, expand=False))


def watch(children: list[processes.Child], stop: threading.Event) -> str:
    """Wait until told to stop, or until a child ends; returns that child's name."""
    while not stop.wait(0.2):
        for child in children:
            if child.code() is not None:
                return child.name
    return ""


def up(
    config: Config = None,
    data: Data = None,
    http: Http = None,
    grpc: Grpc = None,
    fleet: Annotated[int, typer.Option(help="Simulated hosts to add.", min=0, max=2000)] = 0,
    interval: Annotated[float, typer.Option(help="Seconds between samples.", min=0.1)] = 5.0,
    webhook: Hook = None,
    inventory: Inventory = None,
) -> None:
    """
    Run all of Headroom on this machine: collector, agent, and simulated hosts if wanted.

    Example: headroom up --fleet 50 --webhook http://127.0.0.1:8080/
    """
    settings = merge(
        config, data or (None if config else default_data()), grpc, http, webhook, inventory
    )
    prepare_folder(settings.data)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: stop.set())
    console = Console()
    simulated = fleet_inventory(fleet)
    flags = ["collector", *collector_arguments(settings, config, placed(settings, simulated))]
    children = [processes.start("collector", "headroom_collector.cli", flags)]
    ended = ""
    try:
        at = wait_ready(children[0], settings.data, stop)
        if at is not None:
            children += start_agents(settings, at, interval, simulated)
            announce(console, settings, at, fleet)
            ended = watch(children, stop)
    finally:
        if not ended:
            console.print("stopping")
        killed = processes.stop_all(children)
    if killed:
        raise CliError(f"had to be killed: {', '.join(killed)}")
    if ended:
        raise CliError(f"the {ended} ended by itself; its last lines are above")
