"""Redfish: a controller's power over HTTPS, whichever generation of the schema it speaks."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import httpx

from headroom_collector.energy import figures
from headroom_collector.energy.reading import BmcError, PowerReading

Get = Callable[[str], Awaitable[Any]]
MOST_SUPPLIES = 16
MOST_CHASSIS = 8


@dataclass(frozen=True, slots=True)
class Way:
    """Where the power was found: a name for people, and the documents to ask for."""

    basis: str
    addresses: tuple[str, ...]

    async def read(self, get: Get) -> float | None:
        """Ask again on the same way; None where it has no figure any more."""
        documents = [await get(address) for address in self.addresses]
        match self.basis:
            case "EnvironmentMetrics PowerWatts":
                return figures.environment(documents[0])
            case "PowerSupplies InputPowerWatts":
                return figures.whole(figures.supply(one) for one in documents)
            case "PowerControl PowerConsumedWatts":
                return figures.control(documents[0])
            case "PowerSupplies PowerInputWatts":
                return figures.supplies(documents[0])
        return figures.maker(documents[0])


async def _ways(get: Get, chassis: str) -> list[Way]:
    """Return every way that a chassis offers, the best first."""
    found = []
    document = await get(chassis)
    environment = figures.link(document, "EnvironmentMetrics")
    if environment:
        found.append(Way("EnvironmentMetrics PowerWatts", (environment,)))
    metrics = await _supplies(get, figures.link(document, "PowerSubsystem"))
    if metrics:
        found.append(Way("PowerSupplies InputPowerWatts", metrics))
    old = figures.link(document, "Power")
    if old:
        # In the old resource the chassis goes first: supplies of old iDRACs say what they could give.
        found.append(Way("PowerControl PowerConsumedWatts", (old,)))
        found.append(Way("PowerSupplies PowerInputWatts", (old,)))
        found.append(Way("maker's own field", (old,)))
    return found


async def _supplies(get: Get, subsystem: str | None) -> tuple[str, ...]:
    if subsystem is None:
        return ()
    collection = figures.link(await get(subsystem), "PowerSupplies")
    if collection is None:
        return ()
    addresses = figures.members(await get(collection))[:MOST_SUPPLIES]
    links = [figures.link(await get(address), "Metrics") for address in addresses]
    return tuple(address for address in links if address)


async def find(get: Get) -> tuple[Way, float]:
    """Look through the chassis for the first figure. Raises BmcError where there is none."""
    chassis = figures.members(await get("/redfish/v1/Chassis"))[:MOST_CHASSIS]
    for address in chassis:
        for way in await _ways(get, address):
            value = await way.read(get)
            if value is not None:
                return way, value
    raise BmcError("Redfish: no chassis has a reading of its power")


class RedfishClient:
    """Asks one controller; remembers where it found the power until that has no figure any more."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http
        self._way: Way | None = None

    async def read(self) -> PowerReading:
        """Return the power now. Raises BmcError."""
        value = await self._way.read(self._get) if self._way is not None else None
        if value is None or self._way is None:
            self._way, value = await find(self._get)
        return PowerReading(value, "redfish", f"Redfish {self._way.basis}")

    def keep(self) -> None:
        """Nothing ends that the next reading would miss."""

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def _get(self, address: str) -> Any:
        try:
            answer = await self._http.get(address)
        except httpx.HTTPError as error:
            raise BmcError(f"Redfish: {error or type(error).__name__}") from None
        if answer.status_code in {401, 403}:
            raise BmcError(
                f"Redfish: {answer.status_code}: user or password is not accepted", refused=True
            )
        if answer.status_code == 404:
            return {}
        if answer.status_code != 200:
            raise BmcError(f"Redfish: {address}: answered {answer.status_code}")
        try:
            return answer.json()
        except ValueError:
            raise BmcError(f"Redfish: {address}: the answer is no JSON") from None
