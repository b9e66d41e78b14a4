"""The collector as a whole: which rooms there are, in which order they start and stop."""

import asyncio
import dataclasses
import logging
import os
from collections.abc import Mapping
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from headroom_collector import __version__, ready
from headroom_collector.alerts.own_samples import disk_statistics
from headroom_collector.alerts.state import MIGRATIONS as ALERT_TABLES
from headroom_collector.api.app import make_app
from headroom_collector.api.prometheus_calls import RUNNING
from headroom_collector.api.services import Services
from headroom_collector.certificates import Certificates
from headroom_collector.config import CollectorConfig, split_address
from headroom_collector.consolidation.live.book import MIGRATIONS as PLAN_TABLES
from headroom_collector.consolidation.live.room import plan_room
from headroom_collector.consolidation.live.runner import PlanRunner
from headroom_collector.energy.task import BmcTask
from headroom_collector.http import HttpServer, listen_tcp, listen_unix
from headroom_collector.ingest.bulk import Decoder
from headroom_collector.ingest.server import IngestServer, IngestSettings
from headroom_collector.inventory.book import MIGRATIONS as INVENTORY_TABLES
from headroom_collector.inventory.book import Book
from headroom_collector.judging import Judging
from headroom_collector.notify import READY, STOPPING, notify
from headroom_collector.promql.workers import Children
from headroom_collector.renew import Loop, merged
from headroom_collector.security.audit import Audit
from headroom_collector.security.core_log import Reader
from headroom_collector.security.identity import Identity
from headroom_collector.security.outbound import plain
from headroom_collector.security.tables import MIGRATIONS as SECURITY_TABLES
from headroom_collector.sinks.build import build as build_sinks
from headroom_collector.store.api import Store, StoreError
from headroom_collector.store.engine import open_store
from headroom_collector.store.producer import OwnProducer
from headroom_collector.store.remote.reader import EngineStore, engine_seen
from headroom_collector.web_side import WebSide, web_side
from headroom_core.clock import Clock
from headroom_core.shown import url_shown

ADMIN_SOCKET = "admin.sock"
MAINTAIN_SECONDS = 10.0
QUERY_BYTES = 4 << 30
"""Most address space of a process that evaluates queries."""

log = logging.getLogger("headroom.collector")


class FolderError(Exception):
    """A data folder that cannot be used; the text says which and what to do."""


def prepare_folder(data: Path) -> None:
    """Make the data folder where it is missing, for its owner alone; raises FolderError."""
    try:
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
        probe = data / f".writable.{os.getpid()}"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise FolderError(
            f"data folder {data} cannot be written ({error.strerror}): make it writable for this"
            " user, or choose another with --data"
        ) from None


def warn_of_plain_addresses(config: CollectorConfig) -> None:
    """Say which receivers of notifications are sent to in the clear."""
    urls = {name: one.url for name, one in config.alerts.all_receivers().items()}
    for name, url in {**urls, "heartbeat": config.alerts.heartbeat.url}.items():
        if plain(url):
            log.warning(
                "receiver %s: %s is plain http: whoever is on the way can read and change what is"
                " sent; use https",
                name,
                url_shown(url),
            )


async def maintain(store: Any, clock: Clock) -> None:
    """Roll up and drop old days, for ever; what fails is said and tried again."""
    while True:
        await asyncio.sleep(MAINTAIN_SECONDS)
        try:
            await asyncio.to_thread(store.maintain, clock.now())
        except StoreError:
            log.exception("maintenance of the store failed; it is tried again")


