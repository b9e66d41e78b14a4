"""
Virtual machines through libvirt: counts by state, CPU seconds, steal and memory for each.

The calls run in a process of their own (``libvirt_child``), because one that hangs cannot be
interrupted and must not hold up the host's own figures.
"""

import logging
from dataclasses import replace
from pathlib import Path

from headroom_agent.notices import Notices
from headroom_agent.sampler import Moment, SampleError
from headroom_agent.samplers import cpuinfo, memory
from headroom_agent.samplers.files import read, read_if_there
from headroom_agent.samplers.guests import Figures, Guests
from headroom_agent.samplers.libvirt_domains import (
    KIB,
    AnswerError,
    Details,
    Domain,
    Host,
    Reading,
    host_sample,
    parse,
    utilisation,
    vm_sample,
)
from headroom_agent.samplers.libvirt_pipe import LibvirtPipe, PipeError
from headroom_agent.samplers.libvirt_suspects import suspects
from headroom_proto.v1 import samples_pb2, telemetry_pb2

PROBE_SECONDS = 0.25
"""Longest wait in a cycle while libvirt hangs, so that it costs the other figures nothing."""
START_SECONDS = 15.0
"""So long a new process has for its first answer: a busy machine starts one slowly."""
NOTHING = Details()


def physical(procfs: Path) -> Host:
    """Read what the density of the virtual machines is measured by."""
    try:
        total = memory.parse(read(procfs / "meminfo"))["MemTotal"]
    except SampleError:
        total = None
    return Host(cpuinfo.parse(read_if_there(procfs / "cpuinfo")).cores, total)


def merged(details: Details, figures: Figures | None) -> Details:
    """Put what the process tells over what libvirt told last, which is older and coarser."""
    if figures is None:
        return details
    return replace(
        details,
        at_ns=figures.at_ns,
        cpu_ns=figures.cpu_ns,
        delay_ns=figures.delay_ns,
        resident_kib=figures.resident_bytes // KIB,
        vcpus=figures.vcpus if details.vcpus is None else details.vcpus,
    )


