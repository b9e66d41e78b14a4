"""Machines: a root file system of their own, with its own systemd, on this machine's kernel."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from rigs.need import engine

BOOT = 60.0
MOUNT = """
set -e
mount -t tmpfs -o size=3g tmpfs "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=$2,upperdir=$1/upper,workdir=$1/work" "$1/root"
shift 2
exec "$@"
"""
STOP = signal.SIGRTMIN + 4
"""Has systemd power off (systemd(1))."""


class NotReadyError(Exception):
    """A machine that did not start."""


@dataclass
class Machine:
    """A running machine; ``init`` is its first process as this machine numbers it."""

    process: "subprocess.Popen[bytes]"
    init: int
    log: Path

    @property
    def root(self) -> Path:
        """Its root folder, as it can be reached from here."""
        return Path(f"/proc/{self.init}/root")

    def run(
        self, *command: str, check: bool = True, seconds: float = 120, folder: str = "/root"
    ) -> "subprocess.CompletedProcess[str]":
        """Run a command in it, as its root and with a login's environment."""
        clean = ["env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LANG=C.UTF-8"]
        done = subprocess.run(
            ["nsenter", "--target", str(self.init), "--all", f"--wdns={folder}", *clean, *command],
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        assert not check or done.returncode == 0, f"{command}:\n{done.stdout}{done.stderr}"
        return done

    def put(self, source: Path, folder: str = "root") -> None:
        """Copy a file into one of its folders."""
        shutil.copy(source, self.root / folder)

    def journal(self, unit: str) -> str:
        """Return what a unit logged."""
        return self.run("journalctl", "--no-pager", "-o", "cat", "-u", unit, check=False).stdout


def _child(pid: int) -> int:
    """Return the first child of a process; 0 where it has none."""
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8").split()
    return int(text[0]) if text else 0


def _up(made: Machine) -> bool:
    done = made.run("systemctl", "is-active", "basic.target", check=False)
    return done.stdout.strip() == "active"


def _wait(process: "subprocess.Popen[bytes]", log: Path) -> Machine:
    deadline = time.monotonic() + BOOT
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise NotReadyError(log.read_text(errors="replace"))
        init = _child(process.pid)
        if init and _up(made := Machine(process, init, log)):
            return made
        time.sleep(0.2)
    raise NotReadyError(f"not up after {BOOT} s: {log.read_text(errors='replace')}")


def _stop(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is None:
        if init := _child(process.pid):
            os.kill(init, STOP)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(20)


@contextmanager
def machine(
    lower: Path = Path("/"), network: str = "", target: str = "basic.target"
) -> Iterator[Machine]:
    """
    Boot a machine whose root is ``lower`` under a layer that vanishes with it.

    ``network`` is the name of a network namespace; without one it is in this machine's. Skips
    where this user may not, fails in CI.
    """
    nspawn = engine("systemd-nspawn")
    if os.geteuid() != 0:
        pytest.skip("needs root: boots a machine of its own")
    place = Path(tempfile.mkdtemp(prefix="headroom-machine-"))
    log = place.with_suffix(".log")
    boot = [str(nspawn), "--quiet", "--register=no", "--keep-unit", "-D", f"{place}/root"]
    boot += [f"--network-namespace-path=/run/netns/{network}"] if network else []
    boot += ["/lib/systemd/systemd", f"--unit={target}"]
    command = ["unshare", "--mount", "--propagation", "private", "sh", "-c", MOUNT, "sh"]
    with log.open("wb") as out:
        process = subprocess.Popen(
            [*command, str(place), str(lower), *boot],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    try:
        yield _wait(process, log)
    finally:
        _stop(process)
        place.rmdir()
        log.unlink()


def lines(text: str) -> Sequence[str]:
    """Return the commands of a fenced block, continued lines joined."""
    joined = text.replace("\\\n", " ")
    return [line for line in joined.splitlines() if line.strip() and not line.startswith("#")]
