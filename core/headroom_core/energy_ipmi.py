"""What a management controller says of a server's power: names of its sensors, text of ``ipmitool``."""

import re
from collections.abc import Iterable

INSTANT = re.compile(r"^\s*Instantaneous power reading\s*:\s*(\d+)\s+Watts", re.MULTILINE)
STATE = re.compile(r"^\s*Power reading state is\s*:\s*(\w+)", re.MULTILINE)
SENSOR = re.compile(r"^(?P<name>[^|]+)\|\s*(?P<value>[\d.]+)\s*\|\s*Watts\s*\|", re.MULTILINE)
READING = re.compile(r"^(?P<name>[^|]+)\|\s*(?P<value>[\d.]+)\s*$", re.MULTILINE)
INPUT = re.compile(
    r"\b(pwr consumption|system power|total power|sys power|power meter)\b", re.IGNORECASE
)
SUPPLY = re.compile(r"\bps(u)?\s*\d+.*\b(in|input|pin)\b", re.IGNORECASE)


class DcmiError(Exception):
    """A controller has no reading of the power; one line."""


def _first_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "no answer")


def parse_dcmi(text: str) -> float:
    """
    Return watts from ``ipmitool dcmi power reading``.

    Raises DcmiError where the controller has no DCMI (0xC1), does not measure now, or says 0.
    """
    found, state = INSTANT.search(text), STATE.search(text)
    if found is None:
        raise DcmiError(f"DCMI: {_first_line(text)}")
    if state is not None and state[1] != "activated":
        raise DcmiError(f"DCMI: power reading is {state[1]}")
    watts = float(found[1])
    if watts <= 0:
        raise DcmiError("DCMI: says 0 W, which is no reading")
    return watts


def is_input(name: str) -> bool:
    """Whether a sensor of that name says what goes into the server, or into a power supply of it."""
    return bool(INPUT.search(name) or SUPPLY.search(name))


def input_watts(readings: Iterable[tuple[str, float | None]]) -> float:
    """
    Return watts out of sensors' names and values: one of the whole server, else its power supplies.

    Sensors are named as each maker likes. Raises DcmiError where none is known to be the input.
    """
    known = [(name, watts) for name, watts in readings if watts is not None and watts > 0]
    for pattern, all_of_them in ((INPUT, False), (SUPPLY, True)):
        values = [watts for name, watts in known if pattern.search(name)]
        if values:
            return sum(values) if all_of_them else values[0]
    raise DcmiError("IPMI sensors: none is the server's input power")


def parse_sensors(text: str) -> float:
    """Return watts from ``ipmitool sensor list``. Raises DcmiError."""
    return input_watts((m["name"].strip(), float(m["value"])) for m in SENSOR.finditer(text))


def sensor_names(text: str) -> tuple[str, ...]:
    """Return the names of the sensors in ``ipmitool sensor list`` that say the input, in order."""
    return tuple(name for m in SENSOR.finditer(text) if is_input(name := m["name"].strip()))


def parse_readings(text: str) -> float:
    """Return watts from ``ipmitool sensor reading NAME ...`` of such sensors. Raises DcmiError."""
    return input_watts((m["name"].strip(), float(m["value"])) for m in READING.finditer(text))
