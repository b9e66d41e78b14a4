"""Prometheus and VictoriaMetrics on loopback, loaded with the benchmark's estate by remote write."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np
import pyarrow as pa

from headroom_collector.bench.query_data import CLUSTERS, STEP, Estate, Floats, Ints
from headroom_collector.sinks.remote_write import varint

READY_SECONDS = 30.0
CHUNK = 3600 // STEP
"""Samples of a series in a request: Prometheus takes no older ones once it had newer."""
HEADERS = {
    "Content-Type": "application/x-protobuf",
    "Content-Encoding": "snappy",
    "X-Prometheus-Remote-Write-Version": "0.1.0",
}
CONFIG = "global: {}\n"
INSTALL = {"prometheus": "prometheus", "victoria-metrics": "victoria-metrics"}


def _field(number: int, body: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(body)) + body


def _label(name: str, value: str) -> bytes:
    return _field(1, _field(1, name.encode()) + _field(2, value.encode()))


def encoded(times: Ints, values: Floats) -> bytes:
    """Return samples of remote write (seconds, values) as they stand in a series."""
    made = np.zeros((len(times), 18), dtype=np.uint8)
    made[:, 0], made[:, 1], made[:, 2], made[:, 11] = 0x12, 16, 0x09, 0x10
    made[:, 3:11] = values.astype("<f8").view(np.uint8).reshape(-1, 8)
    milliseconds = times * 1000
    for place in range(6):
        part = (milliseconds >> (7 * place)) & 0x7F
        made[:, 12 + place] = part | (0x80 if place < 5 else 0)
    return made.tobytes()


@dataclass(frozen=True, slots=True)
class Series:
    """One series: its labels as they are sent, and its samples, 18 bytes each."""

    labels: bytes
    samples: bytes


def series(estate: Estate) -> Iterator[Series]:
    """Yield every series of the estate."""
    times = estate.times()
    for number in range(estate.hosts):
        site, cluster = estate.place(number)
        place = [("cluster", cluster), ("host", estate.name(number)), ("site", site)]
        for metric, extra, values in (
            ("headroom_host_cpu_utilisation_ratio", [], estate.utilisation(number)),
            ("headroom_host_domains", [("state", "running")], estate.running(number)),
        ):
            pairs = sorted([("__name__", metric), *place, *extra])
            yield Series(b"".join(_label(*pair) for pair in pairs), encoded(times, values))
    for number in range(min(CLUSTERS, estate.hosts)):
        site, cluster = estate.place(number)
        for metric, value in (
            ("headroom_cluster_ceiling_ratio", 0.4),
            ("headroom_cluster_hosts_present", float(estate.hosts // CLUSTERS)),
        ):
            pairs = [("__name__", metric), ("cluster", cluster), ("site", site)]
            labels = b"".join(_label(*pair) for pair in pairs)
            yield Series(labels, encoded(times, np.full(estate.steps, value)))


@dataclass(slots=True)
class Peer:
    """An engine that runs at ``url``; ``missing`` says why it does not."""

    name: str
    url: str = ""
    missing: str = ""

    def load(self, estate: Estate) -> None:
        """Send all samples, an hour of all series at a time."""
        codec, every = pa.Codec("snappy"), list(series(estate))
        with httpx.Client(timeout=120, headers=HEADERS) as client:
            for first in range(0, estate.steps, CHUNK):
                part = slice(first * 18, (first + CHUNK) * 18)
                body = b"".join(_field(1, each.labels + each.samples[part]) for each in every)
                sent = codec.compress(body, asbytes=True)
                client.post(f"{self.url}/api/v1/write", content=sent).raise_for_status()
            client.get(f"{self.url}/internal/force_flush")


def _port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _command(name: str, program: str, folder: Path, port: int) -> list[str]:
    if name == "victoria-metrics":
        return [
            program, f"-storageDataPath={folder / 'vm'}", f"-httpListenAddr=127.0.0.1:{port}",
            "-retentionPeriod=100y", "-search.latencyOffset=0s", "-search.maxUniqueTimeseries=100000",
        ]  # fmt: skip
    config = folder / "prometheus.yml"
    config.write_text(CONFIG, encoding="utf-8")
    return [
        program, f"--config.file={config}", f"--storage.tsdb.path={folder / 'prom'}",
        f"--web.listen-address=127.0.0.1:{port}", "--web.enable-remote-write-receiver",
        "--storage.tsdb.retention.time=100y",
    ]  # fmt: skip


def _wait(url: str, process: "subprocess.Popen[bytes]") -> str:
    """Return why the engine is not ready; empty once it is."""
    end = time.monotonic() + READY_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            if httpx.get(f"{url}/api/v1/query", params={"query": "1"}, timeout=2).is_success:
                return ""
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    return "did not start"


@contextmanager
def peers(folder: Path) -> Iterator[list[Peer]]:
    """Run the engines that are installed, stopped by their pids; the others say what is missing."""
    running, found = [], []
    try:
        for name, package in INSTALL.items():
            program = shutil.which(name)
            if program is None:
                found.append(Peer(name, missing=f"not installed: apt-get install {package}"))
                continue
            port = _port()
            with (folder / f"{name}.log").open("wb") as log:
                process = subprocess.Popen(  # noqa: S603  # the engine's own program
                    _command(name, program, folder, port), stdout=log, stderr=log
                )
            running.append(process)
            url = f"http://127.0.0.1:{port}"
            found.append(Peer(name, url, _wait(url, process)))
        yield found
    finally:
        for process in running:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
