"""A real Prometheus on loopback that scrapes what a test serves."""

import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from rigs.need import engine
from rigs.ports import free_port

WAIT_SECONDS = 30.0
EXPOSITION = "text/plain; version=0.0.4; charset=utf-8"


class RigError(Exception):
    """The engine did not come up, or did not get there in time; the text has its last words."""


@dataclass(frozen=True, slots=True)
class Prometheus:
    """A running engine. ``url`` is that of its API's root."""

    url: str

    def _get(self, path: str, parameters: Mapping[str, Any]) -> list[dict[str, Any]]:
        answer = httpx.get(f"{self.url}{path}", params=dict(parameters), timeout=10).json()
        if answer["status"] != "success":
            raise RigError(f"{answer['error']}: {parameters.get('query')}")
        found: list[dict[str, Any]] = answer["data"]["result"]
        return found

    def query(self, expr: str) -> list[dict[str, Any]]:
        """Return the vector that ``expr`` has now; raises RigError where it is refused."""
        return self._get("/api/v1/query", {"query": expr})

    def query_range(self, expr: str, seconds: float = 60.0) -> list[dict[str, Any]]:
        """Return the series of ``expr`` over the last seconds, one value a second; RigError."""
        now = time.time()
        span = {"start": now - seconds, "end": now, "step": 1}
        return self._get("/api/v1/query_range", {"query": expr, **span})

    def values(self, expr: str, *labels: str) -> dict[tuple[str, ...], float]:
        """Return the value now by these labels, absent ones empty; raises RigError."""
        return {
            tuple(series["metric"].get(label, "") for label in labels): float(series["value"][1])
            for series in self.query(expr)
        }

    def wait_for(self, expr: str, seconds: float = WAIT_SECONDS) -> None:
        """Wait until ``expr`` has a value; raises RigError after ``seconds``."""
        deadline = time.monotonic() + seconds
        while not self.query(expr):
            if time.monotonic() > deadline:
                raise RigError(f"no value for {expr} within {seconds:g} s")
            time.sleep(0.1)


def wait_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until the engine answers; raises RigError with its last words."""
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(f"{url}/-/ready", timeout=1).is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    raise RigError(f"prometheus is not ready at {url}: {log.read_text()[-2000:]}")


def _configuration(targets: Mapping[str, str]) -> str:
    jobs = [
        {
            "job_name": job,
            "metrics_path": urlsplit(url).path or "/metrics",
            "static_configs": [{"targets": [urlsplit(url).netloc]}],
        }
        for job, url in targets.items()
    ]
    timing = {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
    return json.dumps({"global": timing, "scrape_configs": jobs})  # JSON is YAML as well


@contextmanager
def prometheus(targets: Mapping[str, str], folder: Path) -> Iterator[Prometheus]:
    """
    Run Prometheus in ``folder``, scraping each job's URL every second; stopped by its pid.

    Skips or fails where it is not installed (see ``need``); raises RigError where it does not start.
    """
    program = engine("prometheus")
    url = f"http://127.0.0.1:{free_port()}"
    settings, log = folder / "prometheus.yml", folder / "prometheus.log"
    settings.write_text(_configuration(targets))
    arguments = [
        str(program),
        f"--config.file={settings}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={urlsplit(url).netloc}",
    ]
    with log.open("wb") as output:
        process = subprocess.Popen(arguments, stdout=output, stderr=output)
        try:
            wait_ready(url, process, log)
            yield Prometheus(url)
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextmanager
def served(pages: Mapping[str, Callable[[], str]]) -> Iterator[str]:
    """Serve each path's text as a Prometheus exposition; yields the URL of the root."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            page = pages.get(urlsplit(self.path).path)
            body = page().encode() if page else b""
            self.send_response(200 if page else 404)
            self.send_header("Content-Type", EXPOSITION)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
