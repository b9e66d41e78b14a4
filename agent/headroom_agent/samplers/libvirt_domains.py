"""Domains as libvirt tells them, turned into samples: pure functions."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
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
RUNNING = (1, 2)
"""Running, and running but waiting for a resource."""
KIB = 1024
NANO = 1e9


class AnswerError(Exception):
    """libvirt refused, or the answer cannot be read; one line."""


@dataclass(frozen=True, slots=True)
class Domain:
    """One virtual machine; None for what libvirt did not tell. ``id`` is -1 when it is off."""

    uuid: str
    name: str
    id: int
    state: int | None
    cpu_ns: int | None
    delay_ns: int | None
    vcpus: int | None
    memory_kib: int | None
    memory_max_kib: int | None
    resident_kib: int | None


@dataclass(frozen=True, slots=True)
class Reading:
    """All domains at one moment, in nanoseconds since boot."""

    boottime_ns: int
    hypervisor: str
    domains: tuple[Domain, ...]


def parse(line: bytes) -> Reading:
    """Read the answer of the process that talks to libvirt; raises AnswerError."""
    try:
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise AnswerError(str(answer["error"]).replace("\n", " "))
        domains = tuple(_told(Domain(**domain)) for domain in answer["domains"])
        return Reading(answer["boottime_ns"], answer["hypervisor"], domains)
    except (ValueError, TypeError, KeyError) as error:
        raise AnswerError(f"an answer that cannot be read ({error})") from None


def host_sample(domains: Sequence[Domain]) -> samples_pb2.HostSample:
    """Count the domains by state and add up what the running ones were given."""
    states = Counter(domain.state for domain in domains)
    running = [domain for domain in domains if domain.state in RUNNING]
    sample = samples_pb2.HostSample(
        domains_stale=0,
        vcpus_running=_sum([domain.vcpus for domain in running]),
        domains_memory_bytes=_bytes(_sum([domain.memory_kib for domain in running])),
    )
    for number, state in enumerate(STATES):
        setattr(sample, f"domains_{state}", states[number])
    return sample


def _told(domain: Domain) -> Domain:
    """
    Leave out what libvirt tells of a domain that is off but that is none of the domain's.

    With libvirt 9.0 its cpu.time is the time of the daemon itself.
    """
    if domain.id >= 0:
        return domain
    return replace(domain, cpu_ns=None, delay_ns=None, memory_kib=None, resident_kib=None)


def vm_sample(domain: Domain, ratio: float | None) -> samples_pb2.VmSample:
    """Return one domain's sample; what is not known stays absent."""
    return samples_pb2.VmSample(
        uuid=domain.uuid,
        name=domain.name,
        domain_id=domain.id,
        state=domain.state,
        vcpus=domain.vcpus,
        cpu_seconds_total=_seconds(domain.cpu_ns),
        cpu_utilisation_ratio=ratio,
        steal_seconds_total=_seconds(domain.delay_ns),
        memory_bytes=_bytes(domain.memory_kib),
        memory_max_bytes=_bytes(domain.memory_max_kib),
        memory_resident_bytes=_bytes(domain.resident_kib),
    )


def utilisation(before: Reading | None, now: Reading) -> Mapping[str, float]:
    """
    Return each domain's share of its vCPUs since the reading before, by UUID.

    None for a domain that was started anew (another id), whose counter went back or that was not
    there. QEMU's own threads count, too, so one busy vCPU can come out above 1: it is cut there.
    """
    if before is None or now.boottime_ns <= before.boottime_ns:
        return {}
    seconds = (now.boottime_ns - before.boottime_ns) / NANO
    known = {domain.uuid: domain for domain in before.domains}
    ratios = {}
    for domain in now.domains:
        last = known.get(domain.uuid)
        used = _used_ns(last, domain)
        if used is not None and domain.vcpus:
            ratios[domain.uuid] = min(1.0, used / NANO / seconds / domain.vcpus)
    return ratios


def _used_ns(last: Domain | None, now: Domain) -> int | None:
    if last is None or last.id != now.id or last.cpu_ns is None or now.cpu_ns is None:
        return None
    return now.cpu_ns - last.cpu_ns if now.cpu_ns >= last.cpu_ns else None


def _sum(values: Sequence[int | None]) -> int | None:
    """Add up; one that is not known makes the sum unknown."""
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None


def _seconds(nanoseconds: int | None) -> float | None:
    return None if nanoseconds is None else nanoseconds / NANO


def _bytes(kib: int | None) -> int | None:
    return None if kib is None else kib * KIB
