"""Figures of power in Redfish documents; pure. Null, 0 and nonsense are no figures."""

from collections.abc import Iterable, Mapping
from typing import Any

from headroom_collector.energy.reading import MOST_WATTS

Document = Mapping[str, Any]


def watts(value: object) -> float | None:
    """Return a figure that a running server can draw, else None (HP Gen8 says 0 for null)."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 < value <= MOST_WATTS else None


def inside(document: object, *path: str | int) -> Any:
    """Return what is there, None where any step of the path is missing."""
    for step in path:
        if isinstance(step, int):
            fits = isinstance(document, list) and len(document) > step
        else:
            fits = isinstance(document, Mapping) and step in document
        if not fits:
            return None
        document = document[step]  # type: ignore[index]  # just looked at
    return document


def link(document: object, *path: str) -> str | None:
    """Return the address that a link leads to."""
    found = inside(document, *path, "@odata.id")
    return found if isinstance(found, str) and found.startswith("/") else None


def members(document: object) -> list[str]:
    """Return the addresses of a collection's members."""
    found = inside(document, "Members")
    links = [link(member) for member in found] if isinstance(found, list) else []
    return [address for address in links if address]


def whole(figures: Iterable[float | None]) -> float | None:
    """Add up power supplies; None where none has a figure: one that rests draws nothing."""
    known = [figure for figure in figures if figure is not None]
    return watts(sum(known)) if known else None


def environment(document: Document) -> float | None:
    """Return EnvironmentMetrics' PowerWatts (Redfish 2020.4 and newer)."""
    return watts(inside(document, "PowerWatts", "Reading"))


def supply(document: Document) -> float | None:
    """Return a PowerSupplyMetrics' input."""
    return watts(inside(document, "InputPowerWatts", "Reading"))


def control(document: Document) -> float | None:
    """Return the old Power resource's first PowerControl: the chassis as a whole."""
    return watts(inside(document, "PowerControl", 0, "PowerConsumedWatts"))


def supplies(document: Document) -> float | None:
    """Return the sum of the old Power resource's inputs, maker's own fields (Huawei) included."""
    found = inside(document, "PowerSupplies")
    if not isinstance(found, list):
        return None
    own = (watts(inside(one, "Oem", "Huawei", "PowerInputWatts")) for one in found)
    standard = (watts(inside(one, "PowerInputWatts")) for one in found)
    return whole(standard) or whole(own)


def maker(document: Document) -> float | None:
    """Return what some makers say in fields of their own only: Fujitsu, Inspur."""
    for path in (
        ("Oem", "ts_fujitsu", "ChassisPowerConsumption", "CurrentPowerConsumptionW"),
        ("Oem", "Public", "TotalPower"),
    ):
        found = watts(inside(document, *path))
        if found is not None:
            return found
    return None
