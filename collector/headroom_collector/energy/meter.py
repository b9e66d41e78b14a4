"""Energy of one host out of readings of its power, in whole microjoules."""

from dataclasses import dataclass

from headroom_collector.energy.reading import PowerReading


@dataclass(slots=True)
class HostMeter:
    """
    Adds up the mean of two readings times the time between them.

    Two readings further apart than ``longest_seconds`` have a gap between them and no energy.
    """

    longest_seconds: float
    total: int = 0
    gap_seconds: float = 0.0
    _at: float | None = None
    _watts: float = 0.0

    def take(self, reading: PowerReading, at: float) -> None:
        """Count a reading, at seconds of a clock that does not go back."""
        before, self._at = self._at, at
        watts, self._watts = self._watts, reading.watts
        if before is None or at <= before:
            return
        seconds = at - before
        if seconds > self.longest_seconds:
            self.gap_seconds += seconds
        else:
            self.total += round((watts + reading.watts) / 2 * seconds * 1e6)
