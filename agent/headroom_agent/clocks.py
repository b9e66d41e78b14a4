"""The clock that never goes back and that no step of the wall clock moves."""

import time

_BOOTTIME = getattr(time, "CLOCK_BOOTTIME", None)


def since_boot_ns() -> int:
    """
    Return nanoseconds since boot, suspended time included (CLOCK_BOOTTIME).

    Where a system has no such clock, its monotonic one: it may stand still while suspended.
    """
    return time.monotonic_ns() if _BOOTTIME is None else time.clock_gettime_ns(_BOOTTIME)
