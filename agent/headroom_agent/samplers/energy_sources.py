"""Sources of a server's power at its input that the host itself can read."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from headroom_agent.samplers.files import names, number_if_there, read_if_there
from headroom_core.energy import Estimate

MOST_WATTS = 20_000.0
"""More than any server's power supplies give."""


class SourceError(Exception):
    """A source has no power to tell; one line that says why."""


class Source(Protocol):
    """Something that measures a server's power."""

    @property
    def name(self) -> str:
        """Value of the ``source`` label."""
        ...

    @property
    def basis(self) -> str:
        """What it is, for people."""
        ...

    @property
    def every_seconds(self) -> float:
        """Least time between two readings; in between the CPUs' own counters give the shape."""
        ...

    def watts(self, seconds: float) -> Estimate:
        """Return the power now, at seconds of a clock that never stops. Raises SourceError."""
        ...


def sane(watts: float, what: str) -> float:
    """Return ``watts`` where a running server can draw them; raises SourceError: 0 is no reading."""
    if not 0 < watts <= MOST_WATTS:
        raise SourceError(f"{what} says {watts:g} W, which is no reading")
    return watts


@dataclass(frozen=True, slots=True)
class HwmonSource:
    """
    The ACPI power meter (drivers/hwmon/acpi_power_meter.c): microwatts of the whole server.

    Other drivers have ``power1_average`` too, of a graphics card for one: only this one counts.
    """

    sysfs: Path
    name: str = "hwmon"
    basis: str = "ACPI power meter"
    every_seconds: float = 0.0

    def watts(self, seconds: float) -> Estimate:  # noqa: ARG002 - part of the Source protocol
        """Return the sum of the meters, with their stated accuracy. Raises SourceError."""
        found = [reading for folder in self._meters() for reading in self._readings(folder)]
        if not found:
            raise SourceError("no ACPI power meter under class/hwmon has a reading")
        value = sane(sum(watts for watts, _ in found), "the ACPI power meter")
        off = sum(watts * error for watts, error in found)
        return Estimate(value, value - off, value + off)

    def _meters(self) -> list[Path]:
        folder = self.sysfs / "class" / "hwmon"
        return [
            folder / name
            for name in names(folder)
            if read_if_there(folder / name / "name") == "power_meter"
        ]

    @staticmethod
    def _readings(folder: Path) -> list[tuple[float, float]]:
        """Return watts and relative error of each sensor; a driver's files may lie in ``device``."""
        found = []
        for place in (folder, folder / "device"):
            for name in names(place):
                if name.startswith("power") and name.endswith("_average"):
                    microwatts = number_if_there(place / name)
                    sensor = name.removesuffix("_average")
                    told = read_if_there(place / f"{sensor}_accuracy").rstrip("%")
                    accuracy = float(told) / 100 if told.replace(".", "", 1).isdigit() else 0.95
                    if microwatts:
                        found.append((microwatts / 1e6, max(0.0, 1 - accuracy)))
            if found:
                break
        return found
