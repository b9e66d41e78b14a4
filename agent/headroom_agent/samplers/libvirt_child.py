"""
The process that talks to libvirt, so that a call which hangs can be killed.

``python -m headroom_agent.samplers.libvirt_child URI SECONDS`` answers each line on its standard
input with one line of JSON: the domains, or ``{"error": TEXT}``. It ends with its input. libvirt
calls have no time limit of their own and NOWAIT does not protect the first one, so after SECONDS
without a result the kernel's alarm ends the process even where nobody is left to kill it.
"""

import json
import signal
import sys
import time
from typing import Any, Final

MISSING: Final = "libvirt-python is not installed: pip install 'headroom[libvirt]'"
GROUPS: Final = ("STATE", "CPU_TOTAL", "BALLOON", "VCPU")
KEYS: Final = {
    "state": "state.state",
    "cpu_ns": "cpu.time",
    "vcpus": "vcpu.current",
    "memory_kib": "balloon.current",
    "memory_max_kib": "balloon.maximum",
    "resident_kib": "balloon.rss",
}


def version(number: int) -> str:
    """Write libvirt's 1000000 * major + 1000 * minor + release as 1.2.3."""
    return f"{number // 1_000_000}.{number // 1000 % 1000}.{number % 1000}"


def delay_ns(stats: dict[str, Any]) -> int | None:
    """Add up the time that the vCPUs waited for a CPU; None where no vCPU tells."""
    waits = [v for k, v in stats.items() if k.startswith("vcpu.") and k.endswith(".delay")]
    return sum(waits) if waits else None


class Hypervisor:
    """A read-only connection that is opened again after a failure. Raises libvirtError."""

    def __init__(self, libvirt: Any, uri: str) -> None:
        self._libvirt = libvirt
        self._uri = uri
        self._connection: Any = None
        self._groups = 0
        for group in GROUPS:
            self._groups |= getattr(libvirt, f"VIR_DOMAIN_STATS_{group}")

    def answer(self) -> dict[str, Any]:
        """Read every domain, active or not, in one call."""
        if self._connection is None:
            self._connection = self._libvirt.openReadOnly(self._uri)
        # Without NOWAIT one QEMU that hangs would hide all domains for as long as it hangs.
        nowait = self._libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT
        before = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        found = self._connection.getAllDomainStats(self._groups, nowait)
        after = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        return {
            "boottime_ns": (before + after) // 2,
            "hypervisor": self._name(),
            "domains": [self._domain(domain, stats) for domain, stats in found],
        }

    def close(self) -> None:
        """Forget the connection: after a restart of the daemon it never works again."""
        self._connection = None

    def _name(self) -> str:
        connection = self._connection
        driver, library = version(connection.getVersion()), version(connection.getLibVersion())
        return f"{connection.getType()} {driver}, libvirt {library}"

    def _domain(self, domain: Any, stats: dict[str, Any]) -> dict[str, Any]:
        values = {name: stats.get(key) for name, key in KEYS.items()}
        return {
            "uuid": domain.UUIDString(),
            "name": domain.name(),
            "id": domain.ID(),
            "delay_ns": delay_ns(stats),
            **values,
        }


def _silence(_context: None, _error: Any) -> None:
    """Keep libvirt from writing to standard error what is reported anyway."""


def _serve(libvirt: Any, uri: str, seconds: int) -> None:
    libvirt.registerErrorHandler(_silence, None)
    hypervisor = Hypervisor(libvirt, uri)
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
    uri, seconds = sys.argv[1], int(sys.argv[2])
    try:
        import libvirt  # noqa: PLC0415 - an extra that only this process needs
    except ImportError:
        for _ in sys.stdin:
            _write({"error": MISSING})
    else:
        _serve(libvirt, uri, seconds)


if __name__ == "__main__":
    main()
