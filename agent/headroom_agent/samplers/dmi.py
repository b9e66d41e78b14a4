"""Maker and model of a machine, from <sysfs>/class/dmi/id."""

import re
from dataclasses import dataclass
from pathlib import Path

from headroom_agent.samplers.files import read_if_there

US_DATE = re.compile(r"(\d{2})/(\d{2})/(\d{4})")
FILLERS = frozenset(
    {
        "",
        "0",
        "default string",
        "n/a",
        "none",
        "not applicable",
        "not available",
        "not specified",
        "system manufacturer",
        "system product name",
        "system serial number",
        "to be filled by o.e.m.",
        "unknown",
    }
)
"""What makers leave in fields that they did not fill in."""


@dataclass(frozen=True, slots=True)
class Board:
    """What the firmware says of the machine; empty where it does not or may not be read."""

    vendor: str = ""
    model: str = ""
    serial: str = ""
    bios_date: str = ""
    product_uuid: str = ""


def clean(text: str) -> str:
    """Return what a field says, with single spaces; empty for a maker's filler."""
    words = " ".join(text.split())
    return "" if words.lower() in FILLERS else words


def iso_date(text: str) -> str:
    """Turn the firmware's MM/DD/YYYY into YYYY-MM-DD; empty where it is no such date."""
    found = US_DATE.fullmatch(text.strip())
    return f"{found[3]}-{found[1]}-{found[2]}" if found else ""


def read(sysfs: Path) -> Board:
    """Read the fields that are there; serial number and UUID are readable for root only."""
    folder = sysfs / "class/dmi/id"

    def field(name: str) -> str:
        return clean(read_if_there(folder / name))

    return Board(
        vendor=field("sys_vendor"),
        model=field("product_name"),
        serial=field("product_serial"),
        bios_date=iso_date(field("bios_date")),
        product_uuid=field("product_uuid").lower(),
    )
