import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from rigs.samples import QUICK

from headroom_collector.alerts.state import MIGRATIONS as ALERT_TABLES
from headroom_collector.api.app import make_app
from headroom_collector.api.services import Services
from headroom_collector.config import CollectorConfig
from headroom_collector.inventory.book import MIGRATIONS, Book
from headroom_collector.store.api import COLLECTOR_HOST, Rows, Store, StoreBatch, Thing
from headroom_collector.store.engine import open_store
from headroom_core.ceiling import Ceiling
from headroom_proto.catalogue import catalogue

SECOND = 1_000_000_000
START = 1_800_000_000 * SECOND  # 2027-01-15T08:00:00Z


@dataclass(slots=True)
class SetClock:
    """A clock that a test sets."""

    time: int = START

    def now(self) -> int:
        return self.time

    def monotonic(self) -> float:
        return self.time / 1e9


@dataclass(slots=True)
class Fleet:
    """Agents that report what a test tells them to."""

    store: Store
    clock: SetClock
    seqs: dict[str, int] = field(default_factory=dict)

    def rows(self, kind: str, labels: Mapping[str, str], time: int, **values: Any) -> Rows:
        found = catalogue().kind(kind)
        unknown = set(values) - {column.field for column in found.columns}
        assert not unknown
        key = "\x1f".join(labels[label.name] for label in found.labels if label.key)
        row = [values.get(column.field) for column in found.columns]
        return Rows(kind, [(time, Thing(key, labels), row)])

    def send(self, host: str, *rows: Rows, facts: Any = None, simulated: bool = False) -> None:
        self.seqs[host] = self.seqs.get(host, 0) + 1
        batch = StoreBatch(
            host=host,
            epoch=host.encode(),
            seq=self.seqs[host],
            crc32=0,
            received=self.clock.now(),
            rows=rows,
            facts=facts,
            simulated=simulated,
            agent_version="0.1.0",
            interval_seconds=10.0,
        )
        self.store.append(batch).result(30)

    def host(self, name: str, ratio: float | None, *more: Rows, ago: float = 0, **options) -> None:
        """Let a host report one cycle."""
        time = self.clock.now() - int(ago * SECOND)
        rows = self.rows(
            "host",
            {},
            time,
            cpu_utilisation_ratio=ratio,
            cpu_idle_seconds_total=1000.5,
            cpu_user_seconds_total=20.0,
            cpus=8,
            memory_total_bytes=1 << 34,
            memory_used_bytes=1 << 32,
            domains_running=2,
        )
        self.send(name, rows, *more, **options)

    def vm(self, name: str, uuid: str, time: int, **values: Any) -> Rows:
        return self.rows("vm", {"uuid": uuid, "vm": name}, time, **values)

    def power(self, watts: float, time: int) -> Rows:
        labels = {"domain": "host", "quantity": "wall", "source": "model", "kind": "modelled"}
        return self.rows(
            "energy",
            labels,
            time,
            energy_microjoules_total=5_000_000,
            power_watts=watts,
            power_low_watts=watts - 20,
            power_high_watts=watts + 20,
        )

    def cluster(self, site: str, cluster: str, **values: Any) -> None:
        rows = self.rows(
            "headroom", {"site": site, "cluster": cluster}, self.clock.now(), **values
        )
        self.send(COLLECTOR_HOST, rows)


class Client:
    """Asks an application, one request at a time."""

    def __init__(self, app: FastAPI) -> None:
        self._transport = httpx.ASGITransport(app)

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        async def ask() -> httpx.Response:
            async with httpx.AsyncClient(
                transport=self._transport, base_url="http://headroom"
            ) as client:
                return await client.request(method, path, **options)

        return asyncio.run(ask())

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> httpx.Response:
        return self.request("POST", path, **options)


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def store(tmp_path: Path, clock: SetClock) -> Iterator[Store]:
    opened = open_store(tmp_path / "store", QUICK, [*MIGRATIONS, *ALERT_TABLES], clock)
    yield opened
    opened.close()


@pytest.fixture
def fleet(store: Store, clock: SetClock) -> Fleet:
    return Fleet(store, clock)


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    path = tmp_path / "inventory.csv"
    path.write_text(
        "host,site,cluster,class,owner,purchase_date\n"
        "web-*,fra1,web,r640,shop,2021-03-31\n"
        "db-*,par1,db,,,\n"
    )
    return path


@pytest.fixture
def services(store: Store, clock: SetClock, inventory: Path) -> Services:
    return Services(
        store=store,
        book=Book(store, inventory, clock),
        config=CollectorConfig(ceiling=Ceiling(0.4, sites={"par1": 0.6}), inventory=inventory),
        clock=clock,
        version="0.1.0",
        statistics=lambda: {"agents_connected": 3},
    )


@pytest.fixture
def client(services: Services) -> Client:
    """What everybody may ask."""
    return Client(make_app(services, admin=False))


@pytest.fixture
def admin(services: Services) -> Client:
    """What the owner may ask over the admin socket."""
    return Client(make_app(services, admin=True))


@pytest.fixture
def get(client: Client) -> Callable[..., Any]:
    """Return the JSON behind a path; anything but 200 fails."""

    def fetch(path: str, **query: Any) -> Any:
        answer = client.get(path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    return fetch
