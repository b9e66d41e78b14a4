"""A real InfluxDB 1.x on loopback, and its answers as series."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from rigs.engines import Engine
from rigs.need import engine
from rigs.ports import free_port

DATABASE = "headroom"
CONFIG = """reporting-disabled = true
bind-address = "127.0.0.1:{rpc}"
[meta]
  dir = "{folder}/meta"
[data]
  dir = "{folder}/data"
  wal-dir = "{folder}/wal"
  query-log-enabled = false
[http]
  bind-address = "127.0.0.1:{http}"
  log-enabled = false
[monitor]
  store-enabled = false
[subscriber]
  enabled = false
"""
BATCH = 10_000


@dataclass(frozen=True)
class Influx:
    """A running engine with one database."""

    url: str

    def query(self, text: str) -> list[dict[str, Any]]:
        """Return the series of a statement; AssertionError with what the engine says."""
        answer = httpx.post(
            f"{self.url}/query",
            params={"db": DATABASE, "epoch": "ms"},
            data={"q": text},
            timeout=60,
        ).json()
        assert "error" not in answer, answer
        (result,) = answer["results"]
        assert "error" not in result, f"{result['error']}: {text}"
        found: list[dict[str, Any]] = result.get("series", [])
        return found

    def write(self, lines: Iterable[bytes]) -> None:
        """Write lines of line protocol in milliseconds."""
        waiting = list(lines)
        for at in range(0, len(waiting), BATCH):
            answer = httpx.post(
                f"{self.url}/write",
                params={"db": DATABASE, "precision": "ms"},
                content=b"\n".join(waiting[at : at + BATCH]),
                timeout=60,
            )
            assert answer.status_code == 204, answer.text


@contextmanager
def influxdb(folder: Path) -> Iterator[Influx]:
    """Run InfluxDB in ``folder``; stopped by its pid."""
    program, http = engine("influxd"), free_port()
    config, log = folder / "influx.conf", folder / "influx.log"
    config.write_text(CONFIG.format(folder=folder, http=http, rpc=free_port()))
    made = Engine(
        [str(program), "run", "-config", str(config)], f"http://127.0.0.1:{http}", "/ping", log
    )
    made.start()
    try:
        httpx.post(f"{made.url}/query", data={"q": f"CREATE DATABASE {DATABASE}"}, timeout=20)
        yield Influx(made.url)
    finally:
        made.stop()
