"""What the tests of alerting stand on: a store, an estate, a clock to turn, a receiver."""

import contextlib
import json
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest
from rigs.need import engine
from rigs.ports import free_port
from rigs.samples import QUICK

from headroom_collector.alerts.state import MIGRATIONS
from headroom_collector.store.api import Rows, StoreBatch, Thing
from headroom_collector.store.engine import DuckStore, open_store
from headroom_core.estate import Member, Placement, Status
from headroom_core.rules import SHIPPED, Override
from headroom_proto.catalogue import catalogue

SECOND = 1_000_000_000
START = 1_790_000_000 * SECOND
"""2026-09-21T14:13:20Z."""


ALONE = {rule.name: Override(enabled=False) for rule in SHIPPED}
"""Settings that leave the ceiling's rule alone in the world."""


@dataclass
class TurnedClock:
    """A clock that stands still until it is turned."""

    time: int = START

    def now(self) -> int:
        return self.time

    def monotonic(self) -> float:
        return self.time / SECOND

    def set(self, seconds: float) -> None:
        self.time = START + round(seconds * SECOND)


@dataclass
class ListedEstate:
    """An estate that holds the members it was given."""

    members: dict[str, Member] = field(default_factory=dict)

    def member(self, host: str) -> Member:
        place = Placement("dc1", "c1", "web", assigned=True)
        return self.members.get(host, Member(host, place))

    def put(self, host: str, status: Status) -> None:
        self.members[host] = Member(host, Placement("dc1", "c1", "web", assigned=True), status)


@dataclass
class Feed:
    """One agent's batches into the store."""

    store: DuckStore
    seqs: dict[str, int] = field(default_factory=dict)

    def __call__(self, host, samples, simulated=False, interval=15.0):
        """Store (second, ratio) pairs of a host as one batch, and wait until they are durable."""
        self.begin(host, samples, simulated, interval).result(timeout=30)

    def begin(self, host, samples, simulated=False, interval=15.0):
        """Have (second, ratio) pairs of a host stored as one batch; returns the future."""
        kind = catalogue().kind("host")
        rows = [
            (
                START + round(second * SECOND),
                Thing(),
                [ratio if c.field == "cpu_utilisation_ratio" else None for c in kind.columns],
            )
            for second, ratio in samples
        ]
        self.seqs[host] = self.seqs.get(host, 0) + 1
        batch = StoreBatch(
            host=host,
            epoch=host.encode(),
            seq=self.seqs[host],
            crc32=0,
            received=rows[-1][0],
            rows=[Rows("host", rows)],
            simulated=simulated,
            interval_seconds=interval,
        )
        return self.store.append(batch)


@dataclass
class Receiver:
    """
    An HTTP receiver: answers with what is in ``answers``, then 200.

    "hang" never answers, "drop" hangs up, "flood" answers 200 with a body without end, "drip" the
    same a byte at a time; 429 asks for 7 s of peace.
    """

    answers: list[int | str] = field(default_factory=list)
    requests: list[tuple[dict[str, str], dict]] = field(default_factory=list)
    arrived: threading.Condition = field(default_factory=threading.Condition)
    released: threading.Event = field(default_factory=threading.Event)
    url: str = ""

    def take(self, headers, body) -> int | str:
        with self.arrived:
            self.requests.append((headers, json.loads(body)))
            self.arrived.notify_all()
            return self.answers.pop(0) if self.answers else 200

    def wait(self, count, seconds=20.0):
        """Wait until so many requests arrived, and return their bodies."""
        with self.arrived:
            assert self.arrived.wait_for(lambda: len(self.requests) >= count, seconds), (
                f"{len(self.requests)} of {count} requests arrived"
            )
        return self.bodies

    @property
    def bodies(self):
        return [body for _, body in self.requests]

    @property
    def statuses(self):
        return [body["status"] for body in self.bodies]


ALERTMANAGER = """
route: {{receiver: headroom, group_by: [alertname, host], group_wait: 0s, group_interval: 1s}}
receivers:
  - name: headroom
    webhook_configs: [{{url: "{url}", send_resolved: true}}]
"""


SPEECHLESS = {"hang": 30.0, "drop": 0.0}
ENDLESS = {"flood": b"x" * 65536, "drip": b"x"}


def handler_of(receiver):
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            length = int(self.headers["content-length"])
            headers = {name.lower(): value for name, value in self.headers.items()}
            answer = receiver.take(headers, self.rfile.read(length))
            if answer in SPEECHLESS:
                receiver.released.wait(SPEECHLESS[answer])
                return
            if answer in ENDLESS:
                self.endless(ENDLESS[answer])
                return
            self.send_response(answer)
            if answer == 302:
                self.send_header("location", receiver.url)
            if answer == 429:
                self.send_header("retry-after", "7")
            self.send_header("content-length", "0")
            self.end_headers()

        def endless(self, piece):
            self.send_response(200)
            self.end_headers()
            with contextlib.suppress(OSError):  # the sender hangs up, as it should
                while len(piece) > 1 or not receiver.released.wait(0.05):
                    self.wfile.write(piece)

        def log_message(self, *args):
            pass

    return Handler


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(made))
    server.daemon_threads = True
    made.url = f"http://127.0.0.1:{server.server_address[1]}/hook"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield made
    made.released.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def clock():
    return TurnedClock()


@pytest.fixture
def estate():
    return ListedEstate()


@pytest.fixture
def store(tmp_path, clock):
    opened = open_store(tmp_path / "store", QUICK, MIGRATIONS, clock)
    yield opened
    opened.close()


@pytest.fixture
def alone():
    return ALONE


@pytest.fixture
def feed(store):
    return Feed(store)


@pytest.fixture
def until():
    """Wait until something holds, at most 20 s."""

    def wait(holds, what="the condition"):
        for _ in range(1000):
            if holds():
                return
            time.sleep(0.02)
        pytest.fail(f"{what} did not come about")

    return wait


@pytest.fixture
def alertmanager(tmp_path, receiver):
    program = engine("prometheus-alertmanager")
    port = free_port()
    (tmp_path / "am.yml").write_text(ALERTMANAGER.format(url=receiver.url))
    process = subprocess.Popen(
        [
            program,
            f"--config.file={tmp_path / 'am.yml'}",
            f"--storage.path={tmp_path / 'am'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--cluster.listen-address=",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    for _ in range(200):
        try:
            if httpx.get(f"{url}/-/ready").is_success:
                break
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    else:
        pytest.fail("alertmanager does not get ready")
    yield url
    process.terminate()
    process.wait(20)
