"""``headroom certificate``: certificates of agents, from the collector's own authority."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Column, Table

from headroom_collector.cli.client import CliError, client, default_data
from headroom_collector.security.issuer import fingerprint
from headroom_collector.tls import Authority
from headroom_collector.tls_change import begin, finish, forget
from headroom_core.clock import SystemClock

app = typer.Typer(help="Certificates of agents on other hosts.", no_args_is_help=True)

Data = Annotated[Path | None, typer.Option("--data", help="The collector's folder.")]
Host = Annotated[str | None, typer.Argument(help="Name of the host.")]
Serial = Annotated[str | None, typer.Option("--serial", help="One certificate, not its host.")]


@app.callback()
def group() -> None:
    """Certificates of agents on other hosts."""


@app.command()
def issue(
    host: Annotated[str, typer.Argument(help="Name of the host, as the page shall show it.")],
    data: Data = None,
) -> None:
    """
    Make key and certificate for the agent on HOST and print the folder to copy there.

    For hosts that cannot enrol by themselves: `headroom enrol-token create` leaves the key there.

    Example: headroom certificate issue web-17
    """
    authority = Authority.open((data or default_data()) / "tls", SystemClock())
    files = authority.issue_host(host)
    print(files.cert.parent)


@app.command("list")
def list_certificates(
    host: Host = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    data: Data = None,
) -> None:
    """
    List the certificates that hosts got over the network and that have not expired.

    Example: headroom certificate list web-17
    """
    with client(data) as http:
        found = http.get("/admin/certificates", params={"host": host or ""}).json()
        denied = http.get("/admin/denied").json()
    if as_json:
        print(json.dumps({"certificates": found, "denied": denied}, indent=2))
        return
    names = ("host", "serial", "issued", "good until", "how", "asked from", "")
    table = Table(*(Column(name, overflow="fold") for name in names), box=None)
    for one in found:
        place = (one["issued"], one["expires"], one["how"], one["peer"], one["denied"])
        table.add_row(one["host"], one["serial"], *place)
    Console().print(table)
    for one in denied:
        reason = f": {one['reason']}" if one["reason"] else ""
        print(f"denied: {one['what']} {one['value']} since {one['since']}{reason}")


def _which(host: str | None, serial: str | None) -> dict[str, str]:
    if (host is None) == (serial is None):
        raise CliError("expected the name of a host, or --serial NUMBER")
    return {"what": "host", "value": host} if host else {"what": "serial", "value": serial or ""}


@app.command()
def revoke(
    host: Host = None,
    serial: Serial = None,
    reason: Annotated[str, typer.Option(help="Why, for the records.")] = "",
    data: Data = None,
) -> None:
    """
    Let a host, or one certificate, in no more: from now on, and on streams that are open.

    Example: headroom certificate revoke web-17 --reason "stolen disk"
    """
    wish = {**_which(host, serial), "reason": reason}
    with client(data) as http:
        made = http.post("/admin/denied", json=wish).json()
    print(f"{made['what']} {made['value']} is let in no more")


@app.command()
def allow(host: Host = None, serial: Serial = None, data: Data = None) -> None:
    """
    Take back what `revoke` did.

    Example: headroom certificate allow web-17
    """
    wish = _which(host, serial)
    with client(data) as http:
        http.post("/admin/denied/allow", json=wish)
    print(f"{wish['what']} {wish['value']} is let in again")


@app.command()
def authority(
    change: Annotated[
        str, typer.Option("--change", help="begin, finish or forget: see docs/security.md.")
    ] = "",
    data: Data = None,
) -> None:
    """
    Show the authority's fingerprint, or change to a new authority in steps.

    Example: headroom certificate authority --change begin
    """
    folder = (data or default_data()) / "tls"
    steps = {"begin": begin, "finish": finish, "forget": forget}
    if change:
        if change not in steps:
            raise CliError(f"--change {change}: expected {', '.join(steps)}")
        print(steps[change](folder, SystemClock()))
        return
    opened = Authority.open(folder, SystemClock())
    print(f"{fingerprint(opened.certificate)}")
