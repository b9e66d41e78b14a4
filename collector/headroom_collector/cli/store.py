"""``headroom store``: backup, restore, check and export of what a collector keeps."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from headroom_collector.cli.client import SOCKET, CliError, client, default_data
from headroom_collector.config import StoreSettings
from headroom_collector.store.backup import restore
from headroom_collector.store.check import check
from headroom_collector.store.engine import open_store
from headroom_core.clock import SystemClock
from headroom_proto.catalogue import catalogue

app = typer.Typer(help="Backup, restore, check and export the store.", no_args_is_help=True)

Data = Annotated[Path | None, typer.Option("--data", help="The collector's data folder.")]


def _ask(data: Path | None, method: str, path: str, **body: Any) -> Any:
    """Ask the running collector, however long it takes, and show that it works."""
    with client(data) as http, Console(stderr=True).status("the collector works on it ..."):
        return http.request(method, path, json=body or None, timeout=None).json()


@app.command("backup")
def take(
    folder: Annotated[Path, typer.Argument(help="New folder for the backup.")], data: Data = None
) -> None:
    """
    Back up store, keys and files of the data folder, while the collector runs.

    Example: headroom store backup /backups/headroom-2026-11-24
    """
    made = _ask(data, "POST", "/admin/store/backup", to=str(folder.absolute()))
    print(f"{made['folder']}: {made['files']} files, {made['size_bytes'] / 1e6:.1f} MB")
    print(f"it holds the keys, so guard it; it does not hold {' nor '.join(made['left_out'])}")


@app.command("restore")
def put_back(
    folder: Annotated[Path, typer.Argument(help="The backup.")], data: Data = None
) -> None:
    """
    Put a backup in the place of a stopped collector's data folder, which is kept beside it.

    Example: headroom store restore /backups/headroom-2026-11-24
    """
    target = data or default_data()
    if _runs(target):
        raise CliError(f"a collector runs with {target}: stop it first")
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    made = restore(folder, target, stamp)
    print(f"{target}: as it was at {datetime.fromtimestamp(made.time // 10**9, UTC):%F %T} UTC")
    print("agents send again what they keep: the last 15 minutes, and what was not acknowledged")


def _runs(data: Path) -> bool:
    if not (data / SOCKET).exists():
        return False
    try:
        with client(data) as http:
            http.get("/healthz")
    except CliError:
        return False
    return True


@app.command("check")
def look(data: Data = None) -> None:
    """
    Read the whole store, of a collector that runs or not, and say what is wrong with it.

    Example: headroom store check
    """
    target = data or default_data()
    parts = _ask(data, "GET", "/admin/store/check") if _runs(target) else _look_inside(target)
    table = Table("part", "state", "found")
    for part in parts:
        state = "[green]good[/]" if part["good"] else "[red]bad[/]"
        table.add_row(part["what"], state, part["detail"])
    Console().print(table)
    if not all(part["good"] for part in parts):
        raise typer.Exit(1)


def _look_inside(data: Path) -> list[dict[str, Any]]:
    if not (data / "store").is_dir():
        raise CliError(f"{data}: has no store; name another folder with --data")
    store = open_store(data / "store", StoreSettings(), (), SystemClock())
    try:
        found = list(check(store, catalogue()))
    finally:
        store.close()
    return [{"what": one.what, "good": one.good, "detail": one.detail} for one in found]


@app.command("export")
def export(
    folder: Annotated[Path, typer.Argument(help="Folder for the Parquet files.")],
    *,
    kind: Annotated[list[str] | None, typer.Option(help="host, vm, ...; none: all.")] = None,
    since: Annotated[str | None, typer.Option(help="RFC 3339; default: a day ago.")] = None,
    until: Annotated[str | None, typer.Option(help="RFC 3339; default: now.")] = None,
    data: Data = None,
) -> None:
    """
    Write samples as Parquet, a file a kind and day.

    Example: headroom store export /tmp/samples --kind host --since 2026-11-01T00:00:00Z
    """
    now = datetime.fromtimestamp(time.time(), UTC)
    span = {
        "since": since or (now - timedelta(days=1)).isoformat(),
        "until": until or now.isoformat(),
    }
    to = str(folder.absolute())
    files = _ask(data, "POST", "/admin/store/export", to=to, kinds=kind or [], **span)
    for file in files:
        print(f"{file['file']}: {file['rows']} rows")
    if not files:
        print("no samples in that time")
