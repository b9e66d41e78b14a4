"""Power from the host's own management controller, through ``/dev/ipmi0`` and ``ipmitool``."""

import shutil
import subprocess
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from headroom_agent.samplers.energy_sources import HwmonSource, Source, SourceError, sane
from headroom_agent.samplers.files import names, read_if_there
from headroom_core.energy import Estimate
from headroom_core.energy_ipmi import DcmiError, parse_dcmi, parse_readings, sensor_names


def run(command: Sequence[str], timeout_seconds: float, what: str) -> str:
    """Return what a command prints. Raises SourceError where it does not end in time."""
    try:
        done = subprocess.run(  # noqa: S603 - ipmitool, found at the start
            command, capture_output=True, timeout=timeout_seconds, check=False
        )
    except subprocess.TimeoutExpired:
        raise SourceError(f"{what}: no answer within {timeout_seconds:g} s") from None
    except OSError as error:
        raise SourceError(f"{command[0]}: cannot be run: {error.strerror}") from None
    return (done.stdout + done.stderr).decode(errors="replace")


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
        text = run((*self.command, "dcmi", "power", "reading"), self.timeout_seconds, "DCMI")
        try:
            return parse_dcmi(text)
        except DcmiError as error:
            raise SourceError(str(error)) from None


@dataclass(slots=True)
class SensorSource:
    """
    The controller's sensors, for those that have no DCMI: the whole server, else its power supplies.

    A controller takes seconds to list them, longer than a cycle may take: a thread does that once
    and keeps the list in ``cache``, a file; a reading is then a request a sensor. Where none is the
    input, it is looked again after an hour. Sensors have 8 bits: 10 % is what they are off at most.
    """

    command: Sequence[str]
    cache: Path
    name: str = "ipmi_sensors"
    basis: str = "IPMI sensors of the management controller"
    every_seconds: float = 30.0
    error: float = 0.1
    timeout_seconds: float = 1.5
    listing_seconds: float = 120.0
    retry_seconds: float = 3600.0
    _names: tuple[str, ...] = ()
    _why: str = "IPMI sensors: are being listed"
    _again: float = field(default=0.0)
    _thread: threading.Thread | None = None

    def watts(self, seconds: float) -> Estimate:
        """Return the power now. Raises SourceError, also while the sensors are being listed."""
        if not self._names:
            self._look(seconds)
            raise SourceError(self._why)
        command = (*self.command, "-S", str(self.cache), "sensor", "reading", *self._names)
        try:
            value = sane(self._sum(command), "an IPMI sensor")
        except SourceError as error:
            # Somebody may have exchanged the board: list them anew.
            self._names, self._why, self._again = (), str(error), seconds + self.retry_seconds
            raise
        return Estimate(value, value * (1 - self.error), value * (1 + self.error))

    def _sum(self, command: Sequence[str]) -> float:
        try:
            return parse_readings(run(command, self.timeout_seconds, "IPMI sensors"))
        except DcmiError as error:
            raise SourceError(str(error)) from None

    def _look(self, seconds: float) -> None:
        if seconds < self._again or (self._thread is not None and self._thread.is_alive()):
            return
        self._again = seconds + self.retry_seconds
        self._thread = threading.Thread(target=self._list, name="ipmi-sensors", daemon=True)
        self._thread.start()

    def _list(self) -> None:
        what = "IPMI sensors"
        cached = (*self.command, "-S", str(self.cache))
        try:
            run((*self.command, "sdr", "dump", str(self.cache)), self.listing_seconds, what)
            text = run((*cached, "sensor", "list"), self.listing_seconds, what)
        except SourceError as error:
            self._why = str(error)
            return
        self._names = sensor_names(text)
        self._why = "IPMI sensors: none is the server's input power"


def find_sources(
    sysfs: Path,
    dev: Path,
    which: Callable[[str], str | None] = shutil.which,
    folder: Path | None = None,
) -> tuple[Source, ...]:
    """Return the sources that this host seems to have, the best first; ``folder`` keeps files."""
    found: list[Source] = []
    ipmitool = which("ipmitool")
    if ipmitool is not None and any((dev / name).exists() for name in ("ipmi0", "ipmi/0")):
        found.append(DcmiSource((ipmitool, "-I", "open")))
        if folder is not None:
            found.append(SensorSource((ipmitool, "-I", "open"), folder / "spool.energy.sdr"))
    listing = sysfs / "class" / "hwmon"
    if any(read_if_there(listing / name / "name") == "power_meter" for name in names(listing)):
        found.append(HwmonSource(sysfs))
    return tuple(found)
