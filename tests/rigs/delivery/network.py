"""Two network namespaces with a wire between them, and what can go wrong with a wire."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from rigs.delivery.disks import run

FAR = "10.77.0.2"
"""Address of the receiver's end; nothing outside the two namespaces can reach it."""


@dataclass
class Wire:
    """The wire; ``near`` is the sender's namespace, ``far`` the receiver's."""

    near: str
    far: str

    @staticmethod
    def inside(namespace: str) -> tuple[str, ...]:
        return ("ip", "netns", "exec", namespace)

    def filter(self, *rule: str) -> None:
        """Have both ends drop what comes in and fits the rule."""
        for namespace in (self.near, self.far):
            run(*self.inside(namespace), "iptables", "-A", "INPUT", *rule, "-j", "DROP")

    def clear(self) -> None:
        for namespace in (self.near, self.far):
            run(*self.inside(namespace), "iptables", "-F", "INPUT")

    def narrow(self, rate: str) -> None:
        """Let no more pass from the sender than that, such as 64kbit."""
        shape = ("tbf", "rate", rate, "burst", "8kb", "latency", "500ms")
        run("tc", "-n", self.near, "qdisc", "add", "dev", f"{self.near}v", "root", *shape)

    def widen(self) -> None:
        run("tc", "-n", self.near, "qdisc", "del", "dev", f"{self.near}v", "root")


@contextmanager
def wire() -> Iterator[Wire]:
    """Make the namespaces; skips where this user or this kernel may not."""
    if os.geteuid() != 0:
        pytest.skip("needs root: makes network namespaces of its own")
    if shutil.which("iptables") is None:
        pytest.skip("iptables is not installed: apt-get install iptables")
    made = Wire(f"hra{os.getpid()}", f"hrb{os.getpid()}")
    ends = ((made.near, "10.77.0.1"), (made.far, FAR))
    try:
        for namespace, _ in ends:
            run("ip", "netns", "add", namespace)
        run("ip", "link", "add", f"{made.near}v", "type", "veth", "peer", "name", f"{made.far}v")
        for namespace, address in ends:
            device = f"{namespace}v"
            run("ip", "link", "set", device, "netns", namespace)
            run("ip", "-n", namespace, "addr", "add", f"{address}/24", "dev", device)
            run("ip", "-n", namespace, "link", "set", device, "up")
        yield made
    finally:
        for namespace, _ in ends:
            subprocess.run(["ip", "netns", "del", namespace], check=False, capture_output=True)
