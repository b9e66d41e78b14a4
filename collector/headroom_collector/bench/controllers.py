"""Simulated management controllers for benchmarks and tests: Debian's ipmi_sim, with and without DCMI."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from headroom_collector.energy.ipmi_session import IpmiSession, Login
from headroom_collector.energy.reading import BmcError

PACKAGES = {"gcc": "gcc libopenipmi-dev", "ipmi_sim": "openipmi", "sdrcomp": "openipmi"}
SENSOR_WATTS = 240.0
USER, PASSWORD = "ipmiusr", "test"
# Group extension 0xDC, command 2: Get Power Reading (DCMI 1.5, 6.6.1).
MODULE = r"""
#include <stdio.h>
#include <string.h>
#include <OpenIPMI/ipmi_msgbits.h>
#include <OpenIPMI/serv.h>
#include <OpenIPMI/mcserv.h>
static char path[4096];
static void put16(unsigned char *at, unsigned v) { at[0] = v & 255; at[1] = v >> 8; }
static void answer(lmc_data_t *mc, msg_t *msg, unsigned char *out, unsigned int *len,
                   void *data)
{
    unsigned watts = 0, state = 0x40;
    FILE *file = fopen(path, "r");
    if (file) { if (fscanf(file, "%u %u", &watts, &state) < 1) watts = 0; fclose(file); }
    if (msg->cmd != 2) { out[0] = 0xc1; *len = 1; return; }
    memset(out, 0, 19);
    out[1] = 0xdc;
    put16(out + 2, watts); put16(out + 4, 10); put16(out + 6, 900); put16(out + 8, watts);
    out[14] = 0xe8; out[15] = 3; out[18] = state;
    *len = 19;
}
int ipmi_sim_module_init(sys_data_t *sys, const char *options)
{
    strncpy(path, options, sizeof(path) - 1);
    ipmi_emu_register_group_extension_handler(0xdc, answer, NULL);
    return 0;
}
int ipmi_sim_module_print_version(sys_data_t *sys, char *options) { puts("rig"); return 0; }
"""
LAN = """name "rig"
{load}
set_working_mc 0x20
  startlan 1
    addr 127.0.0.1 {port}
    priv_limit admin
    allowed_auths_callback none md2 md5 straight
    allowed_auths_user none md2 md5 straight
    allowed_auths_operator none md2 md5 straight
    allowed_auths_admin none md2 md5 straight
    guid a123456789abcdefa123456789abcdef
  endlan
  user 2 true "{user}" "{password}" admin {sessions} none md2 md5 straight
"""
EMU = """mc_setbmc 0x20
mc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02 persist_sdr
sel_enable 0x20 1000 0x0a
sensor_add 0x20 0 1 0x0b 0x01 poll 100 file "{folder}/power.raw"
mc_enable 0x20
"""
SDR = """sdr type 1
  sensor_owner_id 0x20
  sensor_owner_lun 0
  channel_number 0
  sensor_number 1
  entity_id power_supply
  entity_instance 1
  init_scanning on
  default_sensor_scan_on on
  sensor_type 0x0b
  event_reading_type_code 1
  analog_data_format unsigned
  base_unit Watts
  linearization linear
  m 4
  id_string "Pwr Consumption"
endsdr
"""


@dataclass(frozen=True, slots=True)
class Controller:
    """A running one; ``says`` sets what DCMI answers."""

    port: int
    folder: Path

    @property
    def address(self) -> str:
        """HOST:PORT."""
        return f"127.0.0.1:{self.port}"

    def says(self, watts: int, state: int = 0x40) -> None:
        """Set DCMI's reading; ``state`` 0x40 is an active measurement."""
        (self.folder / "watts").write_text(f"{watts} {state}\n")

    def login(self, timeout_seconds: float = 2.0) -> Login:
        """Return how to log in: the simulator lets administrators alone ask for DCMI."""
        return Login("127.0.0.1", self.port, USER, PASSWORD, "administrator", timeout_seconds)


def _program(name: str) -> str:
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin") or ""


def missing() -> dict[str, str]:
    """Return the programs that are not installed, with what to do."""
    return {
        name: f"not installed: apt-get install {package}"
        for name, package in PACKAGES.items()
        if not _program(name)
    }


def free_port() -> int:
    """Return a UDP port of loopback that nobody uses now."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _run(*command: str | Path) -> None:
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - Debian's programs


def _build(folder: Path) -> Path:
    source, module = folder / "dcmi.c", folder / "dcmi.so"
    source.write_text(MODULE)
    _run(_program("gcc"), "-shared", "-fPIC", "-w", source, "-o", module)
    return module


def _write(made: Controller, *, dcmi: bool, sessions: int) -> None:
    folder = made.folder
    load = f'loadlib "{_build(folder)}" "{folder}/watts"' if dcmi else ""
    text = LAN.format(load=load, port=made.port, user=USER, password=PASSWORD, sessions=sessions)
    (folder / "lan.conf").write_text(text)
    (folder / "rig.emu").write_text(EMU.format(folder=folder))
    (folder / "power.raw").write_text("60\n")
    state = folder / "state" / "ipmi_sim" / "rig"
    state.mkdir(parents=True, exist_ok=True)
    (folder / "rig.sdrs").write_text(SDR)
    _run(_program("sdrcomp"), "-o", state / "sdr.20.main", folder / "rig.sdrs")


def _answers(made: Controller) -> bool:
    """Whether its sensor was polled once; before that it says 0."""
    session = IpmiSession(made.login(0.2))
    try:
        return session.read().watts == SENSOR_WATTS
    except BmcError:
        return False
    finally:
        session.close()


@contextmanager
def controller(
    folder: Path, *, dcmi: bool, sessions: int = 10, port: int = 0
) -> Iterator[Controller]:
    """
    Run one on loopback; its sensor says 4 W times what ``power.raw`` holds (60).

    ``sessions``: how many it has at a time. Raises RuntimeError where it does not come up.
    """
    made = Controller(port or free_port(), folder)
    _write(made, dcmi=dcmi, sessions=sessions)
    made.says(0)
    command = [_program("ipmi_sim"), "-c", f"{folder}/lan.conf", "-f", f"{folder}/rig.emu"]
    with (folder / "log").open("wb") as out:
        process = subprocess.Popen(  # noqa: S603 - Debian's program
            [*command, "-s", f"{folder}/state", "-n"],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
        )
        try:
            for _ in range(100):
                if _answers(made):
                    break
                time.sleep(0.05)
            else:
                raise RuntimeError((folder / "log").read_text(errors="replace"))
            made.says(217)
            yield made
        finally:
            process.terminate()
            process.wait(10)
