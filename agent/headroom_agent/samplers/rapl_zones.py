"""Power domains of a host in the powercap class, each once."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from headroom_agent.samplers.files import number_if_there, read_if_there
from headroom_core.energy_counter import Scale

MOST_WATTS = 1000.0
"""Twice what the largest package is made for: a step above it is no energy."""
LEAST_BOUND_WATTS = 100.0
"""Limits are sometimes set to nearly nothing; a package still draws something."""
LEAST_TDP_WATTS = 5.0
ZONE = re.compile(r"([a-z][a-z0-9_-]*)((?::[0-9a-f]+)+)")
PACKAGE = re.compile(r"package-(\d+(?:-die-\d+)?)")


@dataclass(frozen=True, slots=True)
class Zone:
    """One counter; ``domain`` is package-0, dram-0, and with several dies package-0-die-1."""

    domain: str
    energy: Path
    scale: Scale
    most_watts: float = MOST_WATTS


def zones(sysfs: Path) -> tuple[Zone, ...]:
    """
    Find package and memory counters under ``class/powercap``, each once.

    The listing is flat and made of links; following the links below a zone would find it again
    and again. Ids are hexadecimal. The same package is listed by intel-rapl and intel-rapl-mmio:
    the first counts. psys holds the packages a second time, cores and uncore are parts of them:
    none of these is taken.
    """
    folder = sysfs / "class" / "powercap"
    found: dict[str, Zone] = {}
    seen: set[str] = set()
    for path in sorted(folder.glob("*:*"), key=_order):
        real = os.path.realpath(path)
        domain = _domain(folder, path)
        if domain and domain not in found and real not in seen:
            zone = _zone(domain, path)
            if zone is not None:
                found[domain] = zone
                seen.add(real)
    return tuple(found.values())


def _order(path: Path) -> tuple[str, list[int]]:
    """Sort intel-rapl before intel-rapl-mmio, and ids as the hexadecimal numbers they are."""
    match = ZONE.fullmatch(path.name)
    if match is None:
        return path.name, []
    return match[1], [int(part, 16) for part in match[2].split(":")[1:]]


def _domain(folder: Path, path: Path) -> str:
    """Name the power domain of a zone; empty where it is none that counts."""
    if ZONE.fullmatch(path.name) is None:
        return ""
    name = read_if_there(path / "name")
    if PACKAGE.fullmatch(name):
        return name
    if name == "dram":
        package = PACKAGE.fullmatch(read_if_there(folder / path.name.rpartition(":")[0] / "name"))
        return f"dram-{package[1]}" if package else ""
    return ""


def _zone(domain: str, path: Path) -> Zone | None:
    most = number_if_there(path / "max_energy_range_uj")
    # Guests show counters with a range of 0: nothing true can be made of them.
    if not most:
        return None
    return Zone(domain, path / "energy_uj", Scale.of_range(most), _bound(path))


def _bound(path: Path) -> float:
    """Return twice the power that the zone is made for, in watts, where it says that."""
    made_for = number_if_there(path / "constraint_0_max_power_uw")
    if not made_for:
        return MOST_WATTS
    return min(MOST_WATTS, max(LEAST_BOUND_WATTS, made_for * 2 / 1e6))


def design_watts(sysfs: Path) -> float | None:
    """
    Return the thermal design power of all packages, in watts; None where one does not tell it.

    It is the ceiling of the long-term limit (powercap: constraint_0_max_power_uw), and everyone may
    read it, unlike the counters.
    """
    folder = sysfs / "class" / "powercap"
    told: dict[str, float] = {}
    for path in sorted(folder.glob("*:*"), key=_order):
        domain = _domain(folder, path)
        if domain.startswith("package") and domain not in told:
            told[domain] = (number_if_there(path / "constraint_0_max_power_uw") or 0) / 1e6
    plausible = all(LEAST_TDP_WATTS <= watts <= MOST_WATTS for watts in told.values())
    return sum(told.values()) if told and plausible else None
