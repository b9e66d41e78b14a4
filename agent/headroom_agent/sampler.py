"""The samplers' contract: one method, three outcomes."""

import time
from dataclasses import dataclass
from typing import Protocol

from headroom_agent.clocks import since_boot_ns
from headroom_proto.v1 import telemetry_pb2


@dataclass(frozen=True, slots=True)
class Moment:
    """
    The one time of a cycle; every sampler gets the same.

    ``time_ns`` is the wall clock in UTC nanoseconds since 1970, ``boottime_ns`` nanoseconds since
    boot with suspended time included (CLOCK_BOOTTIME), which never goes back.
    """

    time_ns: int
    boottime_ns: int

    def seconds_since(self, earlier: "Moment") -> float:
        """Seconds between two moments, whatever the wall clock did in between."""
        return (self.boottime_ns - earlier.boottime_ns) / 1e9


def take_moment() -> Moment:
    """Read both clocks of this machine."""
    return Moment(time.time_ns(), since_boot_ns())


class NoData(Exception):  # noqa: N818 - it is an expected outcome and no error
    """There is nothing to read here: hardware or kernel feature is not there. Says which."""


class SampleError(Exception):
    """Something that should be readable is not; the message is one line for people."""


class Sampler(Protocol):
    """Reads one thing of a host."""

    @property
    def name(self) -> str:
        """Name in the settings, in the log and in the ``sampler`` label."""
        ...

    @property
    def interval_seconds(self) -> float:
        """Least seconds between two readings; 0 reads in every cycle."""
        ...

    def sample(self, now: Moment) -> telemetry_pb2.Cycle:
        """
        Return a partial cycle: only what this sampler knows, merged with the others' afterwards.

        Raises NoData where there is nothing to read, SampleError for a fault with a known cause;
        any other exception counts as a failure, too. ``sample`` may run in a worker thread, but
        never twice at a time.
        """
        ...
