"""``headroom config``: look at a configuration without running anything."""

from pathlib import Path
from typing import Annotated

import typer

from headroom_collector.cli.client import CliError
from headroom_collector.config import CollectorConfig, load_config
from headroom_collector.consolidation.money.file import load_prices
from headroom_collector.inventory.file import load_inventory
from headroom_collector.security.audit import Audit
from headroom_collector.web_side import web_side
from headroom_core.clock import SystemClock
from headroom_core.shown import lines

app = typer.Typer(help="Check and show configuration files.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Check and show configuration files."""


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="Configuration file of the collector (TOML).")],
) -> None:
    """
    Check a configuration, the inventory and the prices that it names; changes nothing.

    Example: headroom config check /etc/headroom/collector.toml
    """
    config = load_config(file)
    inventory = ""
    if config.inventory is not None:
        if not config.inventory.exists():
            raise CliError(
                f"{file}: inventory = '{config.inventory}': there is no such file; write it, or"
                " take the key out"
            )
        found = load_inventory(config.inventory)
        inventory = f", inventory with {len(found.exact) + len(found.patterns)} entries"
    load_prices(config.estate)
    web_side(config, lambda _: None, Audit(SystemClock()))
    print(f"{file}: good{inventory}{', prices' if config.estate else ''}")


@app.command()
def show(
    file: Annotated[
        Path | None, typer.Argument(help="Configuration file; without it the defaults.")
    ] = None,
) -> None:
    """
    Print the whole configuration, defaults and all, without what is secret in it.

    Secrets are in files of their own, whose names are shown and not their contents; of an address
    only where it leads, since its path may be a secret.

    Example: headroom config show /etc/headroom/collector.toml
    """
    for line in lines(load_config(file) if file else CollectorConfig()):
        print(line)
