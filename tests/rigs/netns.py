"""Network namespaces on one wire, which nothing outside them can reach."""

import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from rigs.need import engine


@dataclass(frozen=True)
class Lan:
    """The namespace and the IPv4 address of each member, by its name."""

    namespaces: Mapping[str, str]
    addresses: Mapping[str, str]


def _ip(*arguments: str, check: bool = True) -> None:
    subprocess.run(["ip", *arguments], check=check, capture_output=True)


@contextmanager
def lan(*members: str) -> Iterator[Lan]:
    """Make a namespace for each member; skips where this user may not."""
    if os.geteuid() != 0:
        pytest.skip("needs root: makes network namespaces of its own")
    engine("ip")
    stem = f"hrl{os.getpid()}"
    hub = f"{stem}x"
    found = Lan(
        {name: f"{stem}{i}" for i, name in enumerate(members)},
        {name: f"10.78.0.{i + 1}" for i, name in enumerate(members)},
    )
    try:
        _ip("netns", "add", hub)
        _ip("-n", hub, "link", "add", "hub", "type", "bridge")
        _ip("-n", hub, "link", "set", "hub", "up")
        for i, name in enumerate(members):
            space, far = found.namespaces[name], f"port{i}"
            _ip("netns", "add", space)
            _ip(
                "-n",
                hub,
                "link",
                "add",
                far,
                "type",
                "veth",
                "peer",
                "name",
                "lan",
                "netns",
                space,
            )
            _ip("-n", hub, "link", "set", far, "master", "hub", "up")
            _ip("-n", space, "addr", "add", f"{found.addresses[name]}/24", "dev", "lan")
            _ip("-n", space, "link", "set", "lan", "up")
            _ip("-n", space, "link", "set", "lo", "up")
        yield found
    finally:
        for space in (hub, *found.namespaces.values()):
            _ip("netns", "del", space, check=False)
