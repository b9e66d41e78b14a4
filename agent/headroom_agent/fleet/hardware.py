"""
Server models that the simulated estate is made of, from old to new.

Idle and full watts are medians of published two-socket SPECpower results for the generation, so
an estate of them has a plausible spread; they are no measurement of the named machine.
"""

from dataclasses import dataclass

GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class Hardware:
    """One model of server; clock in hertz, power at the wall in watts."""

    vendor: str
    model: str
    cpu_model: str
    cpu_vendor: str
    sockets: int
    cores: int
    threads: int
    memory_bytes: int
    base_hertz: float
    idle_watts: float
    full_watts: float
    bios_date: str
    purchase_date: str
    host_class: str


MODELS = (
    Hardware(
        "Dell Inc.", "PowerEdge R730", "Intel(R) Xeon(R) CPU E5-2680 v3 @ 2.50GHz", "GenuineIntel",
        2, 24, 48, 256 * GIB, 2.5e9, 47, 272, "2016-04-08", "2015-11-02", "general",
    ),
    Hardware(
        "HPE", "ProLiant DL360 Gen10", "Intel(R) Xeon(R) Gold 6130 CPU @ 2.10GHz", "GenuineIntel",
        2, 32, 64, 384 * GIB, 2.1e9, 52, 432, "2019-05-21", "2018-03-12", "general",
    ),
    Hardware(
        "Lenovo", "ThinkSystem SR630", "Intel(R) Xeon(R) Gold 6248 CPU @ 2.50GHz", "GenuineIntel",
        2, 40, 80, 384 * GIB, 2.5e9, 52, 414, "2020-10-15", "2019-09-30", "general",
    ),
    Hardware(
        "Dell Inc.", "PowerEdge R650", "Intel(R) Xeon(R) Gold 6338 CPU @ 2.00GHz", "GenuineIntel",
        2, 64, 128, 512 * GIB, 2.0e9, 131, 623, "2022-02-10", "2021-11-15", "general",
    ),
    Hardware(
        "HPE", "ProLiant DL385 Gen10 Plus", "AMD EPYC 7543 32-Core Processor", "AuthenticAMD",
        2, 64, 128, 1024 * GIB, 2.8e9, 104, 461, "2023-07-20", "2022-06-01", "memory",
    ),
)  # fmt: skip
