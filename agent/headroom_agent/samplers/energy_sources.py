"""Sources of a server's power at its input that the host itself can read."""

import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from headroom_agent.samplers.files import names, number_if_there, read_if_there
from headroom_core.energy import Estimate
from headroom_core.energy_ipmi import DcmiError, parse_dcmi

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


@dataclass(slots=True)
class DcmiSource:
    """
    The management controller's own reading (IPMI DCMI), asked through the host's ``/dev/ipmi0``.

    After three failures it is left alone for ten minutes: a controller without DCMI will not learn
    it, and asking costs the host. DCMI states no accuracy; 5 % is what makers claim for meters of
    power supplies.
    """

    command: Sequence[str]
    name: str = "dcmi"
    basis: str = "IPMI DCMI power reading of the management controller"
    every_seconds: float = 30.0
    error: float = 0.05
    timeout_seconds: float = 1.5
    retry_seconds: float = 600.0
    _failures: int = field(default=0)
    _again: float = field(default=0.0)
    _why: str = field(default="")

    def watts(self, seconds: float) -> Estimate:
        """Ask for the power. Raises SourceError."""
        if seconds < self._again:
            raise SourceError(self._why)
        try:
            value = sane(self._ask(), "DCMI")
        except SourceError as error:
            self._failures += 1
            self._why = str(error)
            if self._failures >= 3:
                self._again = seconds + self.retry_seconds
            raise
        self._failures = 0
        return Estimate(value, value * (1 - self.error), value * (1 + self.error))

    def _ask(self) -> float:
        try:
            done = subprocess.run(  # noqa: S603 - ipmitool, found at the start
                [*self.command, "dcmi", "power", "reading"],
                capture_output=True,
                timeout=self.timeout_seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise SourceError(f"DCMI: no answer within {self.timeout_seconds:g} s") from None
        except OSError as error:
            raise SourceError(f"{self.command[0]}: cannot be run: {error.strerror}") from None
        try:
            return parse_dcmi((done.stdout + done.stderr).decode(errors="replace"))
        except DcmiError as error:
            raise SourceError(str(error)) from None


def find_sources(
    sysfs: Path, dev: Path, which: Callable[[str], str | None] = shutil.which
) -> tuple[Source, ...]:
    """Return the sources that this host seems to have, the best first."""
    found: list[Source] = []
    ipmitool = which("ipmitool")
    if ipmitool is not None and any((dev / name).exists() for name in ("ipmi0", "ipmi/0")):
        found.append(DcmiSource((ipmitool, "-I", "open")))
    hwmon = HwmonSource(sysfs)
    folder = sysfs / "class" / "hwmon"
    if any(read_if_there(folder / name / "name") == "power_meter" for name in names(folder)):
        found.append(hwmon)
    return tuple(found)
