"""Domains as libvirt tells them, turned into samples: pure functions."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from headroom_proto.v1 import samples_pb2

STATES = (
    "nostate",
    "running",
    "blocked",
    "paused",
    "shutdown",
    "shutoff",
    "crashed",
    "pmsuspended",
)
"""virDomainState by number."""
FIELDS = tuple(f"domains_{state}" for state in STATES)
RUNNING = (1, 2)
"""Running, and running but waiting for a resource."""
KIB = 1024
NANO = 1e9


class AnswerError(Exception):
    """libvirt refused, or the answer cannot be read; one line."""


@dataclass(frozen=True, slots=True)
class Details:
    """
    What is known of one start of a virtual machine, None for what is not.

    ``at_ns`` is when ``cpu_ns`` and ``delay_ns`` were read, in nanoseconds since boot.
    """

    at_ns: int = 0
    cpu_ns: int | None = None
    delay_ns: int | None = None
    vcpus: int | None = None
    memory_kib: int | None = None
    memory_max_kib: int | None = None
    resident_kib: int | None = None


@dataclass(frozen=True, slots=True)
class Domain:
    """One virtual machine; ``id`` is -1 when it is off, and another one after each start."""

    uuid: str
    name: str
    id: int
    state: int | None


@dataclass(frozen=True, slots=True)
class Reading:
    """
    All domains at one moment, in nanoseconds since boot.

    ``details`` are those newly read, by UUID and id; ``hung`` the UUIDs of those that keep libvirt
    waiting.
    """

    boottime_ns: int
    hypervisor: str
    domains: tuple[Domain, ...]
    details: dict[tuple[str, int], Details]
    hung: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Host:
    """What the density is measured by: physical cores and bytes of memory, None where unknown."""

    cores: int | None = None
    memory_bytes: int | None = None


def parse(line: bytes) -> Reading:
    """Read the answer of the process that talks to libvirt; raises AnswerError."""
    try:
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise AnswerError(str(answer["error"]).replace("\n", " "))
        return Reading(
            answer["boottime_ns"],
            answer["hypervisor"],
            tuple(Domain(*row) for row in answer["domains"]),
            {
                (uuid, id_): _told(id_, Details(at, **values))
                for uuid, id_, at, values in answer["details"]
            },
            frozenset(answer["hung"]),
        )
    except (ValueError, TypeError, KeyError) as error:
        raise AnswerError(f"an answer that cannot be read ({error})") from None


def _told(id_: int, details: Details) -> Details:
    """
    Leave out what libvirt tells of a domain that is off but that is none of the domain's.

    With libvirt 9.0 its cpu.time is the time of the daemon itself.
    """
    if id_ >= 0:
        return details
    return replace(details, cpu_ns=None, delay_ns=None, memory_kib=None, resident_kib=None)


def host_sample(
    pairs: Sequence[tuple[Domain, Details]], host: Host, quarantined: int
) -> samples_pb2.HostSample:
    """Count the domains by state, add up what the running ones were given, and its density."""
    states = Counter(domain.state for domain, _ in pairs)
    running = [details for domain, details in pairs if domain.state in RUNNING]
    vcpus = _sum([details.vcpus for details in running])
    memory = _bytes(_sum([details.memory_kib for details in running]))
    sample = samples_pb2.HostSample(
        domains_stale=0,
        domains_defined=len(pairs),
        domains_quarantined=quarantined,
        vcpus_running=vcpus,
        domains_memory_bytes=memory,
        vcpus_per_core=_share(vcpus, host.cores),
        domains_memory_per_physical=_share(memory, host.memory_bytes),
    )
    for number, field in enumerate(FIELDS):
        setattr(sample, field, states[number])
    return sample


def vm_sample(
    domain: Domain, details: Details, ratio: float | None, *, hung: bool
) -> samples_pb2.VmSample:
    """Return one domain's sample; what is not known stays absent."""
    return samples_pb2.VmSample(
        uuid=domain.uuid,
        name=domain.name,
        domain_id=domain.id,
        state=domain.state,
        vcpus=details.vcpus,
        cpu_seconds_total=_seconds(details.cpu_ns),
        cpu_utilisation_ratio=ratio,
        steal_seconds_total=_seconds(details.delay_ns),
        memory_bytes=_bytes(details.memory_kib),
        memory_max_bytes=_bytes(details.memory_max_kib),
        memory_resident_bytes=_bytes(details.resident_kib),
        quarantined=int(hung),
    )


def utilisation(before: Details | None, now: Details) -> float | None:
    """
    Return the share of its vCPUs that one start of a domain used between two readings.

    None at first, and where the counter went back. QEMU's own threads count, too, so one busy
    vCPU can come out above 1: it is cut there.
    """
    if before is None or before.cpu_ns is None or now.cpu_ns is None or not now.vcpus:
        return None
    seconds = (now.at_ns - before.at_ns) / NANO
    if seconds <= 0 or now.cpu_ns < before.cpu_ns:
        return None
    return min(1.0, (now.cpu_ns - before.cpu_ns) / NANO / seconds / now.vcpus)


def _share(part: int | None, whole: int | None) -> float | None:
    return part / whole if part is not None and whole else None


def _sum(values: Sequence[int | None]) -> int | None:
    """Add up; one that is not known makes the sum unknown."""
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None


def _seconds(nanoseconds: int | None) -> float | None:
    return None if nanoseconds is None else nanoseconds / NANO


def _bytes(kib: int | None) -> int | None:
    return None if kib is None else kib * KIB
