"""
Power of a host at its input, from the best source that answers.

Measured where something measures it; else derived from the CPUs' own counters by a line that was
learnt while it was measured; else modelled from the load. Each source is a series of its own that
counts what was known by it, so that one that comes back makes no step. The interval in which the
source changes ends the old series, and the new one begins where it stood: what all of them grew by
is the energy.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from headroom_agent.notices import Notices
from headroom_agent.sampler import Moment, NoData
from headroom_agent.samplers.energy_sources import Source, SourceError
from headroom_agent.samplers.energy_state import EnergyState
from headroom_core.energy import Estimate, PowerModel
from headroom_core.energy_fit import Shaper
from headroom_core.energy_floor import IdleFloor
from headroom_core.power import Kind
from headroom_proto.v1 import samples_pb2, telemetry_pb2

LONGEST_SECONDS = 300.0
"""A longer silence (a suspended host, a stopped agent) is a gap and no energy."""


@dataclass(frozen=True, slots=True)
class Modelled:
    """A model of this host, and why there is nothing better."""

    power: PowerModel
    basis: str


@dataclass(frozen=True, slots=True)
class Found:
    """Power of one interval with where it is from; ``joules`` where they are known better."""

    watts: Estimate
    source: str
    kind: Kind
    basis: str
    joules: float | None = None


@dataclass(slots=True)
class Gauge:
    """The last reading of a measuring source."""

    source: str
    watts: Estimate
    at: float


@dataclass(slots=True)
class WallSampler:
    """
    Gives one sample of the host's input power in each cycle.

    ``component`` is the power of CPUs and memory over the last interval and ``cpu_ratio`` the CPU
    utilisation, None where they are not known.
    """

    sources: Sequence[Source]
    model: Modelled
    component: Callable[[], float | None]
    cpu_ratio: Callable[[], float | None]
    state: EnergyState
    notices: Notices
    interval_seconds: float = 0.0
    name: str = "wall"
    _gauge: Gauge | None = None
    _last: Found | None = None
    _gap: float = 0.0
    _shaper: Shaper = field(init=False)
    _floor: IdleFloor = field(init=False)

    def __post_init__(self) -> None:
        """Go on with what an earlier run learnt."""
        self._shaper = Shaper(self.state.fit)
        self._floor = IdleFloor()
        self._floor.seen.extend(self.state.floor)

    def sample(self, now: Moment) -> telemetry_pb2.Cycle:
        """Return the host's power. Raises NoData where nothing is known of it."""
        at = now.boottime_ns / 1e9
        seconds = at - self.state.wall_at if self.state.wall_at is not None else 0.0
        component, ratio = self.component(), self.cpu_ratio()
        found = self._measured(at, seconds, component) or self._derived(component)
        found = found or self._modelled(ratio)
        before = self.state.wall_source
        self._count(found, at, seconds)
        if found is None:
            raise NoData("the CPU utilisation is not known yet, so no power can be modelled")
        if ratio is not None and found.kind != "modelled":
            self._floor.learn(ratio, found.watts.value)
            self.state.floor = list(self._floor.seen)
        closing = self._closing(before, found)
        self.state.wall_source = (found.source, found.kind, found.basis)
        self.state.save(self.notices)
        return telemetry_pb2.Cycle(energy=[self._sample(found), *closing])

    def _closing(
        self, before: tuple[str, str, str] | None, found: Found
    ) -> list[samples_pb2.EnergySample]:
        """Return the end of the source before, where this is another: its total and no power."""
        if before is None or before[0] == found.source:
            return []
        source, kind, basis = before
        end = samples_pb2.EnergySample(
            domain="host", quantity="wall", source=source, kind=kind, basis=basis
        )
        end.energy_microjoules_total = self.state.wall.get(source, 0)
        return [end]

    def close(self) -> None:
        """Close the file of what was learnt."""
        self.state.close()

    def _measured(self, at: float, seconds: float, component: float | None) -> Found | None:
        for source in self.sources:
            gauge = self._gauge
            if gauge and gauge.source == source.name and at - gauge.at < source.every_seconds:
                return self._between(source, gauge, seconds, component)
            try:
                watts = source.watts(at)
            except SourceError as error:
                self.notices.fault(f"power {source.name}", f"{error}; the next source is taken")
                continue
            self.notices.fine(f"power {source.name}", f"power is measured again: {source.basis}")
            self._gauge = Gauge(source.name, watts, at)
            if component is not None:
                self._shaper.gauge(watts.value, component)
            return self._between(source, self._gauge, seconds, component)
        self._gauge = None
        return None

    def _between(
        self, source: Source, gauge: Gauge, seconds: float, component: float | None
    ) -> Found:
        """Return the gauge's power, between two readings in the shape of the components'."""
        watts, joules = gauge.watts, None
        if component is not None and source.every_seconds > 0:
            joules = self._shaper.joules(seconds, component * seconds)
        if joules is not None and joules > 0:
            watts = watts.times(joules / seconds / watts.value)
        return Found(watts, source.name, "measured", source.basis, joules)

    def _derived(self, component: float | None) -> Found | None:
        watts = self.state.fit.estimate(component) if component is not None else None
        if watts is None:
            return None
        basis = "counters of the CPUs, by the line learnt while the input was measured"
        return Found(watts, "rapl_regression", "derived", basis)

    def _modelled(self, ratio: float | None) -> Found | None:
        if ratio is None:
            return None
        return Found(self.model.power.watts(ratio), "model", "modelled", self.model.basis)

    def _count(self, found: Found | None, at: float, seconds: float) -> None:
        last, self._last = self._last, found
        self.state.wall_at = at
        if found is None or seconds > LONGEST_SECONDS:
            self._gap += seconds
            return
        joules = found.joules
        if joules is None:
            same = last is not None and last.source == found.source
            before = last.watts.value if last is not None and same else found.watts.value
            mean = (
                found.watts.value if found.kind != "measured" else (before + found.watts.value) / 2
            )
            joules = mean * seconds
        known = self.state.wall_source
        source = found.source if known is None else known[0]
        total = self.state.wall.get(source, 0)
        self.state.wall[source] = total + max(0, round(joules * 1e6))

    def _sample(self, found: Found) -> samples_pb2.EnergySample:
        measured = self._floor.watts()
        floor = measured if measured is not None else self.model.power.idle.value
        return samples_pb2.EnergySample(
            domain="host",
            quantity="wall",
            source=found.source,
            kind=found.kind,
            basis=found.basis,
            energy_microjoules_total=self.state.wall.get(found.source, 0),
            power_watts=found.watts.value,
            power_low_watts=found.watts.low,
            power_high_watts=found.watts.high,
            gap_seconds_total=self._gap,
            idle_floor_watts=floor,
            idle_floor_measured=int(measured is not None),
        )
