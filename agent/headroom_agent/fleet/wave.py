"""
Curves of load that can be integrated in closed form.

A counter at any moment is then one expression of the time, so history and live figures join up
without any state, and a batch that is asked for again comes out the same.
"""

import math
from dataclasses import dataclass

TURN = 2 * math.pi


@dataclass(frozen=True, slots=True)
class Swell:
    """Goes smoothly from 0 to ``height`` and back once every ``period`` seconds."""

    height: float
    period: float
    phase: float

    def value(self, at: float) -> float:
        """Return the height at that second."""
        return self.height * (1 - math.cos(TURN * (at / self.period + self.phase))) / 2

    def integral(self, at: float) -> float:
        """Return the area up to that second, from a fixed moment that is the same for all."""
        turn = TURN * (at / self.period + self.phase)
        return self.height * (at - math.sin(turn) * self.period / TURN) / 2


@dataclass(frozen=True, slots=True)
class Pulse:
    """Is ``height`` for the share ``duty`` of every ``period`` seconds and else 0."""

    height: float
    period: float
    phase: float
    duty: float

    def value(self, at: float) -> float:
        """Return the height at that second."""
        turns = at / self.period + self.phase
        return self.height if turns - math.floor(turns) < self.duty else 0.0

    def integral(self, at: float) -> float:
        """Return the area up to that second, from a fixed moment that is the same for all."""
        turns = at / self.period + self.phase
        whole = math.floor(turns)
        return self.height * self.period * (whole * self.duty + min(turns - whole, self.duty))


@dataclass(frozen=True, slots=True)
class Wave:
    """A level above 0 with swells and pulses on top; dimensionless."""

    level: float
    swells: tuple[Swell, ...] = ()
    pulses: tuple[Pulse, ...] = ()

    @property
    def peak(self) -> float:
        """What it can reach at most, when everything comes together."""
        swells = sum(swell.height for swell in self.swells)
        return self.level + swells + sum(pulse.height for pulse in self.pulses)

    def value(self, at: float) -> float:
        """Return the value at that second since 1970."""
        swells = sum(swell.value(at) for swell in self.swells)
        return self.level + swells + sum(pulse.value(at) for pulse in self.pulses)

    def integral(self, at: float) -> float:
        """Return the area up to that second; only differences mean anything."""
        area = self.level * at
        for swell in self.swells:
            area += swell.integral(at)
        for pulse in self.pulses:
            area += pulse.integral(at)
        return area

    def scaled(self, factor: float) -> "Wave":
        """Return the same curve, ``factor`` times as high."""
        return Wave(
            self.level * factor,
            tuple(Swell(s.height * factor, s.period, s.phase) for s in self.swells),
            tuple(Pulse(p.height * factor, p.period, p.phase, p.duty) for p in self.pulses),
        )
