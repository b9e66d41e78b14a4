"""Other engines beside us: Debian's Prometheus and VictoriaMetrics, fed by remote write."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from headroom_collector.bench.process import cost
from headroom_collector.sink_settings import RemoteWrite
from headroom_collector.sinks.remote_write import RemoteWriter
from headroom_collector.sinks.target import Part

START_SECONDS = 30.0
STOP_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Peer:
    """An engine: its name, how it is started in a folder on a port, and where it says it is ready."""

    name: str
    ready: str
    settle: str

    def command(self, folder: Path, port: int) -> list[str]:
        """Return the command; Prometheus' configuration is written into the folder."""
        address = f"127.0.0.1:{port}"
        if self.name == "victoria-metrics":
            return [
                self.name,
                f"-storageDataPath={folder / 'data'}",
                f"-httpListenAddr={address}",
                "-retentionPeriod=100y",
                "-search.latencyOffset=0s",
            ]
        config = folder / "prometheus.yml"
        config.write_text("global: {}\nstorage: {tsdb: {out_of_order_time_window: 2h}}\n")
        return [
            self.name,
            f"--config.file={config}",
            f"--storage.tsdb.path={folder / 'data'}",
            "--storage.tsdb.retention.time=100y",
            f"--web.listen-address={address}",
            "--web.enable-remote-write-receiver",
            "--web.enable-admin-api",
        ]


PEERS = (
    Peer("prometheus", "/-/ready", "/api/v1/admin/tsdb/snapshot"),
    Peer("victoria-metrics", "/health", "/internal/force_merge"),
)


def skipped() -> dict[str, str]:
    """Return which peers are not installed, and why they have no figure."""
    return {peer.name: "not installed" for peer in PEERS if shutil.which(peer.name) is None}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(slots=True)
class Running:
    """An engine that runs."""

    peer: Peer
    folder: Path
    url: str
    process: "subprocess.Popen[bytes]"
    client: httpx.Client

    def cpu_seconds(self) -> float:
        """Return the CPU time that it took so far."""
        return cost(self.process.pid).cpu_seconds

    def feed(self, bodies: Iterable[Sequence[Part]]) -> None:
        """Send requests one after the other; raises RuntimeError where one is not taken."""
        writer = RemoteWriter(RemoteWrite(url=f"{self.url}/api/v1/write"), self.client)
        for parts in bodies:
            answer = writer.send(parts)
            if answer.status not in {200, 204}:
                raise RuntimeError(f"{self.peer.name}: status {answer.status}: {answer.text}")

    def flush(self) -> None:
        """Have it write what it holds in memory."""
        if self.peer.name == "victoria-metrics":
            self.client.get(f"{self.url}/internal/force_flush")

    def compacted_bytes(self) -> int:
        """Return the bytes that its data takes once it is compacted."""
        self.flush()
        self.client.post(f"{self.url}{self.peer.settle}", timeout=300.0)
        data = self.folder / "data"
        if self.peer.name == "prometheus":
            return _bytes(data / "snapshots")
        sizes = [0, 1]
        while sizes[-1] != sizes[-2]:
            time.sleep(2.0)
            sizes.append(_bytes(data))
        return sizes[-1]


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


@contextmanager
def running(peer: Peer) -> Iterator[Running]:
    """Run a peer in a folder of its own; raises TimeoutError where it does not start."""
    with TemporaryDirectory() as name, httpx.Client(timeout=60.0) as client:
        folder, port = Path(name), _free_port()
        process = subprocess.Popen(  # noqa: S603  # a peer by its name
            peer.command(folder, port), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        made = Running(peer, folder, f"http://127.0.0.1:{port}", process, client)
        try:
            _wait(made)
            yield made
        finally:
            process.terminate()
            process.wait(STOP_SECONDS)


def _wait(engine: Running) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        try:
            if engine.client.get(f"{engine.url}{engine.peer.ready}").status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.05)
    raise TimeoutError(f"{engine.peer.name} was not ready within {START_SECONDS:g} s")
