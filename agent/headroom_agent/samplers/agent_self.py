"""The agent's own cost and the state of its spool."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from headroom_agent.sampler import Moment
from headroom_agent.samplers.files import Files
from headroom_agent.spool import SpoolState
from headroom_proto.v1 import samples_pb2, telemetry_pb2


@dataclass(slots=True)
class Statm:
    """Reads the memory of this very process from Linux' procfs, whatever roots the samplers have."""

    path: str = "/proc/self/statm"
    files: Files = field(default_factory=Files)

    def __call__(self) -> int | None:
        """Return the resident bytes; None where they cannot be read."""
        words = self.files.read_if_there(self.path).split()
        return int(words[1]) * os.sysconf("SC_PAGE_SIZE") if words else None


@dataclass(slots=True)
class SelfSampler:
    """
    Tells of this very process.

    ``cycle_seconds`` gives the time of the previous cycle, ``spool`` the spool's state, ``resident``
    the bytes of memory that it holds; None where there is none.
    """

    cycle_seconds: Callable[[], float | None]
    spool: Callable[[], SpoolState | None]
    resident: Callable[[], int | None]
    name: str = "self"
    interval_seconds: float = 0.0

    def sample(self, now: Moment) -> telemetry_pb2.Cycle:  # noqa: ARG002 - the contract's
        """Return the agent's own figures; what cannot be read is absent."""
        agent = samples_pb2.AgentSample(
            cpu_seconds_total=time.process_time(),
            memory_resident_bytes=self.resident(),
            cycle_seconds=self.cycle_seconds(),
        )
        state = self.spool()
        if state is not None:
            agent.spool_batches = state.batches
            agent.spool_bytes = state.size_bytes
            agent.dropped_batches_total = state.dropped
        return telemetry_pb2.Cycle(agent=agent)
