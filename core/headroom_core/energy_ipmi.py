"""Text of ``ipmitool``: what a management controller says of a server's power."""

import re

INSTANT = re.compile(r"^\s*Instantaneous power reading\s*:\s*(\d+)\s+Watts", re.MULTILINE)
STATE = re.compile(r"^\s*Power reading state is\s*:\s*(\w+)", re.MULTILINE)
SENSOR = re.compile(r"^(?P<name>[^|]+)\|\s*(?P<value>[\d.]+)\s*\|\s*Watts\s*\|", re.MULTILINE)
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


def parse_sensors(text: str) -> float:
    """
    Return watts from ``ipmitool sensor list``: a sensor of the whole server, else power supplies.

    Sensors are named as each maker likes. Raises DcmiError where none is known to be the input.
    """
    readings = [(m["name"].strip(), float(m["value"])) for m in SENSOR.finditer(text)]
    for pattern, all_of_them in ((INPUT, False), (SUPPLY, True)):
        values = [watts for name, watts in readings if pattern.search(name) and watts > 0]
        if values:
            return sum(values) if all_of_them else values[0]
    raise DcmiError("IPMI sensors: none is the server's input power")
