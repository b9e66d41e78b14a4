"""The real agent as its unit runs it, beside a hypervisor, and what it wrote down cycle by cycle."""

import json
import os
import pwd
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from headroom_proto.v1 import samples_pb2
from headroom_proto.v1 import telemetry_pb2 as pb
from rigs import sandbox, units
from rigs.libvirt import Libvirt
from rigs.ports import free_port

INTERVAL = 1.0
"""Seconds between the agent's cycles: a hundredth of a day's samples would do for a person."""
UNIT = "headroom-agent"
USER = pwd.getpwnam("nobody").pw_uid
"""libvirt wants to know its user by name."""
SETTINGS = """\
[intervals]
guests = 0  # in every cycle each guest is asked for all that only it knows
"""


@dataclass(frozen=True)
class Seen:
    """One cycle: the moment it is of, and when it was on the disk, both UTC seconds."""

    time: float
    stored: float
    cycle: pb.Cycle

    @property
    def host(self) -> samples_pb2.HostSample:
        return self.cycle.host

    @property
    def vms(self) -> dict[str, samples_pb2.VmSample]:
        return {vm.name: vm for vm in self.cycle.vms}


class Watched:
    """An agent that runs; its collector does not, so that every cycle stays in its spool."""

    def __init__(self, hypervisor: Libvirt, folder: Path) -> None:
        self._spool = folder / "spool.db"
        (folder / "agent.toml").write_text(SETTINGS)
        os.chown(folder, USER, USER)
        os.chown(folder / "agent.toml", USER, USER)
        said = units.directives(UNIT)
        terms = {
            "state": str(folder),
            "uid": USER,
            "gid": USER,
            "mdwe": said["MemoryDenyWriteExecute"] == ["yes"],
            "calls": sorted(units.allowed_calls(UNIT)),
            "families": said["RestrictAddressFamilies"][0].split(),
        }
        (folder / "terms.json").write_text(json.dumps(terms))
        command = [sys.executable, sandbox.__file__, str(folder / "terms.json"), sys.executable]
        command += ["-m", "headroom_agent", "--config", str(folder / "agent.toml")]
        command += ["--collector", f"127.0.0.1:{free_port()}", "--interval", str(INTERVAL)]
        command += ["--libvirt-uri", hypervisor.uri, "--spool", str(self._spool)]
        self._log = (folder / "agent.log").open("wb")
        self.process = subprocess.Popen(command, stderr=self._log, cwd="/")
        self._path = folder / "agent.log"

    def said(self) -> str:
        return self._path.read_text(errors="replace")

    def since(self, moment: float) -> list[Seen]:
        """Return the cycles that were spooled after ``moment``, UTC seconds, in order."""
        if not self._spool.exists():
            return []
        with closing(sqlite3.connect(f"file:{self._spool}?mode=ro", uri=True)) as spool:
            try:
                rows = spool.execute(
                    "SELECT payload, created FROM batches WHERE created > ? ORDER BY seq",
                    (int(moment * 1e9),),
                ).fetchall()
            except sqlite3.OperationalError:
                return []  # the agent is just making it
        cycles = [(pb.Cycle.FromString(payload), created / 1e9) for payload, created in rows]
        return [Seen(cycle.time_unix_nano / 1e9, at, cycle) for cycle, at in cycles]

    def wait(
        self, since: float, condition: Callable[[Seen], bool], what: str, seconds: float = 40.0
    ) -> Seen:
        """Wait for the first cycle after ``since`` of which ``condition`` holds."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if found := [seen for seen in self.since(since) if condition(seen)]:
                return found[0]
            assert self.process.poll() is None, self.said()
            time.sleep(0.05)
        last = self.since(since)[-1:]
        return pytest.fail(
            f"not within {seconds:g} s: {what}; {self.said()[-900:]} {[seen.host for seen in last]}"
        )

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(20)
        finally:
            self.process.kill()
            self.process.wait()
            self._log.close()


@contextmanager
def watched(hypervisor: Libvirt) -> Iterator[Watched]:
    """Give an agent that has seen the hypervisor's domains."""
    folder = Path(tempfile.mkdtemp(prefix="hr-watch-"))
    agent = Watched(hypervisor, folder)
    try:
        agent.wait(0.0, lambda seen: seen.host.domains_running > 0, "the agent sees the guests")
        yield agent
    finally:
        agent.stop()
        shutil.rmtree(folder, ignore_errors=True)
