"""Power of a host, and of many hosts, as the page shows it."""

from collections.abc import Iterable

from headroom_collector.web.model import Power
from headroom_core.power import KINDS, Reading, power_of


def of_host(readings: Iterable[Reading]) -> Power | None:
    """Return the one figure of a host as the page shows it; None where there is none."""
    found = power_of(readings)
    if found is None:
        return None
    return Power(
        watts=found.watts,
        low_watts=found.low,
        high_watts=found.high,
        kind=found.kind,
        quantity=found.quantity,
        source=found.source,
        measured_share=1.0 if found.kind == "measured" else 0.0,
    )


def of_hosts(powers: Iterable[Power | None]) -> Power | None:
    """
    Sum what is known; None where nothing is.

    The kind is the weakest that went in. Ends that a host does not state count as its figure.
    """
    known = [power for power in powers if power is not None]
    if not known:
        return None
    watts = sum(power.watts for power in known)
    stated = any(power.low_watts is not None for power in known)
    low = sum(power.watts if power.low_watts is None else power.low_watts for power in known)
    high = sum(power.watts if power.high_watts is None else power.high_watts for power in known)
    measured = sum(power.watts * power.measured_share for power in known)
    return Power(
        watts=watts,
        low_watts=low if stated else None,
        high_watts=high if stated else None,
        kind=max((power.kind for power in known), key=KINDS.index),
        quantity="wall" if all(power.quantity == "wall" for power in known) else "component",
        source=", ".join(sorted({power.source for power in known})),
        hosts=len(known),
        measured_share=measured / watts if watts else 0.0,
    )
