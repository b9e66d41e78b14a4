"""``headroom collector``: the collector alone, in the foreground."""

import asyncio
import dataclasses
import logging
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from headroom_collector.app import Collector
from headroom_collector.cli.client import CliError, default_data
from headroom_collector.config import CollectorConfig, load_config
from headroom_collector.consolidation.money.file import load_prices
from headroom_collector.security.core_log import Reader, core_log
from headroom_core import logfmt
from headroom_core.clock import SystemClock
from headroom_core.settings import SettingsError

LEVELS = ("debug", "info", "warning", "error")

Config = Annotated[Path | None, typer.Option("--config", help="Configuration file (TOML).")]
Data = Annotated[Path | None, typer.Option("--data", help="Folder for the store and the keys.")]
Grpc = Annotated[str | None, typer.Option("--grpc", help="HOST:PORT for agents.")]
Http = Annotated[str | None, typer.Option("--http", help="HOST:PORT for page, API and scrapers.")]
Hook = Annotated[str | None, typer.Option("--webhook", help="URL that is told of alerts.")]
Inventory = Annotated[Path | None, typer.Option("--inventory", help="inventory.toml or .csv.")]
Level = Annotated[str, typer.Option("--log-level", help=" | ".join(LEVELS))]
Format = Annotated[str, typer.Option("--log-format", help="logfmt | json")]

log = logging.getLogger("headroom.collector")


def merge(
    file: Path | None,
    data: Path | None,
    grpc: str | None,
    http: str | None,
    webhook: str | None,
    inventory: Path | None,
) -> CollectorConfig:
    """Return the file's settings with the flags over them; raises SettingsError."""
    config = load_config(file) if file else CollectorConfig(data=default_data())
    load_prices(config.estate)  # refused now rather than when somebody asks what hosts cost
    try:
        listen = dataclasses.replace(
            config.listen, grpc=grpc or config.listen.grpc, http=http or config.listen.http
        )
        hook = dataclasses.replace(
            config.alerts.webhook, url=config.alerts.webhook.url if webhook is None else webhook
        )
    except ValueError as error:
        raise SettingsError([f"command line: {error}"]) from None
    return dataclasses.replace(
        config,
        data=data or config.data,
        listen=listen,
        inventory=inventory or config.inventory,
        alerts=dataclasses.replace(config.alerts, webhook=hook),
    )


def reload(collector: Collector, read: Callable[[], CollectorConfig]) -> None:
    """Read the configuration again; with a mistake in it everything stays as it is."""
    try:
        left = collector.reload(read())
    except SettingsError as error:
        for line in error.lines:
            log.error("%s", line)  # noqa: TRY400 - a person reads it: one line, no trace
        log.error("the configuration has mistakes and was not taken over")  # noqa: TRY400
        return
    log.info("configuration read again: rules, receivers, the ceiling and prices are taken over")
    if left:
        log.warning("these settings have changed and want a restart: %s", ", ".join(left))


async def serve(read: Callable[[], CollectorConfig], core: Reader | None = None) -> None:
    """
    Run until SIGTERM or SIGINT; SIGHUP reads the configuration again. Raises the rooms' errors.

    ``read`` returns the settings, and raises SettingsError where they cannot be used; ``core`` hears
    of handshakes that gRPC refused.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    collector = Collector(read(), SystemClock(), core)
    loop.add_signal_handler(signal.SIGHUP, reload, collector, read)
    await collector.start()
    waits = [asyncio.create_task(stop.wait()), asyncio.create_task(collector.broken())]
    try:
        done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in waits:
            task.cancel()
        await collector.stop()


def collector(
    config: Config = None,
    data: Data = None,
    grpc: Grpc = None,
    http: Http = None,
    webhook: Hook = None,
    inventory: Inventory = None,
    log_level: Level = "info",
    log_format: Format = "logfmt",
) -> None:
    """
    Run the collector: takes samples from agents, stores them, pages, serves the page.

    Example: headroom collector --config /etc/headroom/collector.toml
    """
    if log_level not in LEVELS:
        raise CliError(f"--log-level {log_level}: expected one of {', '.join(LEVELS)}")
    if log_format not in logfmt.FORMATTERS:
        raise CliError(
            f"--log-format {log_format}: expected one of {', '.join(logfmt.FORMATTERS)}"
        )
    with core_log() as core:
        logfmt.set_up(log_level, log_format)
        asyncio.run(serve(partial(merge, config, data, grpc, http, webhook, inventory), core))
