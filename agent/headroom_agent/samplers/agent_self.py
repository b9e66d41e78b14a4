"""The agent's own cost and the state of its spool."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from headroom_agent.sampler import Moment
from headroom_agent.samplers.files import Files
from headroom_agent.spool import SpoolState
from headroom_proto.v1 import samples_pb2, telemetry_pb2


@dataclass(slots=True)
class SelfSampler:
    """
    Reads this very process, whatever roots the other samplers have.

    ``cycle_seconds`` gives the time of the previous cycle, ``spool`` the spool's state; both None
    where there is none.
    """

    cycle_seconds: Callable[[], float | None]
    spool: Callable[[], SpoolState | None]
    statm: Path = Path("/proc/self/statm")
    name: str = "self"
    interval_seconds: float = 0.0
    files: Files = field(default_factory=Files)

    def sample(self, now: Moment) -> telemetry_pb2.Cycle:  # noqa: ARG002 - the contract's
        """Return the agent's own figures; what cannot be read is absent."""
        words = self.files.read_if_there(str(self.statm)).split()
        agent = samples_pb2.AgentSample(
            cpu_seconds_total=time.process_time(),
            memory_resident_bytes=int(words[1]) * os.sysconf("SC_PAGE_SIZE") if words else None,
            cycle_seconds=self.cycle_seconds(),
        )
        state = self.spool()
        if state is not None:
            agent.spool_batches = state.batches
            agent.spool_bytes = state.size_bytes
            agent.dropped_batches_total = state.dropped
        return telemetry_pb2.Cycle(agent=agent)

    def close(self) -> None:
        """Close the files."""
        self.files.close()
