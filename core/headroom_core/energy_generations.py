"""
Power of a server from the generation of its CPUs: medians of what makers published.

Derived from 1,088 SPECpower_ssj2008 results as of March 2026 (collected by the project Cloud Carbon
Footprint): servers of one and two sockets, watts at the input, each column's median by itself. TDP by
name of the CPU from the table of CodeCarbon 3.3.2.
"""

import math
import re
from dataclasses import dataclass

from headroom_core.energy import Estimate, PowerModel


@dataclass(frozen=True, slots=True)
class Generation:
    """
    Medians of one generation, of ``results`` published servers, in watts.

    ``idle_one`` and ``idle_two`` are for each socket of servers with one and two; ``full_socket``,
    ``full_core`` and ``full_tdp`` (for each watt of the CPUs' thermal design power) at full load.
    """

    name: str
    pattern: str
    results: int
    idle_one: float
    idle_two: float
    full_socket: float
    full_core: float
    full_tdp: float

    def idle(self, sockets: int) -> float:
        """Return idle watts of a server."""
        return sockets * (self.idle_one if sockets == 1 else self.idle_two)

    def full(self, sockets: int, cores: int, tdp: float | None = None) -> float:
        """
        Return watts at full load: between what all CPUs' TDP, sockets and cores say.

        Where the TDP is known it has three quarters of the say: of two CPUs with as many cores the
        one that is made for more draws more.
        """
        by_size = math.sqrt(self.full_socket * sockets * self.full_core * cores)
        return by_size if tdp is None else (self.full_tdp * tdp) ** 0.75 * by_size**0.25


GENERATIONS = (
    Generation("EPYC 9005", r"EPYC 9\d\d5", 39, 71.9, 67.5, 380.0, 2.34, 0.941),
    Generation("EPYC 9004", r"EPYC [89]\d\d4", 67, 68.3, 60.5, 334.0, 3.33, 1.0),
    Generation("EPYC 7003", r"EPYC 7\w\d3", 23, 53.9, 52.0, 234.0, 3.66, 0.841),
    Generation("EPYC 7002", r"EPYC 7\w\d2", 30, 65.3, 46.7, 213.2, 3.33, 1.003),
    Generation("EPYC 7001", r"EPYC 7\d\d1", 10, 47.6, 47.5, 148.0, 4.64, 0.822),
    Generation("Xeon 6", r"Xeon 6[579]\d\d[PE]", 44, 123.0, 102.5, 449.2, 4.61, 1.266),
    Generation(
        "Emerald Rapids", r"(Platinum|Gold|Silver) [3-8]5\d\d", 27, 94.4, 85.0, 381.0, 6.46, 1.189
    ),
    Generation(
        "Sapphire Rapids",
        r"(Platinum|Gold|Silver|Bronze) [3-9]4\d\d",
        47,
        107.0,
        81.5,
        390.5,
        7.62,
        1.27,
    ),
    Generation(
        "Ice Lake SP", r"(Platinum|Gold|Silver) [4-8]3\d\d", 26, 94.1, 65.5, 310.2, 7.80, 1.162
    ),
    Generation(
        "Cascade Lake",
        r"(Platinum|Gold|Silver|Bronze) [3-9]2\d\d",
        32,
        50.0,
        26.1,
        207.0,
        7.46,
        1.045,
    ),
    Generation(
        "Skylake SP",
        r"(Platinum|Gold|Silver|Bronze) [3-8]1\d\d",
        35,
        38.9,
        26.2,
        216.0,
        8.06,
        1.109,
    ),
    Generation("Xeon E", r"Xeon E[ -]", 31, 18.6, 18.6, 75.7, 10.30, 0.813),
    Generation("Broadwell EP", r"E5-\d+\w* v4", 10, 22.4, 22.4, 126.8, 5.76, 0.879),
    Generation("Haswell EP", r"E5-\d+\w* v3", 12, 23.5, 23.5, 136.0, 7.56, 0.938),
    Generation("Sandy Bridge EP", r"E5-\d{4}\w?\b(?! v)", 92, 28.1, 28.1, 127.0, 16.06, 1.326),
    Generation("Xeon E3", r"E3-", 28, 17.2, 17.2, 58.2, 14.56, 1.191),
    Generation(
        "Nehalem and Westmere",
        r"Xeon (CPU )?[XLEW][35][56]\d\d\b",
        86,
        36.5,
        36.5,
        121.2,
        21.54,
        1.353,
    ),
)
IDLE_ENDS = (0.74, 1.75)
FULL_ENDS = (0.75, 1.34)
TDP_ENDS = (0.79, 1.28)
"""5th and 95th percentile of true over modelled watts, each server left out of its own medians."""


def find(cpu_model: str) -> Generation | None:
    """Return the generation of a CPU by its name, as in /proc/cpuinfo; None where it has no medians."""
    plain = re.sub(r"\((R|TM)\)|®|™", "", cpu_model, flags=re.IGNORECASE)
    plain = " ".join(plain.split())
    for one in GENERATIONS:
        if re.search(one.pattern, plain, re.IGNORECASE):
            return one
    return None


def model(one: Generation, sockets: int, cores: int, tdp: float | None = None) -> PowerModel:
    """Return the power of a server; ``tdp``: of all CPUs, in watts. Raises ValueError."""
    if sockets < 1 or cores < 1 or (tdp is not None and tdp <= 0):
        raise ValueError(
            f"{sockets} sockets, {cores} cores, {tdp} W: expected more than 0 of each"
        )
    idle, full = one.idle(sockets), one.full(sockets, cores, tdp)
    full, ends = max(full, idle), FULL_ENDS if tdp is None else TDP_ENDS
    return PowerModel(
        Estimate(idle, idle * IDLE_ENDS[0], idle * IDLE_ENDS[1]),
        Estimate(full, full * ends[0], full * ends[1]),
    )


def tdp_model(tdp: float) -> PowerModel:
    """
    Return the power of a server of which only the TDP of all its CPUs is known, in watts.

    Power laws through 548 published servers of one and two sockets from 2012 on, with the 5th and
    95th percentile around them: 33 % off at idle in the mean, 17 % at full load. Raises ValueError.
    """
    if tdp <= 0:
        raise ValueError(f"TDP of {tdp} W: expected more than 0")
    idle, full = 0.935 * tdp**0.768, 1.415 * tdp**0.957
    return PowerModel(
        Estimate(idle, idle * 0.53, idle * 1.89), Estimate(full, full * 0.74, full * 1.37)
    )
