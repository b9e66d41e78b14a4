"""
The process that talks to libvirt, so that a call which hangs can be killed.

``python -m headroom_agent.samplers.libvirt_child URI SECONDS INTERVAL`` answers each line on its
standard input with one line of JSON: the domains by state, what was newly read of some of them,
and those that keep libvirt waiting; or ``{"error": TEXT}``. It ends with its input. libvirt calls
have no time limit of their own, so after SECONDS without a result the kernel's alarm ends the
process even where nobody is left to kill it. Each domain is asked for more every INTERVAL seconds.
"""

import json
import os
import signal
import sys
import time
from typing import Any, Final

from headroom_agent.samplers.libvirt_slow import Slow, details

MISSING: Final = "libvirt-python is not installed: apt-get install python3-libvirt, or pip install 'headroom[libvirt]'"
GROUPS: Final = ("STATE", "CPU_TOTAL", "BALLOON", "VCPU")
SETTLE_SECONDS: Final = 0.5
"""Longest wait for what was not read of a new domain yet, so that the first answer is whole."""


def version(number: int) -> str:
    """Write libvirt's 1000000 * major + 1000 * minor + release as 1.2.3."""
    return f"{number // 1_000_000}.{number // 1000 % 1000}.{number % 1000}"


class Hypervisor:
    """
    A read-only connection that is opened again after a failure. Raises libvirtError.

    QEMU has to be asked through its monitor for all but a domain's state, which costs the host a
    hundred times as much and hangs with the guest: that is the slow reading's. The other drivers
    know it themselves and tell all at once.
    """

    def __init__(self, libvirt: Any, uri: str, interval_seconds: float) -> None:
        self._libvirt = libvirt
        self._uri = uri
        self._connection: Any = None
        self._name = ""
        self._quick = True
        every = [getattr(libvirt, f"VIR_DOMAIN_STATS_{group}") for group in GROUPS]
        self._state, self._all = every[0], every[0] | every[1] | every[2] | every[3]
        self._nowait = libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT
        self._slow = Slow(self._ask, libvirt.libvirtError, interval_seconds)

    def answer(self) -> dict[str, Any]:
        """Read every domain, active or not, in one call."""
        if self._connection is None:
            self._open()
        before = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        groups = self._state if self._quick else self._all
        found = self._connection.getAllDomainStats(groups, self._nowait)
        after = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        at = (before + after) // 2
        rows = [(d.UUIDString(), d.name(), d.ID(), s.get("state.state")) for d, s in found]
        if self._quick:
            self._slow.want({(uuid, id_) for uuid, _, id_, _ in rows})
            self._slow.settle(SETTLE_SECONDS)
            read = self._slow.take()
        else:
            pairs = zip(rows, found, strict=True)
            read = [(uuid, id_, at, details(stats)) for (uuid, _, id_, _), (_, stats) in pairs]
        return {
            "boottime_ns": at,
            "hypervisor": self._name,
            "domains": rows,
            "details": read,
            "hung": self._slow.hung(),
        }

    def close(self) -> None:
        """Forget the connection: after a restart of the daemon it never works again."""
        self._connection = None

    def _open(self) -> None:
        connection = self._libvirt.openReadOnly(self._uri)
        driver, library = version(connection.getVersion()), version(connection.getLibVersion())
        kind = connection.getType()
        self._name = f"{kind} {driver}, libvirt {library}"
        self._quick = kind == "QEMU"
        self._connection = connection

    def _ask(self, connection: Any, uuid: str) -> tuple[Any, dict[str, Any]]:
        """Ask for one domain over a connection of its own, opened where it is None."""
        connection = connection or self._libvirt.openReadOnly(self._uri)
        domain = connection.lookupByUUIDString(uuid)
        # NOWAIT: a domain that someone else is busy with tells what it can at once.
        found = connection.domainListGetStats([domain], self._all, self._nowait)
        return connection, found[0][1] if found else {}


def _silence(_context: None, _error: Any) -> None:
    """Keep libvirt from writing to standard error what is reported anyway."""


def _serve(libvirt: Any, uri: str, seconds: int, interval: float) -> None:
    libvirt.registerErrorHandler(_silence, None)
    hypervisor = Hypervisor(libvirt, uri, interval)
    for _ in sys.stdin:
        signal.alarm(seconds)
        try:
            answer = hypervisor.answer()
        except libvirt.libvirtError as error:
            hypervisor.close()
            answer = {"error": str(error)}
        signal.alarm(0)
        _write(answer)


def _write(answer: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Answer until the input ends."""
    # The agent decides when it stops; an interrupt at the terminal reaches both.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    uri, seconds, interval = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
    try:
        import libvirt  # noqa: PLC0415 - an extra that only this process needs
    except ImportError:
        for _ in sys.stdin:
            _write({"error": MISSING})
    else:
        _serve(libvirt, uri, seconds, interval)
        os._exit(0)  # a thread that hangs in a call must not keep the process


if __name__ == "__main__":
    main()
