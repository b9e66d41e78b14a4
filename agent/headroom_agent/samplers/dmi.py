"""Maker and model of a machine, from <sysfs>/class/dmi/id."""

import re
from dataclasses import dataclass
from pathlib import Path

from headroom_agent.samplers.files import number_if_there, read_if_there

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


CHASSIS = {
    3: "Desktop",
    4: "Low Profile Desktop",
    6: "Mini Tower",
    7: "Tower",
    8: "Portable",
    9: "Laptop",
    10: "Notebook",
    13: "All in One",
    17: "Main Server Chassis",
    23: "Rack Mount",
    25: "Multi-system Chassis",
    28: "Blade",
    29: "Blade Enclosure",
    35: "Mini PC",
}
"""Kinds of chassis by their number in SMBIOS (DSP0134, 7.4.1)."""


@dataclass(frozen=True, slots=True)
class Board:
    """What the firmware says of the machine; empty where it does not or may not be read."""

    vendor: str = ""
    model: str = ""
    serial: str = ""
    bios_date: str = ""
    product_uuid: str = ""
    bios_vendor: str = ""
    bios_version: str = ""
    board_vendor: str = ""
    board_model: str = ""
    chassis: str = ""


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
        bios_vendor=field("bios_vendor"),
        bios_version=field("bios_version"),
        board_vendor=field("board_vendor"),
        board_model=field("board_name"),
        chassis=CHASSIS.get(number_if_there(folder / "chassis_type") or 0, ""),
    )
