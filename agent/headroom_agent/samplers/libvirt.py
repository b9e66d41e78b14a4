"""
Virtual machines through libvirt: counts by state, CPU seconds, steal and memory for each.

The calls run in a process of their own (``libvirt_child``), because one that hangs cannot be
interrupted and must not hold up the host's own figures.
"""

import logging
from pathlib import Path

from headroom_agent.notices import Notices
from headroom_agent.sampler import Moment
from headroom_agent.samplers.libvirt_domains import (
    AnswerError,
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


class LibvirtSampler:
    """
    Reads all domains of the hypervisor at ``uri``, within ``deadline_seconds``.

    Where there is no answer in time, the sample says ``domains_stale`` = 1 and has no counts; the
    process is killed, another one is tried in the next cycle, and the figures come back with the
    first cycle after libvirt answered. One log line for each change. ``procfs`` serves to name
    the process that hangs.
    """

    name = "libvirt"
    interval_seconds = 0.0

    def __init__(
        self,
        uri: str,
        procfs: Path,
        *,
        deadline_seconds: float = 3.0,
        notices: Notices | None = None,
    ) -> None:
        self._uri = uri
        self._procfs = procfs
        self._deadline = deadline_seconds
        self._notices = notices or Notices(logging.getLogger(__name__))
        self._pipe: LibvirtPipe | None = None
        self._answers = True
        self._last: Reading | None = None
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
        """End the process that talks to libvirt."""
        if self._pipe is not None:
            self._pipe.kill()
            self._pipe = None

    def _ask(self) -> bytes | None:
        """Return the answer, None where it is not there in time; raises PipeError, OSError."""
        answered, self._answers = self._answers, False
        try:
            line = self._line(self._deadline if answered else PROBE_SECONDS)
        except (PipeError, OSError):
            self.close()
            raise
        self._answers = line is not None
        if answered and line is None:
            self.close()
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
            elif self._pipe.age_seconds < self._deadline:
                return None
            else:
                self.close()
        if self._pipe is None:
            self._pipe = LibvirtPipe(self._uri, self._deadline)
        self._pipe.ask()
        return self._pipe.answer(patience)

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
        ratios = utilisation(self._last, reading)
        self._last = reading
        cycle = telemetry_pb2.Cycle(
            host=host_sample(reading.domains),
            vms=[vm_sample(domain, ratios.get(domain.uuid)) for domain in reading.domains],
        )
        if reading.hypervisor != self._hypervisor:
            self._hypervisor = reading.hypervisor
            cycle.facts.hypervisor = reading.hypervisor
        return cycle
