"""
Energy of CPU packages and memory, measured by the CPUs themselves (RAPL, through powercap).

It is a part of what a server draws (half of it, loaded; less at idle), so it is the quantity
``component`` and never mixed with power at the wall.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from headroom_agent.notices import Notices
from headroom_agent.sampler import Moment, NoData, take_moment
from headroom_agent.samplers.energy_state import EnergyState, SavedCounter
from headroom_agent.samplers.files import Kept, names
from headroom_agent.samplers.rapl_zones import Zone, zones
from headroom_core.energy_counter import EnergyCounter
from headroom_proto.v1 import samples_pb2, telemetry_pb2

LONGEST_SECONDS = 30.0
"""A counter of 65.5 kJ comes round in 65 s at the most that a domain may draw: read it oftener."""
SUSPENDED_SECONDS = 1.0
"""The clocks with and without suspended time drift apart by less than this without a suspension."""
HELP = (
    "may not be read: install deploy/energy/headroom-rapl.conf as "
    "/etc/tmpfiles.d/headroom-rapl.conf and run systemd-tmpfiles --create, or run the agent as root"
)


class RaplError(Exception):
    """The counters are there and may not be read; one line."""


class Unreadable(Exception):  # noqa: N818 - it is an expected outcome and no error
    """A counter has no value now; ``gone`` where its zone went away, as a hot-plugged CPU's does."""

    def __init__(self, why: str, *, gone: bool) -> None:
        super().__init__(why)
        self.gone = gone


def parse(data: bytes) -> int | None:
    """Return the microjoules that a counter's file says; None where it says none."""
    text = data.strip()
    return int(text) if text.isdigit() else None


@dataclass(slots=True)
class Meter:
    """A zone, its open file and its counter."""

    zone: Zone
    file: Kept
    counter: EnergyCounter
    watts: float | None = None

    @classmethod
    def of(cls, zone: Zone, saved: SavedCounter | None = None) -> "Meter":
        """Start a counter, or go on with a saved one."""
        counter = EnergyCounter(zone.scale, zone.most_watts)
        if saved is not None:
            counter.resume(saved.total, saved.mark)
        return cls(zone, Kept(zone.energy), counter)

    def raw(self) -> int:
        """Return the raw counter in microjoules. Raises RaplError and Unreadable."""
        try:
            value = parse(self.file.read())
        except PermissionError:
            raise RaplError(f"{self.zone.energy}: {HELP}") from None
        except OSError as error:
            self.file.close()
            # ENODEV comes from a file of a zone that was taken away while it was open.
            gone = isinstance(error, FileNotFoundError) or error.errno == 19
            raise Unreadable(error.strerror or "cannot be read", gone=gone) from None
        if value is None:
            raise Unreadable("holds no number", gone=False)
        return value

    def sample(self, basis: str) -> samples_pb2.EnergySample:
        """Return what it counted so far."""
        return samples_pb2.EnergySample(
            domain=self.zone.domain,
            quantity="component",
            source="rapl",
            kind="measured",
            basis=basis,
            energy_microjoules_total=self.counter.total,
            power_watts=self.watts,
            gap_seconds_total=self.counter.gap_seconds,
            counter_wraps_total=self.counter.wraps,
            counter_resets_total=self.counter.resets,
        )


