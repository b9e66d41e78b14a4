"""What a host is: operating system, CPUs, memory and maker; sent at first and on change."""

import os
from dataclasses import dataclass
from pathlib import Path

from headroom_agent.sampler import Moment
from headroom_agent.samplers import cpuinfo, dmi, interfaces, memory
from headroom_agent.samplers.files import names, number_if_there, read, read_if_there, read_text
from headroom_proto.v1 import telemetry_pb2

MOST_TEXT = 256
"""Characters of a fact that the collector takes."""


def parse_os_release(text: str) -> str:
    """Return PRETTY_NAME of an os-release(5) file, or NAME and VERSION_ID; empty without them."""
    pairs = (line.partition("=") for line in text.splitlines() if not line.startswith("#"))
    values = {key.strip(): value.strip().strip("\"'") for key, _, value in pairs}
    name = f"{values.get('NAME', '')} {values.get('VERSION_ID', '')}".strip()
    return values.get("PRETTY_NAME") or name


def base_hertz(sysfs: Path, model: str) -> float | None:
    """
    Return the CPUs' base clock in hertz; None where nobody tells.

    intel_pstate's base_frequency is in kHz (Documentation/admin-guide/pm); else many models name
    their clock ("@ 2.30GHz").
    """
    khz = read_if_there(sysfs / "devices/system/cpu/cpu0/cpufreq/base_frequency")
    return int(khz) * 1e3 if khz.isdigit() else cpuinfo.named_hertz(model)


def topology(sysfs: Path) -> tuple[int | None, int | None]:
    """Count sockets and cores where cpuinfo does not tell, as on ARM; None where nobody does."""
    folder = sysfs / "devices/system/cpu"
    cores = set()
    for name in names(folder):
        if name.startswith("cpu") and name[3:].isdecimal():
            at = folder / name / "topology"
            cores.add((number_if_there(at / "physical_package_id"), read_if_there(at / "core_id")))
    known = {core for core in cores if core[0] is not None and core[1]}
    return len({socket for socket, _ in known}) or None, len(known) or None


def max_hertz(sysfs: Path) -> float | None:
    """Return the CPUs' highest clock in hertz, turbo included; None without a cpufreq driver."""
    khz = number_if_there(sysfs / "devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq")
    return khz * 1e3 if khz else None


def describe_speed(bytes_per_second: int) -> str:
    """Write a link's speed as people do, in bits: 1 Gbit/s."""
    megabits = bytes_per_second * 8 / 1e6
    return f"{megabits / 1000:g} Gbit/s" if megabits >= 1000 else f"{megabits:g} Mbit/s"


def links(sysfs: Path) -> str:
    """Name the interfaces that have a device, with the speeds that are known."""
    found = []
    for name in interfaces.physical(sysfs):
        speed = interfaces.speed(sysfs, name)
        found.append(f"{name} {describe_speed(speed)}" if speed else name)
    text = ", ".join(found)
    return text if len(text) <= MOST_TEXT else f"{text[: MOST_TEXT - 4].rpartition(', ')[0]}, ..."


@dataclass(slots=True)
class FactsSampler:
    """
    Reads what a host is, under ``procfs``, ``sysfs`` and ``etc`` (machine-id, os-release).

    What may not be read (serial number and UUID are root's) is left out. ``machine`` is the
    architecture where the kernel does not tell it under procfs (before 6.1).
    """

    procfs: Path
    sysfs: Path
    etc: Path = Path("/etc")
    machine: str = os.uname().machine
    name: str = "facts"
    interval_seconds: float = 300.0
    _sent: telemetry_pb2.HostFacts | None = None

    def sample(self, now: Moment) -> telemetry_pb2.Cycle:  # noqa: ARG002 - the contract's
        """Return the facts where they changed, else nothing; raises SampleError."""
        facts = self.read()
        if facts == self._sent:
            return telemetry_pb2.Cycle()
        self._sent = facts
        return telemetry_pb2.Cycle(facts=facts)

    def read(self) -> telemetry_pb2.HostFacts:
        """Read the facts; raises SampleError."""
        kernel = self.procfs / "sys/kernel"
        cpus = cpuinfo.parse(read_text(self.procfs / "cpuinfo"))
        sockets, cores = cpus.sockets, cpus.cores
        if sockets is None or cores is None:
            sockets, cores = topology(self.sysfs)
        board = dmi.read(self.sysfs)
        return telemetry_pb2.HostFacts(
            machine_id=read_if_there(self.etc / "machine-id"),
            boot_id=read_boot_id(self.procfs),
            hostname=read_if_there(kernel / "hostname"),
            os=parse_os_release(read_if_there(self.etc / "os-release")),
            kernel=read_if_there(kernel / "osrelease"),
            architecture=read_if_there(kernel / "arch") or self.machine,
            cpu_model=cpus.model,
            cpu_vendor=cpus.vendor,
            sockets=sockets,
            cores=cores,
            threads=cpus.threads,
            memory_bytes=memory.parse(read(self.procfs / "meminfo"))["MemTotal"],
            base_hertz=base_hertz(self.sysfs, cpus.model),
            vendor=board.vendor,
            model=board.model,
            serial=board.serial,
            bios_date=board.bios_date,
            product_uuid=board.product_uuid,
            virtual=cpus.virtual,
            bios_vendor=board.bios_vendor,
            bios_version=board.bios_version,
            board_vendor=board.board_vendor,
            board_model=board.board_model,
            chassis=board.chassis,
            cpu_family=cpus.family,
            cpu_model_number=cpus.model_number,
            cpu_stepping=cpus.stepping,
            microcode=cpus.microcode,
            max_hertz=max_hertz(self.sysfs),
            links=links(self.sysfs),
        )


def read_boot_id(procfs: Path) -> str:
    """Return the identity of this boot of the kernel; empty where it cannot be read."""
    return read_if_there(procfs / "sys/kernel/random/boot_id")
