"""Power of a host out of its power domains, and of many hosts, without counting anything twice."""

from collections.abc import Iterable, Sequence

from headroom_collector.web.model import Power, PowerKind
from headroom_collector.web.queries import PowerNow

KINDS: tuple[PowerKind, ...] = ("measured", "derived", "modelled")
"""From the best to the weakest."""
QUANTITIES = ("wall", "component")
# Power domains that lie inside a package and would count twice beside it.
INNER = ("core", "uncore")


def _total(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _group(readings: Sequence[PowerNow], quantity: str, kind: PowerKind, source: str) -> Power:
    whole = [reading for reading in readings if reading.labels.get("domain") == "host"]
    parts = whole or [
        reading for reading in readings if not reading.labels.get("domain", "").startswith(INNER)
    ]
    stated = all(None not in {part.low, part.high} for part in parts)
    watts = sum(part.watts for part in parts)
    return Power(
        watts=watts,
        low_watts=_total(part.low for part in parts) if stated else None,
        high_watts=_total(part.high for part in parts) if stated else None,
        kind=kind,
        quantity="wall" if quantity == "wall" else "component",
        source=source,
        measured_share=1.0 if kind == "measured" else 0.0,
    )


def of_host(readings: Sequence[PowerNow]) -> Power | None:
    """Choose one figure: the server's input before its components, measured before modelled."""
    groups: dict[tuple[int, int, str], list[PowerNow]] = {}
    for reading in readings:
        quantity, kind = reading.labels.get("quantity", ""), reading.labels.get("kind", "")
        if quantity in QUANTITIES and kind in KINDS:
            rank = (QUANTITIES.index(quantity), KINDS.index(kind))
            groups.setdefault((*rank, reading.labels.get("source", "")), []).append(reading)
    if not groups:
        return None
    quantity_rank, kind_rank, source = best = min(groups)
    return _group(groups[best], QUANTITIES[quantity_rank], KINDS[kind_rank], source)


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
