"""Processes that may hold up libvirt: stopped ones among its daemon and the guests."""

from pathlib import Path

SUSPECTS = ("libvirtd", "virtqemud", "qemu", "kvm")
STOPPED = {"T": "stopped", "t": "stopped by a debugger", "D": "waiting for a disk"}
MOST = 3


def parse(stat: str) -> tuple[str, str]:
    """Return command and state letter of a ``/proc/PID/stat`` line; the name may hold anything."""
    name, _, rest = stat.partition("(")[2].rpartition(")")
    return name, rest.split()[0] if rest.split() else ""


def suspects(procfs: Path) -> list[str]:
    """Name up to three that do not run, such as ``libvirtd (pid 71) is stopped``."""
    found = []
    for stat in sorted(procfs.glob("[0-9]*/stat")):
        try:
            name, state = parse(stat.read_text(errors="replace"))
        except OSError:
            continue  # it ended in the meantime
        if name.startswith(SUSPECTS) and state in STOPPED:
            found.append(f"{name} (pid {stat.parent.name}) is {STOPPED[state]}")
    return found[:MOST]
