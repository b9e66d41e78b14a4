"""What the firmware says of a machine, against dmidecode's reading of the same table."""

import struct
import subprocess
import uuid
from pathlib import Path

import pytest
from rigs.need import engine

from headroom_agent.samplers import dmi

pytestmark = pytest.mark.engine("dmidecode")

UUID = uuid.UUID("4c4c4544-0035-4a10-8054-b7c04f4a5831")
TEXTS = {
    "bios-vendor": "Contoso Firmware",
    "bios-version": "2.19.1",
    "bios-release-date": "06/21/2019",
    "system-manufacturer": "Contoso Inc.",
    "system-product-name": "Rack 740",
    "system-serial-number": "CN7792",
    "baseboard-manufacturer": "Contoso Boards",
    "baseboard-product-name": "0H28RR",
}


def structure(kind: int, handle: int, body: bytes, *strings: str) -> bytes:
    """Return one structure of an SMBIOS table (DSP0134, 6.1)."""
    head = struct.pack("<BBH", kind, 4 + len(body), handle)
    texts = b"".join(text.encode() + b"\0" for text in strings) + b"\0"
    return head + body + (texts if strings else b"\0\0")


def table(chassis: int) -> bytes:
    """Return a table as an SMBIOS 2.8 firmware makes it: fields in the order of DSP0134, 7.1 to 7.4."""
    t = TEXTS
    bios = struct.pack("<BBHBBQBBBBBB", 1, 2, 0xE000, 3, 0xFF, 0x8, 3, 0xD, 2, 19, 255, 255)
    system = struct.pack("<BBBB16sBBB", 1, 2, 0, 3, UUID.bytes_le, 6, 0, 0)
    board = struct.pack("<BBBBBBBHBB", 1, 2, 0, 0, 0, 9, 0, 3, 10, 0)
    case = struct.pack("<BBBBBBBBBIBBBB", 1, chassis, 0, 0, 0, 3, 3, 3, 3, 0, 0, 1, 0, 0)
    return b"".join(
        (
            structure(0, 0, bios, t["bios-vendor"], t["bios-version"], t["bios-release-date"]),
            structure(
                1,
                1,
                system,
                t["system-manufacturer"],
                t["system-product-name"],
                t["system-serial-number"],
            ),
            structure(2, 2, board, t["baseboard-manufacturer"], t["baseboard-product-name"]),
            structure(3, 3, case, "Contoso Inc."),
            structure(127, 127, b""),
        )
    )


def dump(path: Path, chassis: int) -> Path:
    """Write what ``dmidecode --dump-bin`` would: an entry point with the table at byte 32."""
    data = table(chassis)
    inner = struct.pack("<5sBHIHB", b"_DMI_", 0, len(data), 32, 5, 0x28)
    inner = inner[:5] + bytes([-sum(inner) % 256]) + inner[6:]
    outer = struct.pack("<4sBBBBHB5s", b"_SM_", 0, 31, 2, 8, 200, 0, bytes(5)) + inner
    outer = outer[:4] + bytes([-sum(outer) % 256]) + outer[5:]
    path.write_bytes(outer.ljust(32, b"\0") + data)
    return path


def told(path: Path, keyword: str) -> str:
    """Ask dmidecode."""
    command = [str(engine("dmidecode")), "--from-dump", str(path), "-s", keyword]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)
    return done.stdout.strip()


def kind(name: str) -> str:
    """Return a chassis' name as both write it: ours are SMBIOS' words, dmidecode's are shorter."""
    return name.lower().removesuffix(" chassis").replace("enclosing", "enclosure")


@pytest.fixture
def sysfs(tmp_path: Path) -> Path:
    """The same as the kernel shows it (drivers/firmware/dmi-id.c)."""
    folder = tmp_path / "sys/class/dmi/id"
    folder.mkdir(parents=True)
    named = {
        "bios_vendor": "bios-vendor",
        "bios_version": "bios-version",
        "bios_date": "bios-release-date",
        "sys_vendor": "system-manufacturer",
        "product_name": "system-product-name",
        "product_serial": "system-serial-number",
        "board_vendor": "baseboard-manufacturer",
        "board_name": "baseboard-product-name",
    }
    for name, keyword in named.items():
        (folder / name).write_text(TEXTS[keyword] + "\n")
    (folder / "product_uuid").write_text(f"{UUID}\n")
    (folder / "chassis_type").write_text("23\n")
    return tmp_path / "sys"


def test_a_machine_is_read_as_dmidecode_reads_it(tmp_path: Path, sysfs: Path) -> None:
    firmware, board = dump(tmp_path / "dmi.bin", 23), dmi.read(sysfs)
    assert board.vendor == told(firmware, "system-manufacturer")
    assert board.model == told(firmware, "system-product-name")
    assert board.serial == told(firmware, "system-serial-number")
    assert board.product_uuid == told(firmware, "system-uuid").lower()
    assert board.bios_vendor == told(firmware, "bios-vendor")
    assert board.bios_version == told(firmware, "bios-version")
    month, day, year = told(firmware, "bios-release-date").split("/")
    assert board.bios_date == f"{year}-{month}-{day}"
    assert board.board_vendor == told(firmware, "baseboard-manufacturer")
    assert board.board_model == told(firmware, "baseboard-product-name")
    assert kind(board.chassis) == kind(told(firmware, "chassis-type"))


@pytest.mark.parametrize("number", sorted(dmi.CHASSIS))
def test_every_kind_of_chassis_is_the_one_that_dmidecode_names(
    tmp_path: Path, number: int
) -> None:
    found = told(dump(tmp_path / "dmi.bin", number), "chassis-type")
    assert kind(found) == kind(dmi.CHASSIS[number])
