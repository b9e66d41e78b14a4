"""Real time-series engines that take samples: VictoriaMetrics, and Prometheus as a receiver."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from rigs.need import engine
from rigs.ports import free_port

WAIT_SECONDS = 30.0


class Engine:
    """A running engine: ``start`` again on the same port after ``stop``."""

    def __init__(self, command: list[str], url: str, ready: str, log: Path) -> None:
        self.command, self.url, self._ready, self._log = command, url, ready, log
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(self.command, stdout=output, stderr=output)
        deadline = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                if httpx.get(f"{self.url}{self._ready}", timeout=1).is_success:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.05)
        raise RuntimeError(f"{self.command[0]} is not ready: {self._log.read_text()[-2000:]}")

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(20)
            self._process = None

    def flush(self) -> None:
        """Make what was written visible at once, where the engine knows how."""
        httpx.get(f"{self.url}/internal/force_flush", timeout=10)

    def points(self, selector: str, start: float, end: float) -> list[tuple[dict[str, str], Any]]:
        """Return every raw point of the series, (labels, [(seconds, value), ...])."""
        span = max(1, int(end - start) + 1)
        answer = httpx.get(
            f"{self.url}/api/v1/query",
            params={"query": f"{selector}[{span}s]", "time": str(end), "nocache": "1"},
            timeout=20,
        ).json()
        assert answer["status"] == "success", answer
        return [
            (found["metric"], [(at, float(value)) for at, value in found["values"]])
            for found in answer["data"]["result"]
        ]


@contextmanager
def victoria(folder: Path, *flags: str) -> Iterator[Engine]:
    """Run VictoriaMetrics in ``folder``, with further flags."""
    url = f"http://127.0.0.1:{(port := free_port())}"
    made = Engine(
        [
            str(engine("victoria-metrics")),
            f"-storageDataPath={folder / 'vm'}",
            f"-httpListenAddr=127.0.0.1:{port}",
            "-retentionPeriod=100y",
            "-search.latencyOffset=0s",
            *flags,
        ],
        url,
        "/health",
        folder / "vm.log",
    )
    made.start()
    try:
        yield made
    finally:
        made.stop()


@contextmanager
def receiving_prometheus(folder: Path, window: str = "") -> Iterator[Engine]:
    """Run Prometheus as a receiver, with an out-of-order window such as ``2h`` where given."""
    url = f"http://127.0.0.1:{(port := free_port())}"
    config = folder / "receiver.yml"
    storage = f"storage: {{tsdb: {{out_of_order_time_window: {window}}}}}\n" if window else ""
    config.write_text(f"global: {{}}\n{storage}")
    made = Engine(
        [
            str(engine("prometheus")),
            f"--config.file={config}",
            f"--storage.tsdb.path={folder / 'prom'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--web.enable-remote-write-receiver",
        ],
        url,
        "/-/ready",
        folder / "prom.log",
    )
    made.start()
    try:
        yield made
    finally:
        made.stop()
