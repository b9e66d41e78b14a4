"""``headroom``: the command line, put together from one file a command."""

import sys
from importlib.metadata import entry_points

import typer

from headroom_collector import __version__
from headroom_collector.app import FolderError
from headroom_collector.cli import (
    alerts,
    bench,
    certificate,
    collector,
    config,
    doctor,
    enrol,
    forecast,
    hosts,
    plan,
    plans,
    refresh,
    report,
    store,
    token,
    up,
    waste,
)
from headroom_collector.cli.client import CliError
from headroom_collector.cli.teach import EXIT, teach
from headroom_collector.http import HttpError
from headroom_collector.ingest.server import IngestError
from headroom_collector.inventory.entries import InventoryError
from headroom_collector.store.api import StoreError
from headroom_collector.tls import TlsError
from headroom_core.identity import IdentityError
from headroom_core.settings import SettingsError

# What a user can cause and mend; each of them is one clear line, never a traceback.
FOR_THE_USER = (
    CliError,
    FolderError,
    HttpError,
    IdentityError,
    IngestError,
    InventoryError,
    SettingsError,
    StoreError,
    TlsError,
)


def version(*, wanted: bool) -> None:
    """Print the version and exit."""
    if wanted:
        print(f"headroom {__version__}")
        raise typer.Exit


def make() -> typer.Typer:
    """Return the whole command line; other packages add to it as ``headroom.commands``."""
    app = typer.Typer(
        name="headroom",
        help="How many of your x86 servers you really need: measured, planned, proven.",
        epilog=EXIT,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )

    @app.callback()
    def top(
        *,
        _version: bool = typer.Option(
            False, "--version", callback=_show, is_eager=True
        ),  # typer's default
    ) -> None:
        pass

    app.command()(up.up)
    app.command()(collector.collector)
    app.add_typer(hosts.app, name="hosts")
    app.add_typer(alerts.app, name="alerts")
    app.command()(plan.plan)
    app.add_typer(plans.app, name="plans")
    app.command()(waste.waste)
    app.command()(forecast.forecast)
    app.command()(refresh.refresh)
    app.command()(report.report)
    app.command()(doctor.doctor)
    app.add_typer(config.app, name="config")
    app.add_typer(store.app, name="store")
    app.add_typer(certificate.app, name="certificate")
    app.add_typer(enrol.app, name="enrol-token")
    app.add_typer(token.app, name="token")
    app.command()(bench.bench)
    for entry in entry_points(group="headroom.commands"):
        app.add_typer(entry.load(), name=entry.name)
    return teach(app)


def _show(value: bool) -> None:  # typer calls it so
    version(wanted=value)


def main() -> None:
    """Run the command line; what a user can mend is one line and exit status 1."""
    try:
        make()()
    except FOR_THE_USER as error:
        for line in str(error).splitlines():
            print(f"headroom: {line}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