@dataclass(slots=True)
class Rapl:
    """
    Every package and memory counter of a host.

    ``boottime`` and ``monotonic`` are seconds of clocks with and without suspended time: counters
    begin anew while a host sleeps. ``state`` keeps the totals over a restart of the agent.
    """

    sysfs: Path
    notices: Notices
    monotonic: Callable[[], float] = time.monotonic
    state: EnergyState = field(default_factory=EnergyState)
    _meters: dict[str, Meter] = field(default_factory=dict)
    _behind: float | None = None
    _listed: tuple[str, ...] = ()

    def look(self) -> bool:
        """List the zones anew where some came or went; known ones stay. False where there are none."""
        listed = tuple(names(self.sysfs / "class" / "powercap"))
        if listed == self._listed and self._meters:
            return True
        self._listed = listed
        for zone in zones(self.sysfs):
            if zone.domain not in self._meters:
                self._meters[zone.domain] = Meter.of(zone, self.state.counter(zone.domain))
        return bool(self._meters)

    def meters(self) -> tuple[Meter, ...]:
        """Every counter that was ever there."""
        return tuple(self._meters.values())

    def read(self, now: Moment) -> tuple[Meter, ...]:
        """Read every counter; returns those that had a value."""
        at = now.boottime_ns / 1e9
        if self._slept(at):
            for meter in self._meters.values():
                meter.counter.lose(at)
        return tuple(meter for meter in self._meters.values() if self._read(meter, at))

    def watts(self) -> float | None:
        """Return the power of all domains together; None where one does not know its own."""
        known = [meter.watts for meter in self._meters.values() if meter.watts is not None]
        return sum(known) if known and len(known) == len(self._meters) else None

    def close(self) -> None:
        """Close the files."""
        for meter in self._meters.values():
            meter.file.close()

    def _slept(self, at: float) -> bool:
        before, self._behind = self._behind, at - self.monotonic()
        return before is not None and self._behind - before > SUSPENDED_SECONDS

    def _read(self, meter: Meter, at: float) -> bool:
        thing = f"rapl {meter.zone.domain}"
        meter.watts = None
        try:
            raw = meter.raw()
        except RaplError as error:
            self.notices.fault(thing, str(error))
            return False
        except Unreadable as error:
            if error.gone:
                meter.counter.lose(at)
            self.notices.fault(thing, f"{meter.zone.energy}: {error}; a gap and no energy")
            return False
        self.notices.fine(thing, f"{meter.zone.energy}: has values again")
        meter.watts = meter.counter.read(raw, at).watts()
        if meter.counter.last is not None:
            self.state.keep(
                meter.zone.domain, SavedCounter(meter.counter.total, meter.counter.last)
            )
        return True


class RaplSampler:
    """
    Gives every package's and memory's energy; totals never go back.

    Where cycles come too seldom to see every wrap, a thread reads in between.
    """

    name = "rapl"

    def __init__(
        self,
        rapl: Rapl,
        interval_seconds: float = 0.0,
        moment: Callable[[], Moment] = take_moment,
    ) -> None:
        self.rapl = rapl
        self.interval_seconds = interval_seconds
        self._moment = moment
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._last: Moment | None = None
        self._totals: dict[str, int] = {}

    def sample(self, now: Moment) -> telemetry_pb2.Cycle:
        """Return a sample for each zone that could be read. Raises NoData without any."""
        with self._lock:
            self.rapl.look()
            last, self._last = self._last, now
            seconds = now.seconds_since(last) if last is not None else 0.0
            samples = [self._sample(meter, seconds) for meter in self.rapl.read(now)]
        if seconds > LONGEST_SECONDS and self._thread is None:
            self._thread = threading.Thread(target=self._between, name="rapl", daemon=True)
            self._thread.start()
        if not samples:
            raise NoData("no RAPL counter under class/powercap can be read")
        return telemetry_pb2.Cycle(energy=samples)

    def close(self) -> None:
        """End the thread and close the files."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=5.0)
        self.rapl.close()

    def _sample(self, meter: Meter, seconds: float) -> samples_pb2.EnergySample:
        found = meter.sample("counters of the CPUs")
        before = self._totals.get(meter.zone.domain)
        self._totals[meter.zone.domain] = meter.counter.total
        if self._thread is not None and before is not None and meter.watts is not None:
            found.power_watts = (meter.counter.total - before) / 1e6 / seconds
        return found

    def _between(self) -> None:
        while not self._stop.wait(LONGEST_SECONDS / 2):
            with self._lock:
                self.rapl.read(self._moment())


def rapl_sampler(rapl: Rapl, interval_seconds: float) -> RaplSampler:
    """Return a sampler of a host's counters. Raises RaplError where none of them may be read."""
    refused = None
    for meter in rapl.meters():
        try:
            meter.raw()
        except RaplError as error:
            refused = error
        except Unreadable:
            continue
        else:
            return RaplSampler(rapl, interval_seconds)
    if refused is not None:
        raise refused
    return RaplSampler(rapl, interval_seconds)
