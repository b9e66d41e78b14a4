"""
Counter of energy that never goes back, fed by a hardware counter that wraps and is reset.

It counts in the hardware's own units, so that no part of a microjoule is lost at any wrap.
"""

from dataclasses import dataclass

COUNTS = 1 << 32
"""RAPL counts its units in 32 bits (Intel SDM volume 3, 15.10)."""


@dataclass(frozen=True, slots=True)
class Scale:
    """
    Size of a hardware counter: nanojoules in one count, and the counts after which it wraps.

    The kernel multiplies the counts with a unit that it rounded to whole nanojoules
    (drivers/powercap/intel_rapl_common.c) and cuts the rest of the microjoule off.
    """

    unit: int
    counts: int

    @classmethod
    def of_range(cls, most: int) -> "Scale":
        """
        Return the scale of a counter whose ``max_energy_range_uj`` is ``most``.

        That is the energy of 2^32 - 1 units where it is the kernel's; any other range is taken to
        wrap one microjoule later. Raises ValueError.
        """
        if most <= 0:
            raise ValueError(f"energy range of {most} microjoules: expected more than 0")
        unit = round(most * 1000 / (COUNTS - 1))
        if unit >= 1000 and (COUNTS - 1) * unit // 1000 == most:
            return cls(unit, COUNTS)
        return cls(1000, most + 1)

    def to_counts(self, microjoules: int) -> int:
        """Return the counts that the kernel shows as so many microjoules; exact."""
        return -(-microjoules * 1000 // self.unit)

    def to_microjoules(self, counts: int) -> int:
        """Return whole microjoules, the rest cut off."""
        return counts * self.unit // 1000


@dataclass(frozen=True, slots=True)
class Step:
    """What one reading added: microjoules, and over how many seconds; None where it is a gap."""

    microjoules: int | None
    seconds: float

    def watts(self) -> float | None:
        """Return the mean power; None over a gap."""
        if self.microjoules is None or self.seconds <= 0:
            return None
        return self.microjoules / 1e6 / self.seconds


@dataclass(frozen=True, slots=True)
class Mark:
    """One reading: counts of the hardware, at seconds of a clock that never stops."""

    counts: int
    at: float


@dataclass(slots=True)
class EnergyCounter:
    """
    Energy of one power domain in microjoules since it was first seen.

    ``most_watts`` bounds what the domain can draw. An interval so long that the hardware counter
    could have come round unseen is a gap, as is one in which it would have drawn more: energy is
    rather missing (and ``gap_seconds`` says for how long) than made up. A value that does not fit
    is first held in doubt: the next one tells whether it was garbage or a reset.
    """

    scale: Scale
    most_watts: float
    base: int = 0
    wraps: int = 0
    resets: int = 0
    gap_seconds: float = 0.0
    _counts: int = 0
    _last: Mark | None = None
    _doubt: Mark | None = None
    _lost_at: float | None = None

    @property
    def total(self) -> int:
        """Microjoules, never less than before."""
        return self.base + self.scale.to_microjoules(self._counts)

    @property
    def last(self) -> Mark | None:
        """The reading that the next one is compared with; None where there is none."""
        return self._last

    def read(self, microjoules: int, at: float) -> Step:
        """Take a reading of the hardware counter, at seconds of a clock that never stops."""
        new = Mark(self.scale.to_counts(microjoules), at)
        if new.counts >= self.scale.counts:
            return Step(None, 0.0)
        if self._last is None:
            self._begin(new)
            return Step(None, 0.0)
        if at <= self._last.at:
            return Step(None, 0.0)
        for old in (self._last, self._doubt):
            used = None if old is None else self._used(old, new)
            if old is not None and used is not None:
                return self._take(old, new, used)
        self._doubt = new
        return Step(None, at - self._last.at)

    def lose(self, at: float) -> None:
        """Forget the last reading: a reset is known of, and what went before says nothing."""
        if self._last is None:
            return
        self.resets += 1
        self._lost_at = self._last.at
        self._last = self._doubt = None
        self.gap_seconds += max(0.0, at - self._lost_at)
        self._lost_at = at

    def _begin(self, new: Mark) -> None:
        if self._lost_at is not None:
            self.gap_seconds += max(0.0, new.at - self._lost_at)
            self._lost_at = None
        self._last = new

    def _used(self, old: Mark, new: Mark) -> int | None:
        bound = self.most_watts * (new.at - old.at) * 1e9 / self.scale.unit
        used = (new.counts - old.counts) % self.scale.counts
        return used if used <= bound < self.scale.counts else None

    def _take(self, old: Mark, new: Mark, used: int) -> Step:
        if self._last is not None and old is not self._last:
            self.resets += 1
            self.gap_seconds += old.at - self._last.at
        self._last, self._doubt = new, None
        self.wraps += new.counts < old.counts
        self._counts += used
        return Step(self.scale.to_microjoules(used), new.at - old.at)

    def resume(self, total: int, mark: Mark | None) -> None:
        """Go on where an earlier run stopped, with its total and its last reading."""
        self.base, self._counts, self._last = total, 0, mark
