"""Writes the sample reports of docs/samples: python -m rigs.sample_report FOLDER (make samples)."""

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import httpx

from headroom_collector.alerts.state import MIGRATIONS as ALERT_TABLES
from headroom_collector.api.app import make_app
from headroom_collector.api.services import Services
from headroom_collector.cli.report import report
from headroom_collector.config import CollectorConfig
from headroom_collector.consolidation.headroom import HeadroomTask
from headroom_collector.consolidation.live.book import MIGRATIONS as PLAN_TABLES
from headroom_collector.consolidation.live.room import plan_room
from headroom_collector.consolidation.money.file import load_prices
from headroom_collector.inventory.book import MIGRATIONS as INVENTORY_TABLES
from headroom_collector.inventory.book import Book
from headroom_collector.store.engine import open_store
from headroom_collector.store.producer import OwnProducer
from headroom_core.ceiling import Ceiling

from .browser import serving
from .estate import Filled
from .samples import NOON, QUICK, SECOND, HandClock

TABLES = (*INVENTORY_TABLES, *ALERT_TABLES, *PLAN_TABLES)


@contextmanager
def planned(folder: Path, hosts: int, days: int, limit: float) -> Iterator[str]:
    """Serve an estate of simulated hosts with a plan that was made of it; yields its address."""
    clock = HandClock(NOON - 10 * SECOND)
    store = open_store(folder / "data", QUICK, TABLES, clock)
    filled = Filled(store, clock, vms=8)
    filled.hosts(hosts)
    filled.past(days)
    path = folder / "inventory.toml"
    path.write_text(filled.inventory())
    book = Book(store, path, clock)
    producer = OwnProducer(store, clock, os.urandom)
    asyncio.run(HeadroomTask(store, producer, book, Ceiling(), clock).once())
    room = plan_room(store, book, Ceiling(), folder, partial(load_prices, None), clock)
    config = CollectorConfig(data=folder, inventory=path)
    given = Services(store, book, config, clock, "0.1.0", plans=room.runner)
    try:
        with serving(make_app(given, admin=False)) as url:
            begin(url.rstrip("/"), limit)
            yield url.rstrip("/")
    finally:
        store.close()


def begin(url: str, limit: float) -> None:
    """Make a plan and wait for it, five minutes at most."""
    with httpx.Client(base_url=url, timeout=60) as http:
        asked = {"time_limit": limit, "mode": "empty"}
        id_ = http.post("/api/v1/plans", json=asked).raise_for_status().json()["id"]
        for _ in range(600):
            found = http.get(f"/api/v1/plans/{id_}").json()
            if found["state"] != "running":
                assert found["state"] == "finished", found["summary"]
                return
            time.sleep(0.5)
    raise AssertionError("the plan did not end within five minutes")


def main(target: Path) -> None:
    """Write the samples in both languages."""
    with (
        tempfile.TemporaryDirectory() as folder,
        planned(Path(folder), hosts=60, days=30, limit=10.0) as url,
    ):
        for lang in ("en", "fr"):
            for form in ("html", "pdf"):
                report(
                    lang=lang, form=form, output=target / f"report-{lang}.{form}", url=url,
                    token_file=None, previous=None, data=None,
                )  # fmt: skip
        report(
            lang="en", form="csv", output=target / "report.csv", url=url,
            token_file=None, previous=None, data=None,
        )  # fmt: skip


if __name__ == "__main__":
    main(Path(sys.argv[1]))
