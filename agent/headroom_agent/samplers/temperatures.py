"""Temperatures that a host's sensors tell, from <sysfs>/class/hwmon."""

import re
from dataclasses import dataclass
from pathlib import Path

from headroom_agent.sampler import Moment, NoData
from headroom_agent.samplers.files import names, read_if_there
from headroom_proto.v1 import samples_pb2, telemetry_pb2

INPUT = re.compile(r"temp(\d+)_input")
LEAST, GREATEST = -60.0, 200.0
"""Degrees that a sensor can mean: an open pin reads -128 or 255."""
MOST = 256


def celsius(text: str) -> float | None:
    """Turn millidegrees (Documentation/hwmon/sysfs-interface.rst) into degrees; None for nonsense."""
    try:
        degrees = int(text) / 1e3
    except ValueError:
        return None
    return degrees if LEAST <= degrees <= GREATEST else None


@dataclass(slots=True)
class TemperatureSampler:
    """
    Reads every ``tempN_input``; a sensor is named by its chip and its label or number.

    Two chips of one name (two sockets) are told apart by a number in the order of the kernel.
    """

    sysfs: Path
    interval_seconds: float = 60.0
    name: str = "temperatures"

    def sample(self, now: Moment) -> telemetry_pb2.Cycle:  # noqa: ARG002 - the contract's
        """Return a sample for each sensor; raises NoData without any."""
        found: dict[str, samples_pb2.TemperatureSample] = {}
        folder = self.sysfs / "class/hwmon"
        for chip in sorted(names(folder), key=lambda name: (len(name), name)):
            self._chip(folder / chip, found)
        if not found:
            raise NoData(f"{folder}: no temperature sensor")
        return telemetry_pb2.Cycle(temperatures=list(found.values())[:MOST])

    def _chip(self, folder: Path, found: dict[str, samples_pb2.TemperatureSample]) -> None:
        kind = read_if_there(folder / "name") or folder.name
        taken = {sensor.split("/", 1)[0] for sensor in found}
        chip, number = kind, 1
        while chip in taken:
            number += 1
            chip = f"{kind}-{number}"
        for match in filter(None, map(INPUT.fullmatch, names(folder))):
            stem = f"temp{match[1]}"
            degrees = celsius(read_if_there(folder / f"{stem}_input"))
            if degrees is not None:
                label = read_if_there(folder / f"{stem}_label") or stem
                sensor = f"{chip}/{label}" if f"{chip}/{label}" not in found else f"{chip}/{stem}"
                found[sensor] = samples_pb2.TemperatureSample(
                    sensor=sensor,
                    celsius=degrees,
                    critical_celsius=celsius(read_if_there(folder / f"{stem}_crit")),
                )
