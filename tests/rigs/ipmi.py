"""A management controller that speaks IPMI over LAN: Debian's ipmi_sim, with and without DCMI."""

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rigs.need import engine

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
  user 2 true "{user}" "{password}" admin 10 none md2 md5 straight
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


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _build(folder: Path) -> Path:
    source, module = folder / "dcmi.c", folder / "dcmi.so"
    source.write_text(MODULE)
    command: list[str | Path] = [
        engine("gcc"),
        "-shared",
        "-fPIC",
        "-w",
        str(source),
        "-o",
        str(module),
    ]
    subprocess.run(command, check=True, capture_output=True)
    return module


def _answers(controller: Controller) -> bool:
    command: list[str | Path] = [
        engine("ipmitool"),
        "-I",
        "lanplus",
        "-H",
        "127.0.0.1",
        "-p",
        str(controller.port),
    ]
    command += ["-U", USER, "-P", PASSWORD, "-C", "3", "-N", "1", "-R", "1", "sensor", "list"]
    # A sensor says 0 until it was polled once.
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    return "240.000" in done.stdout


@contextmanager
def controller(folder: Path, *, dcmi: bool) -> Iterator[Controller]:
    """Run one on loopback; its sensor says 4 W times what ``power.raw`` holds (60)."""
    binary, port = engine("ipmi_sim"), _free_port()
    load = f'loadlib "{_build(folder)}" "{folder}/watts"' if dcmi else ""
    (folder / "lan.conf").write_text(
        LAN.format(load=load, port=port, user=USER, password=PASSWORD)
    )
    (folder / "rig.emu").write_text(EMU.format(folder=folder))
    (folder / "power.raw").write_text("60\n")
    state = folder / "state" / "ipmi_sim" / "rig"
    state.mkdir(parents=True)
    (folder / "rig.sdrs").write_text(SDR)
    compiled: list[str | Path] = [
        engine("sdrcomp"),
        "-o",
        str(state / "sdr.20.main"),
        str(folder / "rig.sdrs"),
    ]
    subprocess.run(compiled, check=True, capture_output=True)
    made = Controller(port, folder)
    made.says(217)
    command: list[str | Path] = [
        binary,
        "-c",
        str(folder / "lan.conf"),
        "-f",
        str(folder / "rig.emu"),
    ]
    command += ["-s", str(folder / "state"), "-n"]
    with (folder / "log").open("wb") as out:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=dict(os.environ)
        )
        try:
            for _ in range(100):
                if _answers(made):
                    break
                time.sleep(0.05)
            else:
                raise RuntimeError((folder / "log").read_text(errors="replace"))
            yield made
        finally:
            process.terminate()
            process.wait(10)
