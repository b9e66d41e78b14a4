"""The programs that the agent's benchmark runs: collector and agents, node_exporter, collectd."""

import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx

from headroom_collector import ready
from headroom_collector.bench import agent_hosts
from headroom_collector.cli import processes
from headroom_collector.cli.client import client
from headroom_collector.tls import Authority
from headroom_core.clock import SystemClock

NODE_EXPORTER, COLLECTD = "prometheus-node-exporter", "collectd"
PACKAGES = {"node_exporter": NODE_EXPORTER, "collectd": "collectd-core"}


def nothing() -> None:
    """Ask for nothing: the program goes by its own clock."""


@dataclass(frozen=True, slots=True)
class Program:
    """A program that runs; ``values`` tells how many it reports in a cycle."""

    name: str
    pid: int
    values: Callable[[], float]
    ask: Callable[[], object] = nothing


class Runner:
    """Starts the programs in ``folder``; they end with ``stack``."""

    def __init__(self, stack: ExitStack, folder: Path) -> None:
        self._stack, self._folder = stack, folder
        self._children: list[processes.Child] = []
        stack.callback(processes.stop_all, self._children)
        flags = ["collector", "--data", str(folder), "--log-level", "error"]
        flags += ["--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0"]
        self._children.append(processes.start("collector", "headroom_collector.cli", flags))
        self._at = _wait(folder)
        self._authority = Authority.open(folder / "tls", SystemClock())

    def agent(self, name: str, more: Sequence[str]) -> Program:
        """Run an agent at 1 Hz, TLS and spool on."""
        files = self._authority.issue_host(name)
        flags = ["--collector", self._at.grpc, "--interval", "1", "--tls", str(files.cert.parent)]
        flags += ["--spool", str(self._folder / f"{name}.db"), *more]
        flags += ["--config", str(agent_hosts.every_cycle(self._folder / "agent.toml"))]
        child = processes.start("agent", "headroom_agent", flags)
        self._children.append(child)
        return Program(name, child.process.pid, lambda: self._values(name))

    def _values(self, host: str) -> float:
        """Return how many values the newest cycle of a host brought."""
        times: list[str] = []
        cursor = ""
        with client(self._folder) as http:
            for _ in range(100):
                query: dict[str, str | int] = {"host": host, "limit": 1000, "cursor": cursor}
                answer = http.get("/api/v1/latest", params=query).json()
                times += [item["time"] for item in answer["items"]]
                cursor = answer["next_cursor"] or ""
                if not cursor:
                    break
        return float(times.count(max(times)))

    def peers(self, procfs: Path | None = None) -> tuple[list[Program], dict[str, str]]:
        """Run what is installed of the peers; returns them, and why the others are left out."""
        found = {"node_exporter": lambda: self._node_exporter(procfs)}
        if procfs is None:
            found["collectd"] = lambda: self._collectd(agent_hosts.COLLECTD_HOST)
        made, skipped = self._installed(found)
        if procfs is not None:
            skipped["collectd"] = "cannot be given another /proc"
        return made, skipped

    def hypervisor_peers(self, uri: str) -> tuple[list[Program], dict[str, str]]:
        """Run collectd with its plugin for libvirt."""
        more = agent_hosts.COLLECTD_HOST + agent_hosts.COLLECTD_VIRT.format(uri=uri)
        made, skipped = self._installed({"collectd": lambda: self._collectd(more)})
        skipped["node_exporter"] = "reads no virtual machines"
        return made, skipped

    def _installed(
        self, start: dict[str, Callable[[], Program]]
    ) -> tuple[list[Program], dict[str, str]]:
        made, skipped = [], {}
        for name, run in start.items():
            package = PACKAGES[name]
            if shutil.which(NODE_EXPORTER if name == "node_exporter" else COLLECTD):
                made.append(run())
            else:
                skipped[name] = f"not installed: apt-get install {package}"
        return made, skipped

    def _start(self, command: Sequence[str]) -> int:
        process = subprocess.Popen(  # noqa: S603  # Debian's program
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self._stack.callback(process.wait, 10)
        self._stack.callback(process.terminate)
        return process.pid

    def _node_exporter(self, procfs: Path | None) -> Program:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        more = [] if procfs is None else [f"--path.procfs={procfs}"]
        pid = self._start([NODE_EXPORTER, f"--web.listen-address=127.0.0.1:{port}", *more])
        http = self._stack.enter_context(httpx.Client())
        url = f"http://127.0.0.1:{port}/metrics"

        def values() -> float:
            lines = http.get(url).text.splitlines()
            return float(sum(not line.startswith("#") for line in lines))

        _until(lambda: _answers(http, url), "node_exporter answers")
        return Program("node_exporter", pid, values, lambda: http.get(url))

    def _collectd(self, plugins: str) -> Program:
        folder = self._folder / "collectd"
        folder.mkdir()
        config = folder / "collectd.conf"
        config.write_text(agent_hosts.COLLECTD.format(folder=folder) + plugins)
        pid = self._start([COLLECTD, "-f", "-C", str(config)])

        def values() -> float:
            heads = (path.open().readline() for path in folder.glob("csv/**/*") if path.is_file())
            return float(sum(head.count(",") for head in heads))

        return Program("collectd", pid, values)


def _answers(http: httpx.Client, url: str) -> bool:
    try:
        return http.get(url).is_success
    except httpx.HTTPError:
        return False


def _until(condition: Callable[[], bool], what: str) -> None:
    for _ in range(600):
        if condition():
            return
        time.sleep(0.05)
    raise TimeoutError(f"not within 30 s: {what}")


def _wait(folder: Path) -> ready.Ready:
    _until(lambda: ready.read(folder) is not None, "the collector is ready")
    found = ready.read(folder)
    assert found is not None  # noqa: S101 - it was there just now
    return found
