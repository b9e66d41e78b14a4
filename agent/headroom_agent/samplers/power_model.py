"""
Power of a host at the wall, modelled from its load: where nothing measures it.

Labelled as modelled, with the interval that the figure lies in. In a virtual machine it is what a
server of that many threads would draw, not a part of the server below.
"""

from collections.abc import Callable
from pathlib import Path

from headroom_agent.sampler import Moment, NoData, SampleError
from headroom_agent.samplers.files import read_text
from headroom_core.energy import generic_model
from headroom_proto.v1 import samples_pb2, telemetry_pb2

LONGEST_SECONDS = 300.0
"""A longer silence (a suspended host, a stopped agent) is a gap and no energy."""


def count_threads(stat: str) -> int:
    """Count the logical CPUs in the text of ``<procfs>/stat``."""
    return sum(line.startswith("cpu") and line[3:4].isdigit() for line in stat.splitlines())


class ModelSampler:
    """
    Models watts from ``cpu_ratio`` (the host's CPU utilisation over the last interval, 0 to 1).

    Joules are the watts times the interval, added up from the agent's start.
    """

    name = "power_model"
    interval_seconds = 0.0

    def __init__(self, procfs: Path, cpu_ratio: Callable[[], float | None]) -> None:
        self._procfs = procfs
        self._cpu_ratio = cpu_ratio
        self._total = 0
        self._at: Moment | None = None

    def sample(self, now: Moment) -> telemetry_pb2.Cycle:
        """Return the host's modelled power. Raises NoData before there is a utilisation."""
        last, self._at = self._at, now
        ratio = self._cpu_ratio()
        if ratio is None:
            raise NoData("the CPU utilisation is not known yet, so no power can be modelled")
        threads = count_threads(read_text(self._procfs / "stat"))
        if threads == 0:
            raise SampleError(f"{self._procfs / 'stat'}: lists no logical CPU")
        power = generic_model(threads).watts(ratio)
        seconds = now.seconds_since(last) if last is not None else 0.0
        if 0 < seconds <= LONGEST_SECONDS:
            self._total += round(power.value * seconds * 1e6)
        sample = samples_pb2.EnergySample(
            domain="host",
            quantity="wall",
            source="model",
            kind="modelled",
            energy_microjoules_total=self._total,
            power_watts=power.value,
            power_low_watts=power.low,
            power_high_watts=power.high,
        )
        return telemetry_pb2.Cycle(energy=[sample])
