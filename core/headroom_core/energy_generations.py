"""
Power of a server from the generation of its CPUs: medians of what makers published.

Derived from 1,088 SPECpower_ssj2008 results as of March 2026 (collected by the project Cloud Carbon
Footprint): servers of one and two sockets, watts at the input, each column's median by itself.
"""

import math
import re
from dataclasses import dataclass

from headroom_core.energy import Estimate, PowerModel


@dataclass(frozen=True, slots=True)
class Generation:
    """
    Medians of one generation, of ``results`` published servers, in watts.

    ``idle_one`` and ``idle_two`` are for each socket of servers with one and two; ``full_socket``
    and ``full_core`` at full load.
    """

    name: str
    pattern: str
    results: int
    idle_one: float
    idle_two: float
    full_socket: float
    full_core: float

    def idle(self, sockets: int) -> float:
        """Return idle watts of a server."""
        return sockets * (self.idle_one if sockets == 1 else self.idle_two)

    def full(self, sockets: int, cores: int) -> float:
        """Return watts at full load: between what sockets and what cores say."""
        return math.sqrt(self.full_socket * sockets * self.full_core * cores)


GENERATIONS = (
    Generation("EPYC 9005", r"EPYC 9\d\d5", 39, 71.9, 67.5, 380.0, 2.34),
    Generation("EPYC 9004", r"EPYC [89]\d\d4", 67, 68.3, 60.5, 334.0, 3.33),
    Generation("EPYC 7003", r"EPYC 7\w\d3", 23, 53.9, 52.0, 234.0, 3.66),
    Generation("EPYC 7002", r"EPYC 7\w\d2", 30, 65.3, 46.7, 213.2, 3.33),
    Generation("EPYC 7001", r"EPYC 7\d\d1", 10, 47.6, 47.5, 148.0, 4.64),
    Generation("Xeon 6", r"Xeon 6[579]\d\d[PE]", 44, 123.0, 102.5, 449.2, 4.61),
    Generation(
        "Emerald Rapids", r"(Platinum|Gold|Silver) [3-8]5\d\d", 27, 94.4, 85.0, 381.0, 6.46
    ),
    Generation(
        "Sapphire Rapids",
        r"(Platinum|Gold|Silver|Bronze) [3-9]4\d\d",
        47,
        107.0,
        81.5,
        390.5,
        7.62,
    ),
    Generation("Ice Lake SP", r"(Platinum|Gold|Silver) [4-8]3\d\d", 26, 94.1, 65.5, 310.2, 7.80),
    Generation(
        "Cascade Lake", r"(Platinum|Gold|Silver|Bronze) [3-9]2\d\d", 32, 50.0, 26.1, 207.0, 7.46
    ),
    Generation(
        "Skylake SP", r"(Platinum|Gold|Silver|Bronze) [3-8]1\d\d", 35, 38.9, 26.2, 216.0, 8.06
    ),
    Generation("Xeon E", r"Xeon E[ -]", 31, 18.6, 18.6, 75.7, 10.30),
    Generation("Broadwell EP", r"E5-\d+\w* v4", 10, 22.4, 22.4, 126.8, 5.76),
    Generation("Haswell EP", r"E5-\d+\w* v3", 12, 23.5, 23.5, 136.0, 7.56),
    Generation("Sandy Bridge EP", r"E5-\d{4}\w?\b(?! v)", 92, 28.1, 28.1, 127.0, 16.06),
    Generation("Xeon E3", r"E3-", 28, 17.2, 17.2, 58.2, 14.56),
    Generation(
        "Nehalem and Westmere", r"Xeon (CPU )?[XLEW][35][56]\d\d\b", 86, 36.5, 36.5, 121.2, 21.54
    ),
)
IDLE_ENDS = (0.74, 1.75)
FULL_ENDS = (0.75, 1.34)
"""5th and 95th percentile of true over modelled watts, each server left out of its own medians."""


def find(cpu_model: str) -> Generation | None:
    """Return the generation of a CPU by its name, as in /proc/cpuinfo; None where it has no medians."""
    plain = re.sub(r"\((R|TM)\)|®|™", "", cpu_model, flags=re.IGNORECASE)
    plain = " ".join(plain.split())
    for one in GENERATIONS:
        if re.search(one.pattern, plain, re.IGNORECASE):
            return one
    return None


def model(one: Generation, sockets: int, cores: int) -> PowerModel:
    """Return the power of a server, with intervals of 90 %. Raises ValueError."""
    if sockets < 1 or cores < 1:
        raise ValueError(f"{sockets} sockets, {cores} cores: expected at least 1 of each")
    idle, full = one.idle(sockets), one.full(sockets, cores)
    full = max(full, idle)
    return PowerModel(
        Estimate(idle, idle * IDLE_ENDS[0], idle * IDLE_ENDS[1]),
        Estimate(full, full * FULL_ENDS[0], full * FULL_ENDS[1]),
    )