class Collector:
    """
    A collector that runs between ``start`` and ``stop``.

    ``address`` of both listeners is known after ``start``, which raises one of the rooms' own
    errors, each with one line for the user, and leaves nothing behind then.
    """

    def __init__(self, config: CollectorConfig, clock: Clock, core: Reader | None = None) -> None:
        self._config = config
        self._core = core
        self._clock = clock
        self._rooms = AsyncExitStack()
        self._tasks: list[asyncio.Task[None]] = []
        self._apps: list[FastAPI] = []
        self._judging: Judging | None = None
        self._plans: PlanRunner | None = None
        self.grpc = ""
        self.http = ""

    async def start(self) -> None:
        """Open the store, then listen, then say so in the data folder."""
        async with AsyncExitStack() as rooms:
            await self._start(rooms)
            self._rooms = rooms.pop_all()

    async def _start(self, rooms: AsyncExitStack) -> None:
        config, clock = self._config, self._clock
        prepare_folder(config.data)
        warn_of_plain_addresses(config)
        audit = Audit(clock)
        if self._core is not None:
            self._core.on_refused = partial(audit.refused, "handshake")
        web = web_side(config, lambda text: identity.tokens.find(text), audit)  # noqa: PLW0108 - identity is made below
        store = open_store(
            config.data / "store",
            config.store,
            [*INVENTORY_TABLES, *ALERT_TABLES, *SECURITY_TABLES, *PLAN_TABLES],
            clock,
            decode=Decoder(self._ingest_settings().limits()),
        )
        rooms.push_async_callback(asyncio.to_thread, store.close)
        host, _ = split_address(config.listen.grpc)
        certificates = Certificates.open(config, host, clock)
        identity = Identity.open(store, audit, clock, certificates.issuer)
        seen = engine_seen(store, config.engine, clock)
        book = Book(seen, config.inventory, clock)
        ingest = await self._listen_grpc(rooms, store, certificates, identity)
        producer = OwnProducer(store, clock, os.urandom)
        judging = Judging(
            store,
            seen,
            book,
            clock,
            producer,
            lambda: {**ingest.statistics(), **disk_statistics(config.data)},
            config,
        )
        prices = judging.prices
        self._judging = judging
        power = BmcTask(store, config.bmcs, clock, os.urandom)
        rooms.push_async_callback(power.close)
        plans = plan_room(seen, book, config.ceiling, config.data, prices, clock)
        rooms.push_async_callback(plans.runner.close)
        self._plans = plans.runner

        sinks = build_sinks(
            config.sinks, store, lambda host, _: book.member(host).placement.labels(), clock
        )

        def statistics() -> Mapping[str, float]:
            return {**ingest.statistics(), **judging.statistics()}

        workers = Children(RUNNING, QUERY_BYTES)
        rooms.callback(workers.close)
        services = Services(
            store=seen,
            book=book,
            config=config,
            clock=clock,
            version=__version__,
            statistics=statistics,
            plans=plans.runner,
            sinks=lambda: {sink.name: sink.statistics() for sink in sinks},
            identity=identity,
            workers=workers,
        )
        loops = [
            judging.run,
            plans.run,
            power.run,
            book.watch,
            certificates.keep,
            *(sink.run for sink in sinks),
            *([seen.run] if isinstance(seen, EngineStore) else []),
        ]
        self._begin(rooms, [*loops, lambda: maintain(store, clock)])
        await self._listen_http(rooms, services, web)
        self._say_ready(rooms)

    def _ingest_settings(self) -> IngestSettings:
        return IngestSettings(oldest_seconds=self._config.store.raw_days * 86_400.0)

    async def _listen_grpc(
        self, rooms: AsyncExitStack, store: Store, certificates: Certificates, identity: Identity
    ) -> IngestServer:
        host, _ = split_address(self._config.listen.grpc)
        server = IngestServer(
            store,
            certificates.files,
            self._clock,
            IngestSettings(oldest_seconds=self._config.store.raw_days * 86_400.0),
            gate=identity.gate,
            services=[identity.enrolment(self._clock)],
        )
        identity.ledger.listeners.append(server.end_denied)
        port = await server.start(self._config.listen.grpc)
        rooms.push_async_callback(server.stop, 3.0)
        self.grpc = _joined(host, port)
        return server

    def _begin(self, rooms: AsyncExitStack, loops: list[Loop]) -> None:
        self._tasks = [asyncio.create_task(loop()) for loop in loops]
        rooms.push_async_callback(self._cancel)

    async def _cancel(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _listen_http(self, rooms: AsyncExitStack, services: Services, web: WebSide) -> None:
        address = self._config.listen.http
        sock = listen_tcp(address)
        self._apps = [
            make_app(services, admin=web.asks),
            make_app(services, admin=True, store=True),
        ]
        people = HttpServer(web.around(self._apps[0]), sock, web.context)
        owner = HttpServer(self._apps[1], listen_unix(self._config.data / ADMIN_SOCKET))
        for server in (people, owner):
            await server.start()
            rooms.push_async_callback(server.stop)
        self.http = _joined(split_address(address)[0], sock.getsockname()[1])
        rooms.callback((self._config.data / ADMIN_SOCKET).unlink, missing_ok=True)

    def _say_ready(self, rooms: AsyncExitStack) -> None:
        data = self._config.data
        ready.write(data, ready.Ready(os.getpid(), self.grpc, self.http, __version__))
        rooms.callback(ready.remove, data)
        notify(READY)
        rooms.callback(notify, STOPPING)
        log.info("ready: agents at %s, page at http://%s/, data in %s", self.grpc, self.http, data)

    def reload(self, wanted: CollectorConfig) -> list[str]:
        """
        Take over what can be taken over while running; returns the settings that want a restart.

        Connections, the store and plans under way go on.
        """
        self._config, left = merged(self._config, wanted)
        for app in self._apps:
            app.state.services = dataclasses.replace(app.state.services, config=self._config)
        if self._plans is not None:
            self._plans.settle(self._config.ceiling)
        if self._judging is not None:
            self._judging.renew(self._config)
        return left

    async def broken(self) -> None:
        """Return only if a loop ends, which none should; raises what ended it."""
        done, _ = await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()

    async def stop(self) -> None:
        """Stop in the opposite order; what was acknowledged is durable."""
        await self._rooms.aclose()
        log.info("stopped")


def _joined(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
