"""What a rule sees of a host's samples when a window ends."""

from headroom_collector.alerts.window import Ring
from headroom_core.rules import Rule


def seen(
    rule: Rule, ring: Ring, interval: float | None, end: int
) -> tuple[float | None, float | None]:
    """
    Return the aggregate of the window that ends there, and the mean over window and hold.

    ``end`` in UTC nanoseconds, ``interval`` in seconds. None without enough samples; the second
    also where the rule does not ask for it.
    """
    value = ring.aggregate(rule.aggregate, rule.window_seconds, rule.coverage_ratio, interval, end)
    if value is None or not rule.falling_factor:
        return value, None
    how = "rate" if rule.aggregate == "rate" else "mean"
    return value, ring.aggregate(how, rule.context_seconds, rule.coverage_ratio, interval, end)
