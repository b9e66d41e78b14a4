"""
Energy of CPU packages and memory, measured by the CPUs themselves (RAPL, through powercap).

It is a part of what a server draws (half of it, loaded; less at idle), so it is the quantity
``component`` and never mixed with power at the wall.
"""

import logging
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from headroom_agent.notices import Notices
from headroom_agent.sampler import Moment, NoData
from headroom_agent.samplers.files import read_if_there
from headroom_core.energy import grown, modulus
from headroom_proto.v1 import samples_pb2, telemetry_pb2

MOST_WATTS = 1500.0
"""More than any package or its memory can draw: a step above it is a reset and no energy."""
PACKAGE = re.compile(r"package-(\d+(?:-die-\d+)?)")


class RaplError(Exception):
    """The counters are there and may not be read; one line."""


@dataclass(frozen=True, slots=True)
class Zone:
    """One counter; ``domain`` is package-0, dram-0, and with several dies package-0-die-1."""

    domain: str
    energy: Path
    wrap: int


@dataclass(slots=True)
class Meter:
    """The last raw reading of a zone, its moment and the microjoules since the start."""

    raw: int
    at: Moment
    total: int = 0


def zones(sysfs: Path) -> tuple[Zone, ...]:
    """
    Find package and memory counters under ``class/powercap``, each once.

    The listing is flat and made of links; following the links below a zone would find it again
    and again. The same package is listed by intel-rapl and intel-rapl-mmio: the first counts.
    psys holds the packages a second time and cores are a part of them: neither is taken.
    """
    found: dict[str, Zone] = {}
    seen: set[str] = set()
    folder = sysfs / "class" / "powercap"
    # intel-rapl sorts before intel-rapl-mmio once the colon comes before the dash.
    for path in sorted(folder.glob("*:*"), key=lambda p: p.name.split(":")):
        real = os.path.realpath(path)
        domain = _domain(folder, path)
        if domain and domain not in found and real not in seen:
            zone = _zone(domain, path)
            if zone is not None:
                found[domain] = zone
                seen.add(real)
    return tuple(found.values())


def _domain(folder: Path, path: Path) -> str:
    """Name the power domain of a zone; empty where it is none that counts."""
    name = read_if_there(path / "name")
    if PACKAGE.fullmatch(name):
        return name
    if name == "dram":
        package = PACKAGE.fullmatch(read_if_there(folder / path.name.rpartition(":")[0] / "name"))
        return f"dram-{package[1]}" if package else ""
    return ""


def _zone(domain: str, path: Path) -> Zone | None:
    told = read_if_there(path / "max_energy_range_uj")
    # Guests show counters with a range of 0: nothing true can be made of them.
    if not told.isdigit() or int(told) == 0:
        return None
    return Zone(domain, path / "energy_uj", modulus(int(told)))


def read_energy(zone: Zone) -> int | None:
    """
    Return the raw counter in microjoules; None where the kernel has no value now.

    Raises RaplError where it may not be read.
    """
    try:
        text = zone.energy.read_text(encoding="ascii", errors="replace").strip()
    except PermissionError:
        raise RaplError(
            f"{zone.energy}: may not be read: run the agent as root or with the capability "
            "CAP_DAC_READ_SEARCH to measure the CPUs' energy"
        ) from None
    except OSError:
        return None
    return int(text) if text.isdigit() else None


class RaplSampler:
    """
    Reads every package and memory counter; totals start at 0 with the agent and never go back.

    A counter has to be read more than once a wrap: every 60 s at 1 kW in the worst case.
    """

    name = "rapl"
    interval_seconds = 0.0

    def __init__(self, found: tuple[Zone, ...], notices: Notices | None = None) -> None:
        self._zones = found
        self._meters: dict[str, Meter] = {}
        self._notices = notices or Notices(logging.getLogger(__name__))

    def sample(self, now: Moment) -> telemetry_pb2.Cycle:
        """Return a sample for each zone that could be read. Raises NoData without any."""
        samples = list(self._samples(now))
        if not samples:
            raise NoData("no RAPL counter under class/powercap can be read")
        return telemetry_pb2.Cycle(energy=samples)

    def _samples(self, now: Moment) -> Iterator[samples_pb2.EnergySample]:
        for zone in self._zones:
            thing = f"rapl {zone.domain}"
            try:
                raw = read_energy(zone)
            except RaplError as error:
                self._notices.fault(thing, str(error))
                continue
            if raw is None:
                self._notices.fault(thing, f"{zone.energy}: has no value now; the gap is left out")
                continue
            self._notices.fine(thing, f"{zone.energy}: has values again")
            yield self._sample(zone, raw, now)

    def _sample(self, zone: Zone, raw: int, now: Moment) -> samples_pb2.EnergySample:
        meter = self._meters.setdefault(zone.domain, Meter(raw, now))
        seconds = now.seconds_since(meter.at)
        used = grown(meter.raw, raw, zone.wrap, seconds, MOST_WATTS) if seconds > 0 else None
        meter.raw, meter.at = raw, now
        meter.total += used or 0
        return samples_pb2.EnergySample(
            domain=zone.domain,
            quantity="component",
            source="rapl",
            kind="measured",
            energy_microjoules_total=meter.total,
            power_watts=None if used is None else used / 1e6 / seconds,
        )