class LibvirtSampler:
    """
    Reads all domains of the hypervisor at ``uri``, within ``deadline_seconds``.

    Every cycle libvirt tells the domains by state, and each guest's process its CPU time, steal
    and resident memory; every ``guests_seconds`` each guest is asked for what only it knows. One
    that hangs then is marked ``quarantined``, and the others go on.

    Where there is no answer in time, the sample says ``domains_stale`` = 1 and has no counts; the
    process is killed, another one is tried in the next cycle, and the figures come back with the
    first cycle after libvirt answered. One log line for each change. ``procfs`` serves to name
    the process that hangs, too.
    """

    name = "libvirt"

    def __init__(
        self,
        uri: str,
        procfs: Path,
        *,
        deadline_seconds: float = 3.0,
        guests_seconds: float = 60.0,
        interval_seconds: float = 0.0,
        notices: Notices | None = None,
    ) -> None:
        self.interval_seconds = interval_seconds
        self._uri = uri
        self._procfs = procfs
        self._deadline = deadline_seconds
        self._every = guests_seconds
        self._notices = notices or Notices(logging.getLogger(__name__))
        self._pipe: LibvirtPipe | None = None
        self._answers = True
        self._details: dict[tuple[str, int], Details] = {}
        self._last: dict[tuple[str, int], Details] = {}
        self._guests = Guests(procfs)
        self._host = physical(procfs)
        self._hypervisor = ""
        self._hang = ""

    def sample(self, now: Moment) -> telemetry_pb2.Cycle:  # noqa: ARG002 - the contract's
        """Return the domains, or only that they are stale; never raises for libvirt's faults."""
        try:
            line = self._ask()
            reading = parse(line) if line is not None else None
        except (AnswerError, PipeError, OSError) as error:
            return self._stale(f"libvirt {self._uri}: {error}; domains are not counted meanwhile")
        if reading is None:
            # Said once for each hang: who looks stopped may change while it ends.
            self._hang = self._hang or self._explain()
            return self._stale(self._hang)
        self._hang = ""
        self._notices.fine("libvirt", f"libvirt {self._uri} answers again")
        return self._fresh(reading)

    def close(self) -> None:
        """End the process that talks to libvirt, and close the guests' files."""
        self._end()
        self._guests.close()

    def _end(self) -> None:
        if self._pipe is not None:
            self._pipe.kill()
            self._pipe = None

    def _ask(self) -> bytes | None:
        """Return the answer, None where it is not there in time; raises PipeError, OSError."""
        answered, self._answers = self._answers, False
        try:
            line = self._line(self._deadline if answered else PROBE_SECONDS)
        except (PipeError, OSError):
            self._end()
            raise
        self._answers = line is not None
        if answered and line is None and self._pipe is not None and self._pipe.has_answered:
            self._end()
        return line

    def _line(self, patience: float) -> bytes | None:
        """
        Ask and wait that long. A question that is still open is waited for first.

        While libvirt hangs, questions are left open between the cycles; the late answer itself is
        too old to be used, but it tells that a new question is worth the full wait.
        """
        if self._pipe is not None and self._pipe.waiting:
            if self._pipe.answer(0) is not None:
                patience = self._deadline
            elif self._pipe.age_seconds < self._limit():
                return None
            else:
                self._end()
        if self._pipe is None:
            self._pipe = LibvirtPipe(self._uri, self._deadline, self._every)
        self._pipe.ask()
        return self._pipe.answer(patience)

    def _limit(self) -> float:
        """Seconds after which a process that does not answer is ended."""
        started = self._pipe is not None and self._pipe.has_answered
        return self._deadline if started else max(self._deadline, START_SECONDS)

    def _explain(self) -> str:
        hanging = ", ".join(suspects(self._procfs)) or "look at libvirtd and the guests"
        return (
            f"libvirt {self._uri} does not answer within {self._deadline:g} s: {hanging}; "
            "domains are not counted meanwhile"
        )

    def _stale(self, line: str) -> telemetry_pb2.Cycle:
        self._notices.fault("libvirt", line)
        return telemetry_pb2.Cycle(host=samples_pb2.HostSample(domains_stale=1))

    def _fresh(self, reading: Reading) -> telemetry_pb2.Cycle:
        keys = {(domain.uuid, domain.id) for domain in reading.domains}
        known = {**self._details, **reading.details}
        self._details = {key: known[key] for key in keys & known.keys()}
        self._guests.follow((d.uuid, d.id) for d in reading.domains if d.id >= 0)
        pairs = [(domain, self._figures(domain, reading)) for domain in reading.domains]
        cycle = telemetry_pb2.Cycle(
            host=host_sample(pairs, self._host, self._quarantine(reading)),
            vms=[self._vm(domain, details, reading) for domain, details in pairs],
        )
        self._last = {key: self._last[key] for key in keys & self._last.keys()}
        if reading.hypervisor != self._hypervisor:
            self._hypervisor = reading.hypervisor
            cycle.facts.hypervisor = reading.hypervisor
        return cycle

    def _figures(self, domain: Domain, reading: Reading) -> Details:
        """Return all that is known of a domain now; counters only where they were read now."""
        key = (domain.uuid, domain.id)
        details = self._details.get(key, NOTHING)
        figures = self._guests.read(domain.uuid) if domain.id >= 0 else None
        if figures is None and key not in reading.details:
            return replace(details, cpu_ns=None, delay_ns=None)
        return merged(details, figures)

    def _vm(self, domain: Domain, details: Details, reading: Reading) -> samples_pb2.VmSample:
        key = (domain.uuid, domain.id)
        ratio = utilisation(self._last.get(key), details)
        if details.cpu_ns is not None:
            self._last[key] = details
        return vm_sample(domain, details, ratio, hung=domain.uuid in reading.hung)

    def _quarantine(self, reading: Reading) -> int:
        """Say which guests keep libvirt waiting, once for each change; returns how many."""
        count = 0
        for domain in reading.domains:
            thing = f"guest {domain.uuid}"
            if domain.uuid in reading.hung:
                count += 1
                self._notices.fault(
                    thing,
                    f"virtual machine {domain.name} keeps libvirt waiting (is its QEMU stopped, or "
                    "its disk gone?): not asked until it answers; the others go on",
                )
            else:
                self._notices.fine(thing, f"virtual machine {domain.name} answers again")
        return count
