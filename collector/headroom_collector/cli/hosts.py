"""``headroom hosts``: which hosts there are, and what an operator decides of them."""

import json
import os
import pwd
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import quote

import httpx
import typer
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from headroom_collector.cli.client import CliError, client
from headroom_collector.cli.targets import targets

UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
UNKNOWN = "-"
COLUMNS = ("Host", "Site/cluster", "Status")
FIGURES = ("CPU/ceiling", "VMs", "Memory", "Power", "Heard")
PAGE = 1000

app = typer.Typer(help="List hosts; retire, restore, rename them, or put them in maintenance.")

Names = Annotated[list[str], typer.Argument(help="Host, or several.", metavar="HOST...")]
Name = Annotated[str, typer.Argument(help="Host.", metavar="HOST")]
Reason = Annotated[str, typer.Option(help="Why, for those who ask later.")]
Data = Annotated[Path | None, typer.Option(help="Data folder of the collector.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def user() -> str:
    """Return the name of the user who asks, or the number where it has no name."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def end_of(text: str, now: datetime) -> str:
    """Return when a maintenance ends, in RFC 3339; raises CliError."""
    found = re.fullmatch(r"(\d{1,4})([mhdw])", text)
    if found:
        return (now + timedelta(**{UNITS[found[2]]: int(found[1])})).isoformat()
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise CliError(
            f"--until {text}: expected a length such as 90m, 4h, 2d or 1w, or a time such as"
            " 2026-03-01T12:00+01:00"
        ) from None
    return at.astimezone().isoformat()  # a time without an offset is this machine's


def every(http: httpx.Client, query: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """Return the hosts on all pages."""
    cursor: str | None = ""
    while cursor is not None:
        page = http.get(
            "/api/v1/hosts", params={**query, "limit": str(PAGE), "cursor": cursor}
        ).json()
        yield from page["items"]
        cursor = page["next_cursor"]


def status(host: Mapping[str, Any], now: datetime) -> str:
    """Say in words whether a host counts and whether it is heard of."""
    said: str = host["status"]
    if said == "maintenance" and host["status_until"]:
        said += f" for {ago(now, host['status_until'])}"
    if host["silent"] and said != "retired":
        stopped = "stopped" if host["goodbye"] else "silent"
        said = stopped if said == "present" else f"{said}, {stopped}"
    return said


def ago(now: datetime, text: str) -> str:
    """Return how far a time is from now, in its greatest unit."""
    seconds = abs((now - datetime.fromisoformat(text)).total_seconds())
    for unit, length in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"


def _place(host: Mapping[str, Any]) -> str:
    if not (host["site"] or host["cluster"]):
        return "(unassigned)"
    return escape(f"{host['site'] or UNKNOWN}/{host['cluster'] or UNKNOWN}")


def _memory(host: Mapping[str, Any]) -> str:
    used, total = host["memory_used_bytes"], host["memory_total_bytes"]
    return UNKNOWN if used is None or not total else f"{used / total:.0%}"


def _power(power: Mapping[str, Any] | None) -> str:
    if power is None:
        return UNKNOWN
    return f"{'' if power['kind'] == 'measured' else '~'}{power['watts']:.0f} W"


def _cpu(host: Mapping[str, Any]) -> str:
    ratio, ceiling = host["cpu_utilisation_ratio"], f"{host['ceiling_ratio']:.0%}"
    if ratio is None:
        return f"{UNKNOWN} / {ceiling}"
    over = ratio > host["ceiling_ratio"]
    return f"[yellow]! {ratio:.0%} / {ceiling}[/yellow]" if over else f"{ratio:.0%} / {ceiling}"


def _status(host: Mapping[str, Any], now: datetime) -> str:
    said = status(host, now)
    words = [] if said == "present" and host["simulated"] else [escape(said)]
    if said != "present":
        words = [f"[cyan]{words[0]}[/cyan]"]
    return ", ".join([*words, *(["[magenta]simulated[/magenta]"] if host["simulated"] else [])])


def _row(host: Mapping[str, Any], now: datetime) -> list[str]:
    vms = host["vms_running"]
    return [
        escape(host["name"]),
        _place(host),
        _status(host, now),
        _cpu(host),
        UNKNOWN if vms is None else str(vms),
        _memory(host),
        _power(host["power"]),
        f"{ago(now, host['last_seen'])} ago",
    ]


def table(hosts: list[dict[str, Any]], now: datetime) -> Table:
    """Return hosts as a table."""
    made = Table(header_style="bold", box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for title in COLUMNS:
        made.add_column(title, overflow="fold")
    for title in FIGURES:
        made.add_column(title, justify="right", no_wrap=True)
    for host in hosts:
        made.add_row(*_row(host, now))
    return made


def _estimated(hosts: list[dict[str, Any]]) -> str:
    kinds = {host["power"]["kind"] for host in hosts if host["power"]} - {"measured"}
    return f" Power: ~ is {' or '.join(sorted(kinds))}, not measured." if kinds else ""


def show(hosts: list[dict[str, Any]], console: Console, now: datetime, *, chosen: bool) -> None:
    """Print hosts for people, and what they should know beside."""
    if not hosts:
        console.print(
            "No host fits." if chosen else "No host has reported yet: start an agent, ask again."
        )
        return
    console.print(table(hosts, now))
    console.print(f"CPU: mean of 5 minutes; ! above the ceiling.{_estimated(hosts)}")
    loose = sum(not host["assigned"] and host["status"] != "retired" for host in hosts)
    if loose:
        console.print(
            f"{loose} of {len(hosts)} without a site and cluster: name them in the inventory."
        )


@app.callback(invoke_without_command=True)
def list_hosts(
    context: typer.Context,
    *,
    site: Annotated[str | None, typer.Option(help="Only hosts of this site.")] = None,
    cluster: Annotated[str | None, typer.Option(help="Only hosts of this cluster.")] = None,
    having: Annotated[
        Literal["present", "maintenance", "retired"] | None,
        typer.Option("--status", help="Only hosts that are so."),
    ] = None,
    unassigned: Annotated[
        bool, typer.Option("--unassigned", help="Only hosts without a site and cluster.")
    ] = False,
    sort: Annotated[
        str,
        typer.Option(help="name, site, cpu, watts, vms, last_seen; -cpu for the busiest first."),
    ] = "name",
    as_json: AsJson = False,
    data: Data = None,
) -> None:
    """List hosts."""
    context.obj = data
    if context.invoked_subcommand is not None:
        return
    filters = {"site": site, "cluster": cluster, "status": having}
    query = {name: value for name, value in filters.items() if value is not None}
    if unassigned:
        query["assigned"] = "false"
    with client(data) as http:
        hosts = list(every(http, {**query, "sort": sort}))
    if as_json:
        print(json.dumps(hosts, indent=2))
    else:
        show(hosts, Console(), datetime.now(UTC), chosen=bool(query))


def _post(
    context: typer.Context, data: Path | None, names: list[str], what: str, wish: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    """Ask the collector for a change of each host; raises CliError at the first that fails."""
    with client(data or context.obj) as http:
        for name in names:
            path = f"/admin/hosts/{quote(name, safe='')}/{what}"
            yield http.post(path, json={**wish, "author": user()}).json()


@app.command()
def retire(
    context: typer.Context, names: Names, *, reason: Reason = "", data: Data = None
) -> None:
    """Say that hosts were freed and switched off: neither a page nor counted."""
    for host in _post(context, data, names, "retire", {"reason": reason}):
        print(f"{host['host']} is retired.")


@app.command()
def restore(
    context: typer.Context, names: Names, *, reason: Reason = "", data: Data = None
) -> None:
    """Take back retirement or maintenance."""
    for host in _post(context, data, names, "restore", {"reason": reason}):
        print(f"{host['host']} is present.")


@app.command()
def maintenance(
    context: typer.Context,
    names: Names,
    *,
    until: Annotated[
        str | None, typer.Option(help="90m, 4h, 2d, 1w, or a time; without, until restored.")
    ] = None,
    reason: Reason = "",
    data: Data = None,
) -> None:
    """Page nobody for hosts for a while; they go on counting."""
    end = None if until is None else end_of(until, datetime.now(UTC))
    for host in _post(context, data, names, "maintenance", {"reason": reason, "until": end}):
        last = f"until {host['until']}" if host["until"] else "until it is restored"
        print(f"{host['host']} is in maintenance {last}.")


@app.command()
def rename(
    context: typer.Context,
    old: Name,
    new: Annotated[str, typer.Argument(help="Name that its certificate has from now on.")],
    *,
    data: Data = None,
) -> None:
    """Let a host go by a new name; its history goes with it."""
    for host in _post(context, data, [old], "rename", {"to": new}):
        print(f"{old} is now {host['host']}; its history goes with it.")


@app.command()
def reload(context: typer.Context, *, data: Data = None) -> None:
    """Read the inventory's file again, now, and say what changed."""
    with client(data or context.obj) as http:
        answer = http.post("/admin/inventory/reload").json()
    for change in answer["changes"] or ["Nothing changed."]:
        print(change)
    if answer["unassigned"]:
        print(f"Without a site and cluster: {', '.join(answer['unassigned'])}")


app.command()(targets)
