"""
The processes of QEMU guests under <procfs>: CPU time, steal and resident memory of each.

Nothing of it asks QEMU or libvirt, so it costs them nothing and cannot hang with a guest. All files
are ones that any user may read; those under /run/libvirt are root's, so a guest is found by the
UUID on its process's command line.
"""

import os
import re
import resource
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from headroom_agent.samplers.files import Kept, names

VCPU = re.compile(rb"CPU \d+/(KVM|TCG)")
"""Name that QEMU gives a virtual CPU's thread (libvirt switches thread names on)."""
MOST_FILES = 65_536
RESCAN_SECONDS = 60.0
"""A guest that was not found, and a guest's threads, are looked for again so often."""


@dataclass(frozen=True, slots=True)
class Figures:
    """
    What a guest used: nanoseconds since it began, bytes now.

    ``at_ns`` is when it was read, in nanoseconds since boot. ``delay_ns`` is how long its virtual
    CPUs were ready and waited for a physical one; None where its threads cannot be told apart.
    """

    at_ns: int
    cpu_ns: int
    delay_ns: int | None
    resident_bytes: int
    vcpus: int | None


@dataclass(slots=True)
class Guest:
    """One process with its files, which stay open."""

    stat: Kept
    statm: Kept
    threads: list[Kept]
    listed: float

    def close(self) -> None:
        """Close the files."""
        for file in (self.stat, self.statm, *self.threads):
            file.close()


def allow_files() -> None:
    """Let this process keep as many files open as it may: a guest takes 2, and 1 for each vCPU."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def parse_command(cmdline: bytes) -> str | None:
    """Return the UUID on a QEMU's command line in lower case; None where it is no guest's."""
    words = cmdline.split(b"\0")
    program = words[0].rpartition(b"/")[2]
    if b"qemu" not in program and b"kvm" not in program:
        return None
    for word, following in pairwise(words):
        if word == b"-uuid":
            return following.decode("ascii", errors="replace").lower()
    return None


def parse_stat(stat: bytes) -> int:
    """Return utime and stime of a ``/proc/PID/stat`` in ticks: fields 14 and 15 (proc(5))."""
    words = stat[stat.rindex(b")") + 2 :].split(maxsplit=14)
    return int(words[11]) + int(words[12])


def guest_threads(folder: Path) -> list[Kept]:
    """Return the ``schedstat`` of each virtual CPU's thread."""
    found = []
    for thread in names(folder / "task"):
        comm = Kept(folder / "task" / thread / "comm")
        try:
            if VCPU.match(comm.read()):
                found.append(Kept(folder / "task" / thread / "schedstat"))
        except OSError:
            continue  # it ended in the meantime
        finally:
            comm.close()
    return found


@dataclass(slots=True)
class Guests:
    """Finds the guests' processes by UUID and reads them."""

    procfs: Path
    clock: Callable[[], float] = time.monotonic
    tick_ns: int = field(default_factory=lambda: 10**9 // os.sysconf("SC_CLK_TCK"))
    page_bytes: int = field(default_factory=lambda: os.sysconf("SC_PAGE_SIZE"))
    _guests: dict[str, Guest] = field(default_factory=dict)
    _known: frozenset[tuple[str, int]] = frozenset()
    _scanned: float = -1e9

    def follow(self, running: Iterable[tuple[str, int]]) -> None:
        """Say which guests run, by UUID and libvirt's id; looks for those that are new."""
        wanted = frozenset(running)
        uuids = {uuid for uuid, _ in wanted}
        began_anew = {uuid for uuid, _ in wanted - self._known}
        for uuid in [u for u in self._guests if u not in uuids or u in began_anew]:
            self._guests.pop(uuid).close()
        missing = uuids - self._guests.keys()
        changed, self._known = wanted != self._known, wanted
        if missing and (changed or self.clock() - self._scanned >= RESCAN_SECONDS):
            self._scan(missing)

    def read(self, uuid: str) -> Figures | None:
        """Return a guest's figures; None where it has no process that can be read."""
        guest = self._guests.get(uuid)
        if guest is None:
            return None
        try:
            return self._read(guest)
        except (OSError, ValueError, IndexError):
            # Its process ended: its files fail, and a new one has others.
            self._guests.pop(uuid).close()
            self._scanned = -1e9
            return None

    def close(self) -> None:
        """Close all files."""
        for guest in self._guests.values():
            guest.close()
        self._guests.clear()

    def _scan(self, missing: set[str]) -> None:
        self._scanned = self.clock()
        for pid in names(self.procfs):
            if not pid.isdecimal():
                continue
            folder = self.procfs / pid
            cmdline = Kept(folder / "cmdline")
            try:
                uuid = parse_command(cmdline.read())
            except OSError:
                continue  # it ended, or is not ours to read
            finally:
                cmdline.close()
            if uuid in missing:
                self._guests[uuid] = Guest(
                    Kept(folder / "stat"),
                    Kept(folder / "statm"),
                    guest_threads(folder),
                    self._scanned,
                )

    def _read(self, guest: Guest) -> Figures:
        now = self.clock()
        if now - guest.listed >= RESCAN_SECONDS:
            self._list_again(guest, now)
        at = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        ticks = parse_stat(guest.stat.read())
        resident = int(guest.statm.read().split(maxsplit=2)[1])
        delays = [int(thread.read().split(maxsplit=2)[1]) for thread in guest.threads]
        return Figures(
            at_ns=at,
            cpu_ns=ticks * self.tick_ns,
            delay_ns=sum(delays) if delays else None,
            resident_bytes=resident * self.page_bytes,
            vcpus=len(delays) or None,
        )

    def _list_again(self, guest: Guest, now: float) -> None:
        """Look for virtual CPUs that came or went."""
        for thread in guest.threads:
            thread.close()
        guest.threads = guest_threads(guest.stat.path.parent)
        guest.listed = now
