"""A host's clocks as its stream shows them, and the right time of what was sampled by wrong ones."""

from dataclasses import dataclass

from headroom_collector.ingest.settings import SECOND


@dataclass(slots=True)
class Sight:
    """
    How far the collector's clock is from a host's time since boot, in nanoseconds.

    A message takes time, so each sighting is late by that: the smallest is the nearest to the
    truth. The time since boot runs on whatever becomes of the wall clock, so a sample's right time
    is its own plus the offset, within the same boot.
    """

    boot_id: str = ""
    offset: int | None = None

    def see(self, received: int, boottime: int) -> None:
        """Note a message that left at ``boottime``; 0 tells nothing."""
        if boottime > 0:
            seen = received - boottime
            self.offset = seen if self.offset is None else min(self.offset, seen)

    def correct(self, time: int, boottime: int, boot_id: str, tolerance_seconds: float) -> int:
        """Return a sample's time: as its host said it, or corrected where that is too far off."""
        if self.offset is None or boottime <= 0 or boot_id != self.boot_id:
            return time
        right = boottime + self.offset
        return right if abs(time - right) > tolerance_seconds * SECOND else time

    def skew_seconds(self, time: int, boottime: int) -> float:
        """Return how far ahead of the collector's a host's clock is; 0 where that is not known."""
        if self.offset is None or boottime <= 0:
            return 0.0
        return (time - boottime - self.offset) / SECOND
