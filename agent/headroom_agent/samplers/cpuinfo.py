"""CPUs of an x86 host, out of <procfs>/cpuinfo."""

import re
from dataclasses import dataclass

CLOCK = re.compile(r"@\s*([0-9.]+)\s*GHz")


@dataclass(frozen=True, slots=True)
class Cpus:
    """
    Model, maker and counts; None where cpuinfo does not tell.

    ``virtual`` is the CPUID flag "hypervisor": the host is itself a virtual machine.
    """

    model: str = ""
    vendor: str = ""
    sockets: int | None = None
    cores: int | None = None
    threads: int | None = None
    virtual: bool | None = None
    family: int | None = None
    model_number: int | None = None
    stepping: int | None = None
    microcode: str = ""


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() else None


def _blocks(text: str) -> list[dict[str, str]]:
    blocks = []
    for block in text.strip().split("\n\n"):
        pairs = (line.partition(":") for line in block.splitlines())
        blocks.append({key.strip(): value.strip() for key, _, value in pairs})
    return [block for block in blocks if "processor" in block]


def parse(text: str) -> Cpus:
    """Parse cpuinfo; an empty one gives empty facts."""
    blocks = _blocks(text)
    if not blocks:
        return Cpus()
    first = blocks[0]
    sockets = {block["physical id"] for block in blocks if "physical id" in block}
    cores = {
        (block["physical id"], block["core id"])
        for block in blocks
        if "physical id" in block and "core id" in block
    }
    return Cpus(
        model=" ".join(first.get("model name", "").split()),
        vendor=first.get("vendor_id", ""),
        sockets=len(sockets) or None,
        cores=len(cores) or None,
        threads=len(blocks),
        virtual="hypervisor" in first["flags"].split() if "flags" in first else None,
        family=_number(first.get("cpu family", "")),
        model_number=_number(first.get("model", "")),
        stepping=_number(first.get("stepping", "")),
        microcode=first.get("microcode", ""),
    )


def named_hertz(model: str) -> float | None:
    """Return the clock that a model's name ends in, in hertz."""
    found = CLOCK.search(model)
    return float(found[1]) * 1e9 if found else None
